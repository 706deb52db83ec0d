"""What was made of images and may be asked for again, within a limit of memory."""

from __future__ import annotations

import sys
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Protocol, TypeVar


class Sized(Protocol):
    """Something that knows how much memory it takes."""

    @property
    def n_bytes(self) -> int:
        """Bytes."""


Made = TypeVar("Made", bound=Sized)


class BoundedCache:
    """Things by key, made once although several threads ask; those that nobody asked for longest are let go.

    room : bytes that they may take together; one that is larger is kept until the next is made
    most : how many there may be
    """

    def __init__(self, room: int, most: int = sys.maxsize) -> None:
        self._room, self._most = room, most
        self._lock = threading.Lock()
        self._made: OrderedDict[Hashable, Sized] = OrderedDict()
        self._making: dict[Hashable, Future] = {}
        self._taken = 0

    @property
    def n_bytes(self) -> int:
        """Memory taken."""
        return self._taken

    def ask(self, key: Hashable, make: Callable[[], Made]) -> Made:
        """What is kept under a key, or is made now; raises what making it raises, to all who wait for it."""
        with self._lock:
            if key in self._made:
                self._made.move_to_end(key)
                return self._made[key]  # type: ignore[return-value]
            future, is_maker = self._making.get(key), False
            if future is None:
                future, is_maker = Future(), True
                self._making[key] = future
        if is_maker:
            self._make(key, make, future)
        return future.result()

    def forget(self, key: Hashable, made: Sized) -> None:
        """Lets go what is kept under a key, if it is this."""
        with self._lock:
            if self._made.get(key) is made:
                del self._made[key]
                self._taken -= made.n_bytes

    def _make(self, key: Hashable, make: Callable[[], Sized], future: Future) -> None:
        try:
            made = make()
        except BaseException as error:  # it is for all who wait
            with self._lock:
                del self._making[key]
            future.set_exception(error)
            return
        with self._lock:
            del self._making[key]
            self._made[key] = made
            self._taken += made.n_bytes
            while len(self._made) > 1 and (self._taken > self._room or len(self._made) > self._most):
                _, gone = self._made.popitem(last=False)
                self._taken -= gone.n_bytes
        future.set_result(made)
