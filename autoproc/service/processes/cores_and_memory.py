"""What there is to work with: cores and memory, shared among workers; and what a worker uses."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from autoproc.service.params import ServiceParams
from autoproc.threads import SYSTEM, available_cores, control_group_folders

CORES_OF_A_SWEEP = 8
USABLE_MEMORY = 0.9
GIGABYTE = 1 << 30
UNLIMITED = 1 << 60
"""Control groups of version 1 without a limit have a number of about this size."""


@dataclass(frozen=True, slots=True)
class Shares:
    """How many workers there are, and what each may use: threads, bytes of memory, seconds."""

    n_workers: int
    n_threads: int
    memory: int
    seconds: float

    @property
    def all_memory(self) -> int:
        """Bytes that all workers together may use, with those that follow sweeps."""
        return self.n_workers * self.memory


def shares(params: ServiceParams, n_threads: int = 0) -> Shares:
    """Divide the cores (n_threads; 0 means all available) and the memory among the workers."""
    cores = n_threads or available_cores()
    n_workers = params.n_workers or max(1, cores // CORES_OF_A_SWEEP)
    memory = int(params.memory_limit * GIGABYTE) or int(USABLE_MEMORY * available_memory() / n_workers)
    return Shares(n_workers, max(1, cores // n_workers), memory, 60 * params.time_limit)


def available_memory(system: Path = SYSTEM) -> int:
    """Bytes of memory of the machine, or what the control groups leave of it."""
    limits = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    for folder in control_group_folders("memory", system):
        for name in ("memory.max", "memory.limit_in_bytes"):
            with suppress(OSError, ValueError):
                limits.append(int((folder / name).read_text()))
    return min(limit for limit in limits if 0 < limit < UNLIMITED)


def memory_in_use(pid: int, system: Path = SYSTEM) -> int:
    """Bytes of memory that a process and its children hold; 0 for one that is gone."""
    total, waiting = 0, [pid]
    while waiting:
        process = system / "proc" / str(waiting.pop())
        with suppress(OSError, ValueError, IndexError):
            total += int((process / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
            for task in (process / "task").iterdir():
                waiting += map(int, (task / "children").read_text().split())
    return total
