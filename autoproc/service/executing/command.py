"""Sweeps as jobs of any scheduler, by three commands of the configuration: submit, poll and cancel."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import ClassVar

from autoproc.errors import ConfigurationError
from autoproc.service.executing.away import UNSEEN, AwayExecutor
from autoproc.service.executing.executor import ExecutorDown, Standing, Task
from autoproc.service.executing.executor_site import Site
from autoproc.service.executing.scheduler_call import Inquiry, answer_of
from autoproc.service.processing.order import Order

SCHEDULER = "the scheduler"
IDS = "{ids}"
LONGEST_NAME = 40
"""Letters of a job's name: SGE shows 10, HTCondor and Slurm more; 63 is what Kubernetes takes."""


class CommandsMissing(ConfigurationError):
    """The executor of commands without its commands."""

    what = "service.executor is command, and service.command.{missing} says nothing"
    hint = "docs/beamline.md has the commands of some schedulers"


class CommandExecutor(AwayExecutor):
    """Jobs of whatever the commands speak to."""

    name: ClassVar[str] = "command"

    def __init__(self, site: Site) -> None:
        self._params = site.service.command
        for missing in ("submit", "poll", "cancel"):
            if not getattr(self._params, missing):
                raise CommandsMissing(missing=missing)
        super().__init__(site, self._params.n_jobs)
        self._inquiry = Inquiry(self._ask, self._params.poll_interval)

    @property
    def n_threads(self) -> int:
        """As configured."""
        return self._params.n_threads

    def give(self, orders: Sequence[Order]) -> list[str]:
        """One after the other; `most_at_once` is one."""
        return [self._submit(order) for order in orders]

    def _submit(self, order: Order) -> str:
        values = {
            "script": str(self.script_path(order)), "name": job_name(order.name),
            "threads": str(self._params.n_threads), "minutes": f"{self.site.service.time_limit:.0f}",
            "gigabytes": f"{self._params.memory:g}",
        }  # fmt: skip
        words = answer_of([filled_in(argument, values) for argument in self._params.submit], SCHEDULER).split()
        if not words:
            raise ExecutorDown(executor=SCHEDULER, reason="service.command.submit did not print what the job is called")
        return words[-1]

    def ask(self, tasks: Sequence[Task]) -> Mapping[str, Standing]:
        """What the command for that prints."""
        answers = self._inquiry.about([task.handle for task in tasks])
        return {handle: answer or Standing("ended", because=UNSEEN) for handle, answer in answers.items()}

    def _ask(self, handles: Sequence[str]) -> dict[str, Standing]:
        told = answer_of(with_ids(self._params.poll, handles), SCHEDULER)
        rows = [line.split() for line in told.splitlines()]
        return {row[0]: self._standing_of(row[0], row[1]) for row in rows if len(row) > 1 and row[0] in handles}

    def _standing_of(self, job: str, state: str) -> Standing:
        if state.lower() in map(str.lower, self._params.waiting):
            return Standing("waiting", f"waits at the scheduler, job {job}")
        if state.lower() in map(str.lower, self._params.running):
            return Standing("running", f"job {job}")
        return Standing("ended", because=f"its job {job} ended ({state}), and left no results")

    @property
    def silence(self) -> str:
        """Why the last question has no answer."""
        return self._inquiry.trouble

    def stop(self, handles: Sequence[str]) -> None:
        """Call the command for that."""
        if handles:
            answer_of(with_ids(self._params.cancel, handles), SCHEDULER)

    def close(self) -> None:
        """Ask no more."""
        self._inquiry.close()


def job_name(sweep: str) -> str:
    """A sweep's name as every scheduler takes it: small letters, digits and dashes, with a letter first."""
    return f"autoproc-{re.sub('[^a-z0-9]+', '-', sweep.lower())}"[:LONGEST_NAME].rstrip("-")


def filled_in(argument: str, values: Mapping[str, str]) -> str:
    """An argument with the values in place of their names; other braces, of shells and JSON, are left as they are."""
    return re.sub(r"\{(\w+)\}", lambda found: values.get(found[1], found[0]), argument)


def with_ids(command: Sequence[str], handles: Sequence[str]) -> list[str]:
    """A command about jobs: an argument of its own for each, or commas between them."""
    filled: list[str] = []
    for argument in command:
        filled += handles if argument == IDS else [argument.replace(IDS, ",".join(handles))]
    return filled
