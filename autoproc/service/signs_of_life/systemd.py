"""What systemd is told: that the program is ready, that its loop turns, that it stops. Nothing where nobody listens.

The protocol is that of sd_notify(3): a datagram of NAME=VALUE to the socket that the environment names.
"""

from __future__ import annotations

import math
import os
import socket
import time
from collections.abc import MutableMapping
from contextlib import suppress

BEATS = 4
"""Times that systemd is told within the time after which it would take the program for hung."""


class SystemdNotifier:
    """Tells whoever has started the program; the children are not told how to."""

    def __init__(self, environment: MutableMapping[str, str] | None = None) -> None:
        environment = os.environ if environment is None else environment
        self._address = environment.pop("NOTIFY_SOCKET", "")
        watched = environment.pop("WATCHDOG_USEC", "")
        environment.pop("WATCHDOG_PID", None)
        self._interval = int(watched) / 1e6 / BEATS if watched.isdigit() else math.inf
        self._due = 0.0 if self._interval < math.inf else math.inf
        self._is_stopping = False

    def ready(self) -> None:
        """The program works from now on."""
        self._tell("READY=1")

    def turned(self) -> None:
        """The loop turns."""
        now = time.monotonic()
        if now >= self._due:
            self._due = now + self._interval
            self._tell("WATCHDOG=1")

    def stopping(self) -> None:
        """The program ends, as soon as it can; said once."""
        if not self._is_stopping:
            self._is_stopping = True
            self._tell("STOPPING=1")

    def _tell(self, words: str) -> None:
        if not self._address:
            return
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as to:
            to.setblocking(False)
            to.sendto(words.encode(), os.fsencode(address))
