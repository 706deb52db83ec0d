"""What the kernel says of processes; of one that is gone, nothing."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path


def processes() -> list[int]:
    """All of this machine."""
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def children(pid: int) -> list[int]:
    """Those that a process has begun itself."""
    with suppress(OSError):
        return list(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))
    return []


def descendants(pid: int) -> list[int]:
    """Its children, theirs, and so on."""
    return [one for child in children(pid) for one in (child, *descendants(child))]


def is_alive(pid: int) -> bool:
    """It has neither ended nor been killed."""
    return _stat(pid)[:1] not in ([], ["Z"])


def command_of(pid: int) -> set[bytes]:
    """The words of its command."""
    with suppress(OSError):
        return set(Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0"))
    return set()


def processor_time(pid: int) -> float:
    """Seconds that it has computed."""
    fields = _stat(pid)
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK") if fields else 0.0


def peak_memory(pid: int) -> float:
    """Its largest resident set so far, MB."""
    with suppress(OSError, StopIteration):
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))
    return float("nan")


def _stat(pid: int) -> list[str]:
    """What stands in its stat, from the state on, which is the third field (proc(5))."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return []
