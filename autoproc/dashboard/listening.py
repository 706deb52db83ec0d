"""Where the pages are to be had: an address and port, or a Unix socket for a web server in front."""

from __future__ import annotations

import errno
import os
import socket
import stat
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path

from autoproc.dashboard.params import ServeParams
from autoproc.dashboard.patience import WAITING
from autoproc.errors import InputError

FOR_PROXY = 0o660
"""Of the socket: whoever may use it is believed who he says comes."""


class PortTaken(InputError):
    """Another program listens where the pages were to be had."""

    what = "port {port} of {host} is taken: another program, perhaps another `autoproc serve`, listens there"
    hint = "end that one, or add serve.port=0, which takes any port that is free"


class NoSuchAddress(InputError):
    """The pages cannot be had where the configuration says."""

    what = "the pages cannot be served at {host}, port {port} ({reason})"
    hint = "set serve.host to an address of this machine, and serve.port to a port that users may take (above 1023)"


class NoSuchSocket(InputError):
    """The Unix socket cannot be made."""

    what = "{path} cannot be a socket ({reason})"
    hint = "set serve.socket to a name that is free, in a folder of which this user is the owner, as /run/autoproc"


def listening(params: ServeParams) -> socket.socket:
    """The socket of the pages. Raises PortTaken, NoSuchAddress or NoSuchSocket."""
    if params.socket is not None:
        return _at_path(params.socket)
    try:
        found = socket.getaddrinfo(params.host, params.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, _, _, _, address = found[0]
        listener = socket.create_server(address[:2], family=family, backlog=WAITING)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise PortTaken(host=params.host, port=params.port) from error
        reason = error.strerror or str(error)
        raise NoSuchAddress(host=params.host, port=params.port, reason=reason) from error
    if params.is_on_loopback and not ip_address(listener.getsockname()[0]).is_loopback:
        listener.close()
        raise NoSuchAddress(host=params.host, port=params.port, reason="it is not this machine's own")
    return listener


def _at_path(path: Path) -> socket.socket:
    """A socket that its owner and group may use, from the first moment on; one that was left over is replaced."""
    listener = socket.socket(socket.AF_UNIX)
    try:
        if _is_left_over(path):
            path.unlink()
        before = os.umask(0o777 & ~FOR_PROXY)
        try:
            listener.bind(str(path))
        finally:
            os.umask(before)
        listener.listen(WAITING)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise NoSuchSocket(path=path, reason="there is a file or a server of this name") from error
        raise NoSuchSocket(path=path, reason=error.strerror or str(error)) from error
    return listener


def _is_left_over(path: Path) -> bool:
    """A socket at which nobody listens."""
    try:
        if not stat.S_ISSOCK(os.lstat(path).st_mode):
            return False
    except FileNotFoundError:
        return False
    with socket.socket(socket.AF_UNIX) as trial, suppress(OSError):
        trial.settimeout(1.0)
        try:
            trial.connect(str(path))
        except ConnectionRefusedError:
            return True
    return False


def address_of(listener: socket.socket, params: ServeParams) -> str:
    """The beginning of its pages' addresses; "" where browsers do not come to it themselves."""
    if params.socket is not None or not params.is_on_loopback:
        return ""
    host = f"[{params.host}]" if ":" in params.host else params.host
    return f"http://{host}:{listener.getsockname()[1]}"
