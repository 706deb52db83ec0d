"""How many threads to use, and an ordered map over them with bounded look-ahead."""

from __future__ import annotations

import math
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")
R = TypeVar("R")


SYSTEM = Path("/")
"""Where /proc and /sys are."""


def available_cores() -> int:
    """Cores that this process may use, at least 1: by its affinity, its control group's quota, its Slurm task."""
    limits = [len(os.sched_getaffinity(0)), *_own_quotas(), *_slurm_cores()]
    return max(1, min(limits))


@lru_cache(maxsize=1)
def _own_quotas() -> list[int]:
    """Of this process, for its life: every loop on several threads asks, and a dozen files would be read."""
    return cpu_quotas()


def cpu_quotas(system: Path = SYSTEM) -> list[int]:
    """Cores that the control groups of this process (version 1 or 2, as containers have them) leave it."""
    cores = []
    for folder in control_group_folders("cpu", system):
        with suppress(OSError, ValueError, IndexError):
            quota, period = (folder / "cpu.max").read_text().split()
            cores.append(math.ceil(int(quota) / int(period)))
        with suppress(OSError, ValueError):
            quota = (folder / "cpu.cfs_quota_us").read_text()
            if int(quota) > 0:
                cores.append(math.ceil(int(quota) / int((folder / "cpu.cfs_period_us").read_text())))
    return cores


def control_group_folders(controller: str, system: Path = SYSTEM) -> list[Path]:
    """Folders of a controller's limits for this process, its own group's first, then those above it."""
    try:
        lines = (system / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        return []
    folders: list[Path] = []
    for line in lines:
        _, controllers, group = line.split(":", 2)
        if controllers and controller not in controllers.split(","):
            continue
        root = system / "sys/fs/cgroup" / (controllers and controller)
        own = root / group.lstrip("/")
        folders += [folder for folder in (own, *own.parents) if folder.is_relative_to(root)]
    return folders


def _slurm_cores() -> list[int]:
    value = os.environ.get("SLURM_CPUS_PER_TASK", "")
    return [int(value)] if value.isdigit() and int(value) > 0 else []


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


def side_by_side(*tasks: Callable[[], Any]) -> list[Any]:
    """What each of some tasks returns, in order; they are done on several threads, and may do nothing to one another.

    What the first of them raises that fails is raised, once all are over.
    """
    return list(map_in_order(lambda task: task(), tasks))
