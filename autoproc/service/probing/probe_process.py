"""A probing process: asked questions about strangers' files over a socket, with nothing at hand that it could betray.

Messages are JSON behind their length, 4 bytes. The process has no secrets in its environment, no open file of the
program's, a limit of memory, and may write nothing.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import socket
import struct
import subprocess
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from autoproc.errors import AutoprocError
from autoproc.formats.confinement import may_lead_into
from autoproc.importing.params import ImportParams
from autoproc.service.probing.questions import answer_bytes, problem_bytes, read_question
from autoproc.service.processes.begin_process import BegunProbe
from autoproc.service.processes.orphans import die_with_parent

LENGTH = struct.Struct(">I")
LONGEST_ANSWER = 1 << 26
"""Bytes; 100,000 file names take a tenth of it."""
CHUNK = 1 << 18
LONGEST_DYING = 0.5
"""Seconds that a process is waited for that was killed, or has hung up."""


class ProbeHandle(Protocol):
    """What is needed of subprocess.Popen."""

    pid: int

    def poll(self) -> int | None:
        """The exit status; None while it runs."""

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end."""


LaunchProbe = Callable[[socket.socket], ProbeHandle]
"""Begin a probing process at this end of its socket."""


class ProbeProcess:
    """One probing process, as the program sees it. Neither sending nor receiving ever waits."""

    def __init__(self, launch: LaunchProbe, orders: bytes, begun: BegunProbe | None = None) -> None:
        """Begin it, unless it is begun already."""
        self._process: ProbeHandle
        if begun is not None:
            self._socket, self._process = begun.socket, begun.process
        else:
            self._socket, its = socket.socketpair()
            with its:
                self._process = launch(its)
        self._socket.setblocking(False)
        self._unsent = bytearray()
        self._unread = bytearray()
        self._has_hung_up = False
        self.is_ready = False
        self.send(orders)

    def fileno(self) -> int:
        """Of its socket, for select."""
        return self._socket.fileno()

    @property
    def has_unsent(self) -> bool:
        """Something is still to be sent."""
        return bool(self._unsent)

    def send(self, message: bytes) -> None:
        """Send, now or later, as it reads."""
        self._unsent += LENGTH.pack(len(message)) + message
        self.push()

    def push(self) -> None:
        """Send what is left over, as far as it is taken."""
        with suppress(OSError):  # it is dead, or reads nothing now
            while self._unsent:
                n = self._socket.send(self._unsent[:CHUNK])
                del self._unsent[:n]

    def receive(self) -> bytes | None:
        """Its next message, if it is there as a whole. Raises ValueError if that can be none."""
        self.push()
        with suppress(OSError):
            while len(self._unread) < self._end_of_message() and not self._has_hung_up:
                part = self._socket.recv(CHUNK)
                self._unread += part
                self._has_hung_up = not part
        end = self._end_of_message()
        if end == LENGTH.size or len(self._unread) < end:
            return None
        message = bytes(self._unread[LENGTH.size : end])
        del self._unread[:end]
        return message

    def _end_of_message(self) -> int:
        """Where the message that is coming ends; the end of its length while that is not there. Raises ValueError."""
        if len(self._unread) < LENGTH.size:
            return LENGTH.size
        (length,) = LENGTH.unpack_from(self._unread)
        if not 0 < length <= LONGEST_ANSWER:
            raise ValueError("whoever reads it talks nonsense")
        return LENGTH.size + length

    @property
    def is_alive(self) -> bool:
        """It has neither ended nor hung up."""
        return self._process.poll() is None and not self._has_hung_up

    def how_it_ended(self) -> str:
        """In words."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(LONGEST_DYING)
        status = self._process.poll()
        if status is None:
            return "it hung up"
        if status >= 0:
            return f"exit status {status}"
        with suppress(ValueError):
            return signal.Signals(-status).name
        return f"signal {-status}"

    @property
    def was_killed(self) -> bool:
        """Somebody ended it who cannot be refused; before anybody asks how, that is not we."""
        if self.is_alive:
            return False
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(LONGEST_DYING)
        return self._process.poll() == -signal.SIGKILL

    @property
    def waits_for_disk(self) -> bool:
        """It hangs in the kernel: the file server is away, which is no fault of a file's."""
        return self._stat()[:1] == ["D"]

    @property
    def is_running(self) -> bool:
        """It computes, or would if a core were free."""
        return self._stat()[:1] == ["R"]

    @property
    def cpu_seconds(self) -> float:
        """Processor time that it was given so far; 0 for one that is gone."""
        ticks = self._stat()[11:13]
        return sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")

    def _stat(self) -> list[str]:
        """What the kernel says of it from its state on; nothing of one that is gone."""
        with suppress(OSError):
            return Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return []

    def kill(self) -> None:
        """End it at once. One that hangs in the kernel ends when it can: nobody waits long for it."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._socket.close()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(LONGEST_DYING)


def orders(params: ImportParams, memory: int) -> bytes:
    """What a probing process is told first: how to import, and how many bytes of memory it may take."""
    return json.dumps({"import": params.model_dump(mode="json"), "memory": memory}).encode()


def serve(connection: socket.socket, restrict: Callable[[int], None]) -> None:
    """Be a probing process: answer questions until nobody asks any more."""
    die_with_parent()
    for number in (signal.SIGINT, signal.SIGTERM):  # these are for the program
        signal.signal(number, signal.SIG_IGN)
    told = _receive(connection)
    if told is None:
        return
    facts = json.loads(told)
    params = ImportParams.model_validate(facts["import"])
    import numpy.ma  # noqa: F401, PLC0415  (everything is loaded before memory is limited; np.median asks for this one)

    from autoproc.formats.hdf5 import nexus  # noqa: F401, PLC0415
    from autoproc.service.probing.answers import answer_to, failed_where, failed_words  # noqa: PLC0415  (only here, and h5py with it)

    may_lead_into(params.link_roots)
    restrict(facts["memory"])
    _send(connection, b'"ready"')
    while (message := _receive(connection)) is not None:
        question = read_question(message)
        try:
            answer = answer_bytes(question, answer_to(question, params))
        except AutoprocError as error:
            answer = problem_bytes("error", error.message, error.advice)
        except Exception as error:  # the edge to other people's files
            answer = problem_bytes("failed", failed_words(error), details=failed_where(error))
        _send(connection, answer)


def restrict(memory: int) -> None:
    """Allow this process so many bytes of memory more, no more files written, and no core dumps."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    in_use = pages * os.sysconf("SC_PAGE_SIZE")
    for limit, value in (
        (resource.RLIMIT_AS, in_use + memory), (resource.RLIMIT_FSIZE, 0), (resource.RLIMIT_CORE, 0),
    ):  # fmt: skip
        with suppress(ValueError, OSError):  # the system's own limit is lower
            resource.setrlimit(limit, (value, value))


def _send(connection: socket.socket, message: bytes) -> None:
    connection.sendall(LENGTH.pack(len(message)) + message)


def _receive(connection: socket.socket) -> bytes | None:
    head = _exactly(connection, LENGTH.size)
    return None if head is None else _exactly(connection, LENGTH.unpack(head)[0])


def _exactly(connection: socket.socket, n: int) -> bytes | None:
    parts = bytearray()
    while len(parts) < n:
        part = connection.recv(min(n - len(parts), CHUNK))
        if not part:
            return None
        parts += part
    return bytes(parts)
