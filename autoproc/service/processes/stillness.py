"""How long a sign of life has stood still, by our own clock: the clocks of other machines need not agree with it."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Hashable


class Stillness:
    """Values under keys, and since when each is what it is.

    steady : seconds that no setting of the clock changes
    """

    def __init__(self, steady: Callable[[], float] = time.monotonic) -> None:
        self._steady = steady
        self._since: dict[Hashable, tuple[object, float]] = {}
        self._moved: set[Hashable] = set()

    def seconds(self, key: Hashable, value: object) -> float:
        """For how long a value has been the same, as far as it was looked at: 0 at the first look."""
        now = self._steady()
        known = self._since.get(key)
        if known is not None and known[0] == value:
            return now - known[1]
        if known is not None:
            self._moved.add(key)
        self._since[key] = value, now
        return 0.0

    def has_moved(self, key: Hashable) -> bool:
        """It has been seen to change."""
        return key in self._moved

    def keep(self, keys: Collection[Hashable]) -> None:
        """Forget all others."""
        self._since = {key: seen for key, seen in self._since.items() if key in keys}
        self._moved &= set(keys)
