"""Listening to a stream over ZeroMQ: messages wait in memory, up to a limit, until they are taken."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import zmq
from zmq.utils.monitor import recv_monitor_message

from autoproc.errors import ConfigurationError
from autoproc.recording.params import RecordParams
from autoproc.wording import counted

LARGEST_MESSAGE = 1 << 30
"""Bytes: a start message has a mask and a flat field for each of a few channels, 18 million pixels of 4 bytes each."""
MEGABYTES_OF_ONE = 4
"""Of a message (16 million pixels, compressed): ZeroMQ, which takes in messages by a thread of its own while a file is
written, counts them and not their bytes."""
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
    """Messages of a stream, in the order in which they come. Whoever does not take them calls `listen` meanwhile.

    say : tells the user something (text, whether it is wrong)
    n_bytes : of the messages that wait; n_dropped : messages lost since memory was full
    """

    def __init__(self, params: RecordParams, say: Callable[[str, bool], None]) -> None:
        self._params, self._say = params, say
        self._waiting: deque[bytes] = deque()
        self.n_bytes = self.n_dropped = 0
        self._is_greeted = self._is_told = self._is_refused = False
        self._attempt: float | None = None
        self._context = zmq.Context()
        self._socket = self._made()
        self._monitor = self._socket.get_monitor_socket(
            zmq.EVENT_CONNECTED | zmq.EVENT_DISCONNECTED | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL
            | zmq.EVENT_HANDSHAKE_SUCCEEDED | zmq.EVENT_CONNECT_RETRIED
        )  # fmt: skip
        self._poller = zmq.Poller()
        for socket in (self._socket, self._monitor):
            self._poller.register(socket, zmq.POLLIN)
        try:
            self._socket.connect(params.endpoint)
        except zmq.ZMQError as error:
            self.close()
            raise NoSuchEndpoint(endpoint=params.endpoint, reason=error.strerror) from error

    def next(self, timeout: float) -> bytes | None:
        """The next message, or None where none comes within so many seconds."""
        until = time.monotonic() + timeout
        self.listen(0.0 if self._waiting else timeout)
        while not self._waiting:
            if (left := until - time.monotonic()) <= 0:
                return None
            self.listen(left)
        message = self._waiting.popleft()
        self.n_bytes -= len(message)
        return message

    def listen(self, seconds: float) -> None:
        """Take in what has come; where that is nothing, wait for more, so many seconds at most."""
        self._try_again()
        if self._takes_in:
            ready = dict(self._poller.poll(int(1000 * seconds)))
        else:
            time.sleep(seconds)
            ready = {}
        while self._monitor.poll(0):
            self._tell(recv_monitor_message(self._monitor))
        while ready.get(self._socket) and self._takes_in:
            try:
                self._keep(b"".join(self._socket.recv_multipart(zmq.DONTWAIT)))
            except zmq.Again:
                return

    def close(self) -> None:
        """Stop listening."""
        self._socket.disable_monitor()
        self._monitor.close(0)
        self._socket.close(0)
        self._context.term()

    def _made(self) -> zmq.Socket[bytes]:
        """The socket. Nothing that a publisher sends to it is kept from its other listeners."""
        socket = self._context.socket(zmq.PULL if self._params.socket == "pull" else zmq.SUB)
        socket.setsockopt(zmq.RCVHWM, max(1, self._params.memory // MEGABYTES_OF_ONE))
        socket.setsockopt(zmq.MAXMSGSIZE, LARGEST_MESSAGE)
        socket.setsockopt(zmq.TCP_KEEPALIVE, 1)
        if self._params.socket == "sub":
            socket.setsockopt(zmq.SUBSCRIBE, b"")
        return socket

    @property
    def _takes_in(self) -> bool:
        """Without room, what goes to nobody else is left to its sender; of what others have too, it is lost."""
        return self._params.socket == "sub" or self.n_bytes < self._params.memory << 20

    def _keep(self, message: bytes) -> None:
        if self._waiting and self.n_bytes + len(message) > self._params.memory << 20:
            if not self.n_dropped:
                self._say(
                    f"{self.n_bytes >> 20} MB of messages wait (record.memory): what comes now is lost here", True
                )
            self.n_dropped += 1
            return
        if self.n_dropped:
            self._say(f"messages are kept again; {counted(self.n_dropped, 'message')} were lost", True)
            self.n_dropped = 0
        self._waiting.append(message)
        self.n_bytes += len(message)

    def _try_again(self) -> None:
        """Connect once more where the other end was of a kind that ZeroMQ has given up."""
        if self._attempt is not None and time.monotonic() >= self._attempt:
            self._attempt = None
            with suppress(zmq.ZMQError):
                self._socket.disconnect(self._params.endpoint)
            self._socket.connect(self._params.endpoint)

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
