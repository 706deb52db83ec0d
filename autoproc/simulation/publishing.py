"""A relay for trials: it publishes messages to whoever listens, as a facility's does."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import zmq

LINGER = 5.0
"""Seconds for messages under way when it ends."""


class Relay:
    """A publisher (PUB) that others connect to; address : where it is, as tcp://127.0.0.1:31011."""

    def __init__(self, endpoint: str) -> None:
        self._context = zmq.Context()
        self._socket = self._context.socket(zmq.XPUB)
        self._socket.setsockopt(zmq.XPUB_VERBOSE, 1)  # tells of every listener
        self._socket.setsockopt(zmq.SNDHWM, 0)
        if endpoint.endswith(":*") or endpoint.endswith(":0"):
            port = self._socket.bind_to_random_port(endpoint.rpartition(":")[0])
            self.address = f"{endpoint.rpartition(':')[0]}:{port}"
        else:
            self._socket.bind(endpoint)
            self.address = endpoint

    def wait_for(self, n_listeners: int, seconds: float) -> int:
        """Wait until so many listen, at most so long; returns how many do."""
        n, until = 0, time.monotonic() + seconds
        while n < n_listeners and (left := until - time.monotonic()) > 0:
            if self._socket.poll(int(1000 * left) + 1):
                n += self._socket.recv()[:1] == b"\x01"
        return n

    def send(self, message: bytes) -> None:
        """Publish a message."""
        self._socket.send(message)

    def close(self) -> None:
        """End, when what was sent has gone."""
        self._socket.close(int(1000 * LINGER))
        self._context.term()


@contextmanager
def relay(endpoint: str) -> Iterator[Relay]:
    """A relay, closed in the end."""
    opened = Relay(endpoint)
    try:
        yield opened
    finally:
        opened.close()
