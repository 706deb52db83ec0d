"""Parameters of the queue, its workers and what is said about them."""

from __future__ import annotations

from string import Formatter
from typing import Literal

from pydantic import Field, field_validator

from autoproc.params import Params
from autoproc.service.executing.params import Command, CommandParams, PartsParams, SlurmParams

PLACEHOLDERS = (
    "sweep", "status", "path", "folder", "summary", "merged", "space_group", "d_min", "error", "hint", "attempt",
)  # fmt: skip
"""What a hook's arguments may hold between braces."""


class ServiceParams(Params):
    """The queue of sweeps, the processes that work it off, and the commands run beside them."""

    n_workers: int = Field(0, ge=0)
    """Sweeps processed at a time, each in a process of its own; 0 means one for every 8 cores, for the threads
    of one sweep gain little beyond that."""
    executor: str = "local"
    """Who carries sweeps out: "local", processes of this machine; "slurm"; "command", any scheduler by commands of
    the configuration; "workers", programs `autoproc worker` on other machines; or one that another package adds."""
    longest_wait: float = Field(30.0, ge=0)
    """Minutes that a sweep waits elsewhere before a worker of this machine takes it over, if one is free; 0: however
    long. While the executor takes nothing at all, because Slurm is down for example, they take what comes."""
    takes_over: bool = True
    """Whether this machine's workers do so; false where the machine is not to process sweeps."""
    slurm: SlurmParams = SlurmParams()
    """Jobs of Slurm, where service.executor is "slurm"."""
    command: CommandParams = CommandParams()
    """Jobs of any scheduler, where service.executor is "command"."""
    parts: PartsParams = PartsParams()
    """Large sweeps that several jobs process together."""
    executor_options: dict[str, str] = Field(default_factory=dict)
    """Parameters of an executor that another package adds; it says which."""
    time_limit: float = Field(240.0, gt=0)
    """Minutes after which a sweep's worker is stopped; many times what the largest sweeps take."""
    memory_limit: float = Field(0.0, ge=0)
    """Gigabytes at which a sweep's worker is stopped; 0 means an equal share of 90% of what the machine, or the
    control group, has."""
    max_crashes: int = Field(2, ge=1)
    """Workers that a sweep may kill (crash, hang, run out of memory) before it is set aside."""
    max_attempts: int = Field(30, ge=1)
    """Attempts at a sweep that fails for a passing reason: full disk, permissions, a network file system's
    hiccups. With the delays they last for a day, until somebody has seen the disk; with `--once` there is one."""
    retry_delay: float = Field(30.0, ge=0)
    """Seconds before such a sweep is tried again; doubled every time, up to an hour."""
    order: Literal["newest_visit", "arrival"] = "newest_visit"
    """Which sweep comes next: of the visit with the latest images (then in their order), or the oldest of all."""
    lease: float = Field(60.0, gt=0)
    """Seconds after which a sweep whose program on another machine no longer says that it works is given to the
    next."""
    grace_time: float = Field(30.0, ge=0)
    """Seconds that sweeps under way are given to finish when the program is told to stop; those that do not are
    handed back to the queue."""
    journal: Literal["auto", "wal", "delete"] = "auto"
    """SQLite's journal: a write-ahead log on local disks, a rollback journal on network file systems, which have
    no shared memory for the log."""
    n_earlier: int = Field(3, ge=0)
    """Earlier results of a sweep that are kept when it is processed again, below .autoproc/earlier in the folder of
    results: its page lists them, and any of them can be made the one that stands. Three are enough to compare
    with; each takes the room of the results once more, 2 GB for 3600 images; 0 keeps none."""
    on_start: tuple[Command, ...] = ()
    """Commands run when a sweep is begun, each a list of arguments (no shell) in which {sweep}, {status}, {path},
    {folder}, {summary}, {merged}, {space_group}, {d_min}, {error}, {hint} and {attempt} are filled in. No value
    begins with a dash, which a command would take for an option: a path has ./ before it then, all else _ instead."""
    on_success: tuple[Command, ...] = ()
    """Commands run when a sweep has its results."""
    on_failure: tuple[Command, ...] = ()
    """Commands run when a sweep failed for good or was set aside."""
    hook_timeout: float = Field(60.0, gt=0)
    """Seconds after which such a command is stopped; that costs no result."""
    log_size: float = Field(10.0, gt=0)
    """Megabytes of the queue's log at which a new one is begun."""
    log_count: int = Field(5, ge=1)
    """Old logs of the queue that are kept."""

    @field_validator("on_start", "on_success", "on_failure")
    @classmethod
    def _can_be_filled_in(cls, commands: tuple[Command, ...]) -> tuple[Command, ...]:
        for command in commands:
            if not command:
                raise ValueError("a command needs at least its name")
            for argument in command:
                unknown = {field for _, field, _, _ in _parts(argument) if field is not None} - set(PLACEHOLDERS)
                if unknown:
                    named = ", ".join(f"{{{name}}}" for name in sorted(unknown))
                    raise ValueError(f"{named} is unknown; there are {', '.join(f'{{{p}}}' for p in PLACEHOLDERS)}")
        return commands


def _parts(argument: str) -> list[tuple[str, str | None, str | None, str | None]]:
    try:
        return list(Formatter().parse(argument))
    except ValueError as error:
        raise ValueError(f"{argument}: {error}; braces that are meant are doubled: {{{{ }}}}") from error
