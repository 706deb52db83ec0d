"""Kill the program and its workers again and again, at random moments of their work."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field

from collected.processes import command_of, descendants

from killing.at_work import AtWork
from killing.kinds import Kind

LONGEST_WAIT = 600.0
"""Seconds in which a worker must be at work: a program's start, a lease that ends and a worker's start, many times, on
a machine that has much else to do (120 s were too few where 14 processes wanted two cores)."""
LOOK = 0.05
"""Seconds between two looks for a worker at work."""


@dataclass
class Killed:
    """How often what was killed, and how far the worker was that was killed, or that the program had.

    orphans : processes that programs had which were killed
    """

    worker: Counter[str] = field(default_factory=Counter)
    program: Counter[str] = field(default_factory=Counter)
    orphans: set[int] = field(default_factory=set)
    begun: float = field(default_factory=time.monotonic)

    @property
    def n(self) -> int:
        return self.worker.total() + self.program.total()

    def is_workers_turn(self, chance: random.Random) -> bool:
        """The next is that which was killed less often; among equals, chance decides."""
        more = self.program.total() - self.worker.total()
        return more > 0 or (more == 0 and chance.random() < 0.5)

    def note(self, who: str, stage: str) -> None:
        """Count and print one."""
        (self.worker if who == "worker" else self.program)[stage.partition(", ")[0]] += 1
        print(f"{time.strftime('%H:%M:%S')} {self.n:4d}  {who} killed, {stage}", flush=True)

    def __str__(self) -> str:
        took = time.monotonic() - self.begun
        lines = [
            f"killed in {took:.0f} s: {self.program.total()} times the program, {self.worker.total()} times a worker"
        ]
        for who, stages in (("workers", self.worker), ("programs, their workers", self.program)):
            told = ", ".join(f"{n} {stage}" for stage, n in sorted(stages.items()))
            lines += [f"    {who}: {told}"] if told else []
        return "\n".join(lines)


def kill_at_random(kind: Kind, n_kills: int, chance: random.Random, life: float) -> Killed:
    """Kill so often, the program and its workers by turns that chance decides.

    life : seconds that a sweep takes, over which the moments are spread
    """
    killed = Killed()
    kind.keep_busy(chance)
    program = kind.begin()
    try:
        while killed.n < n_kills:
            if program.poll() is not None:
                kind.keep_busy(chance)
                program = kind.begin()
            _kill_one(kind, program, chance, life, killed)
    finally:
        _end(program, killed)
    return killed


def _kill_one(kind: Kind, program: subprocess.Popen[bytes], chance: random.Random, life: float, killed: Killed) -> None:
    """The program, or a worker, unless it has ended meanwhile."""
    is_workers_turn = killed.is_workers_turn(chance)
    is_waited_for = is_workers_turn or chance.random() < 2 / 3
    worker = wait_for(kind, program.pid, chance) if is_waited_for else None
    time.sleep(chance.uniform(0.0, life))
    if not is_workers_turn:
        at_work = [worker] if worker is not None and worker.is_alive else kind.at_work(program.pid)
        killed.note("program", _stage(at_work[0], kind, program.pid) if at_work else "not at work")
        _end(program, killed)
    elif worker is not None and worker.is_alive:
        killed.note("worker", _stage(worker, kind, program.pid))
        with suppress(ProcessLookupError):
            os.kill(worker.pid, signal.SIGKILL)


def _end(program: subprocess.Popen[bytes], killed: Killed) -> None:
    """Kill the program alone; the processes that it had are to end by themselves."""
    killed.orphans |= {pid for pid in descendants(program.pid) if b"autoproc" in command_of(pid)}
    program.kill()
    program.wait()


def wait_for(kind: Kind, program: int, chance: random.Random) -> AtWork:
    """Any worker, as soon as one is at work. Raises TimeoutError if none is for too long."""
    end = time.monotonic() + LONGEST_WAIT
    while time.monotonic() < end:
        if found := kind.at_work(program):
            return chance.choice(found)
        kind.keep_busy(chance)
        time.sleep(LOOK)
    raise TimeoutError(f"no worker was at work for {LONGEST_WAIT:g} s")


def _stage(worker: AtWork, kind: Kind, program: int) -> str:
    """How far a worker is by now: who followed a sweep may have begun to process it."""
    latest = [one for one in kind.at_work(program) if one.pid == worker.pid]
    return (latest or [worker])[0].stage
