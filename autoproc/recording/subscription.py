"""Listening to a stream over ZeroMQ: messages wait in memory, up to a limit, until they are taken."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import zmq
from zmq.utils.monitor import recv_monitor_message

from autoproc.errors import ConfigurationError
from autoproc.recording.params import RecordParams

LARGEST_MESSAGE = 1 << 30
"""Bytes: a start message has a mask and a flat field for each of a few channels, 18 million pixels of 4 bytes each."""
WAITING_MESSAGES = 8
"""Messages that ZeroMQ keeps by itself, beyond those that wait here."""
LOOK = 200
"""Milliseconds between looks whether to stop."""
AGAIN = 5.0
"""Seconds until another attempt where the other end is of a kind that cannot be listened to: ZeroMQ makes none."""
NOT_ONE = {
    "sub": "{endpoint} does not publish: it hands each message to one receiver only, as detectors do, or is no stream. "
    "Nothing is taken from it. Record from a relay that publishes (PUB); where this output is for autoproc alone, set "
    "record.socket=pull",
    "pull": "{endpoint} hands out no messages (PUSH); if it publishes them, leave out record.socket=pull",
}
"""What is said where the other end is of another kind than record.socket."""


class NoSuchEndpoint(ConfigurationError):
    """An address that cannot be one."""

    what = "nothing can be received from {endpoint} ({reason})"
    hint = "give the address of a relay as tcp://HOST:PORT (record.endpoint)"


class Subscription:
    """Messages of a stream, taken in by a thread of their own, so that a slow disk does not lose them.

    say : tells the user something (text, whether it is wrong), from that thread; n_bytes : of the messages that wait
    """

    def __init__(self, params: RecordParams, say: Callable[[str, bool], None]) -> None:
        self._params, self._say = params, say
        self._waiting: deque[bytes] = deque()
        self.n_bytes = 0
        self._changed = threading.Condition()
        self._is_closing = self._is_greeted = self._is_told = self._is_refused = False
        self._attempt: float | None = None
        self._context = zmq.Context()
        self._socket = self._made()
        self._monitor = self._socket.get_monitor_socket(
            zmq.EVENT_CONNECTED | zmq.EVENT_DISCONNECTED | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL
            | zmq.EVENT_HANDSHAKE_SUCCEEDED | zmq.EVENT_CONNECT_RETRIED
        )  # fmt: skip
        try:
            self._socket.connect(params.endpoint)
        except zmq.ZMQError as error:
            self._close()
            raise NoSuchEndpoint(endpoint=params.endpoint, reason=error.strerror) from error
        self._thread = threading.Thread(target=self._listen, name="stream", daemon=True)
        self._thread.start()

    def next(self, timeout: float) -> bytes | None:
        """The next message, or None after so many seconds."""
        with self._changed:
            if not self._waiting:
                self._changed.wait(timeout)
            if not self._waiting:
                return None
            message = self._waiting.popleft()
            self.n_bytes -= len(message)
            self._changed.notify_all()
            return message

    def close(self) -> None:
        """Stop listening."""
        with self._changed:
            self._is_closing = True
            self._changed.notify_all()
        self._thread.join()
        self._close()

    def _close(self) -> None:
        self._socket.disable_monitor()
        self._monitor.close(0)
        self._socket.close(0)
        self._context.term()

    def _made(self) -> zmq.Socket[bytes]:
        """The socket. Nothing that a publisher sends to it is kept from its other listeners."""
        socket = self._context.socket(zmq.PULL if self._params.socket == "pull" else zmq.SUB)
        socket.setsockopt(zmq.RCVHWM, WAITING_MESSAGES)
        socket.setsockopt(zmq.MAXMSGSIZE, LARGEST_MESSAGE)
        socket.setsockopt(zmq.TCP_KEEPALIVE, 1)
        if self._params.socket == "sub":
            socket.setsockopt(zmq.SUBSCRIBE, b"")
        return socket

    def _listen(self) -> None:
        poller = zmq.Poller()
        poller.register(self._socket, zmq.POLLIN)
        poller.register(self._monitor, zmq.POLLIN)
        while not self._is_closing:
            ready = dict(poller.poll(LOOK))
            if self._monitor in ready:
                self._tell(recv_monitor_message(self._monitor))
            if self._socket in ready:
                self._keep(b"".join(self._socket.recv_multipart()))
            if self._attempt is not None and time.monotonic() >= self._attempt:
                self._attempt = None
                with suppress(zmq.ZMQError):  # ZeroMQ has given it up
                    self._socket.disconnect(self._params.endpoint)
                self._socket.connect(self._params.endpoint)

    def _keep(self, message: bytes) -> None:
        """Add a message; where there is no room, wait, so that ZeroMQ holds the next ones back."""
        limit = self._params.memory << 20
        with self._changed:
            while self.n_bytes and self.n_bytes + len(message) > limit and not self._is_closing:
                self._changed.wait(LOOK / 1000)
            self._waiting.append(message)
            self.n_bytes += len(message)
            self._changed.notify_all()

    def _tell(self, event: Mapping[str, Any]) -> None:
        """Say what became of the connection."""
        kind, endpoint = event["event"], self._params.endpoint
        if kind == zmq.EVENT_HANDSHAKE_SUCCEEDED:
            self._is_greeted, self._is_told, self._is_refused = True, False, False
            self._say(f"listening to {endpoint}", False)
        elif kind == zmq.EVENT_CONNECTED:
            self._is_greeted = False
        elif self._is_greeted:
            self._is_greeted, self._is_told = False, True
            self._say(f"{endpoint} is gone; waiting for it to come back", True)
        elif kind == zmq.EVENT_CONNECT_RETRIED:
            if not self._is_told:
                self._is_told = True
                self._say(f"nobody answers at {endpoint}; waiting", True)
        else:
            self._attempt = time.monotonic() + AGAIN
            if not self._is_refused:
                self._is_refused = self._is_told = True
                self._say(NOT_ONE[self._params.socket].format(endpoint=endpoint), True)
