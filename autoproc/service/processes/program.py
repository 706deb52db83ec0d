"""Who has a job: a program by its machine, number and start, so that it can be told whether it still lives."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

PROC = Path("/proc")


def this_machine() -> str:
    """The machine we are on, since it was switched on, and the container that numbers its processes."""
    boot = ""
    with suppress(OSError):
        boot = (PROC / "sys/kernel/random/boot_id").read_text().strip()
    with suppress(OSError):
        boot += f"/{os.stat(PROC / 'self/ns/pid').st_ino}"
    return f"{os.uname().nodename}/{boot}"


def this_program() -> str:
    """The process we are, told from all others that have been and will be."""
    return f"{this_machine()}:{os.getpid()}:{started(os.getpid())}"


def is_dead(program: str) -> bool:
    """The process is gone for certain; False where it cannot be known, as on another machine.

    On this machine, before it was last switched on, nothing is left alive.
    """
    machine, _, process = program.partition(":")
    number, _, start = process.partition(":")
    if machine.split("/")[0] != this_machine().split("/")[0]:
        return False
    if machine != this_machine():
        return machine.split("/")[1:2] != this_machine().split("/")[1:2]
    return not number.isdigit() or started(int(number)) != start


def started(number: int) -> str:
    """When a process was started, in the kernel's ticks; "" if there is none, or only its remains."""
    try:
        fields = (PROC / str(number) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] in "ZX" else fields[19]


def is_here(program: str) -> bool:
    """The process is one of this machine, so that `is_dead` knows."""
    return program.partition(":")[0] == this_machine()
