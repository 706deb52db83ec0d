"""Parameters of executors: who carries out sweeps, on this machine or elsewhere."""

from __future__ import annotations

from pydantic import Field

from autoproc.params import Params

Command = tuple[str, ...]


class SlurmParams(Params):
    """Sweeps as jobs of Slurm. The folder of results, the images and the program have the same paths on its nodes."""

    partition: str = ""
    """Partition that jobs are given to; empty: Slurm's own default."""
    account: str = ""
    """Account that jobs are charged to; empty: the user's default."""
    n_cores: int = Field(8, ge=1)
    """Cores of each job, and threads that its sweep is processed with; more gain little."""
    memory: float = Field(0.0, ge=0)
    """Gigabytes of each job; 0 asks for none, which gives what the partition gives."""
    time_limit: float = Field(0.0, ge=0)
    """Minutes of each job; 0 means service.time_limit."""
    n_jobs: int = Field(50, ge=1)
    """Sweeps at Slurm at a time, waiting or running. Those beyond wait in the queue here, where their order may still
    change: the newest visit comes first."""
    options: tuple[str, ...] = ()
    """Further options of sbatch, such as "--qos=beamline" or "--reservation=visit"."""
    poll_interval: float = Field(5.0, gt=0)
    """Seconds between two questions to Slurm, each for all jobs together. Results are seen sooner, by their files."""


class PartsParams(Params):
    """One sweep as several jobs at a time: others of the executor's, which are free, help the one that has it."""

    is_enabled: bool = False
    """Have large sweeps processed so. Results are the same to the bit, on machines of one kind. It can pay where an
    executor has nodes beside that of the sweep's own job, which uses all its cores by itself."""
    most: int = Field(3, ge=1)
    """Jobs that help with a sweep, at most, beside the one that has it. They count as sweeps do for the executor's
    limits, and make room for sweeps that wait."""
    least_gigapixels: float = Field(5.0, ge=0)
    """Images times pixels of each, 10^9, from which on a sweep is large: some minutes of a core. A judgement."""


class CommandParams(Params):
    """Sweeps as jobs of any scheduler, by three commands. Each is a list of arguments; no shell sees them."""

    submit: Command = ()
    """Gives a sweep to the scheduler, and prints what that calls the job as the last word of its last line. {script}
    is a shell script that does the work on any machine that has the same folders; {name}, {threads}, {minutes} and
    {gigabytes} are filled in as well."""
    poll: Command = ()
    """Prints a line for each job that the scheduler still has: what it is called, and its state. An argument {ids}
    becomes one for each job; within an argument the jobs stand with commas between them."""
    cancel: Command = ()
    """Stops jobs; {ids} as above."""
    waiting: tuple[str, ...] = ("waiting", "pending", "queued")
    """What the state is called of jobs that have not begun."""
    running: tuple[str, ...] = ("running",)
    """What the state is called of jobs that are carried out. All else, or no line, means that the job is over."""
    n_threads: int = Field(8, ge=1)
    """Threads that a sweep is processed with, for {threads}."""
    memory: float = Field(16.0, gt=0)
    """Gigabytes for {gigabytes}; whether a job is stopped there is the scheduler's affair."""
    n_jobs: int = Field(50, ge=1)
    """Sweeps at the scheduler at a time."""
    poll_interval: float = Field(10.0, gt=0)
    """Seconds between two questions, each for all jobs together."""
