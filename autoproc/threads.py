"""How many threads to use, and an ordered map over them with bounded look-ahead."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def available_cores() -> int:
    """Cores that this process may use (its affinity), at least 1."""
    return max(1, len(os.sched_getaffinity(0)))


def map_in_order(
    function: Callable[[T], R], items: Iterable[T], n_threads: int = 0, look_ahead: int = 2
) -> Iterator[R]:
    """Yield function(item) for each item, in the order of the items, computed on several threads.

    At most n_threads + look_ahead results are waiting or under way, so memory is bounded however
    long `items` is. n_threads = 0 means every available core. The result does not depend on
    the number of threads as long as `function` has no side effects.
    """
    n_threads = n_threads or available_cores()
    if n_threads == 1:
        yield from map(function, items)
        return
    with ThreadPoolExecutor(n_threads) as pool:
        pending: deque = deque()
        for item in items:
            pending.append(pool.submit(function, item))
            if len(pending) >= n_threads + look_ahead:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
