"""Sweeps as jobs of Slurm: sbatch, one squeue for all, scancel."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence
from typing import ClassVar

from autoproc.service.executing.away import UNSEEN, AwayExecutor
from autoproc.service.executing.execution import NOT_WRITTEN
from autoproc.service.executing.executor import ExecutorDown, Standing, Task
from autoproc.service.executing.executor_site import Site
from autoproc.service.executing.scheduler_call import Inquiry, answer_of
from autoproc.service.processing.order import Order

SLURM = "Slurm"
LARGEST_ARRAY = 500
"""Sweeps in one array. Slurm takes 1000 unless its MaxArraySize says otherwise; fewer is no loss."""
NOT_BEGUN = ("PENDING", "REQUEUED", "REQUEUE_HOLD", "REQUEUE_FED", "RESV_DEL_HOLD", "SPECIAL_EXIT", "CONFIGURING")
UNDER_WAY = ("RUNNING", "COMPLETING", "SUSPENDED", "STOPPED", "SIGNALING", "STAGE_OUT", "RESIZING")
NOT_ITS_DOING = ("NODE_FAIL", "BOOT_FAIL", "PREEMPTED", "CANCELLED", "REVOKED", "DEADLINE")
"""Ends that machines and people make: https://slurm.schedmd.com/job_state_codes.html (checked against 22.05)."""
ENDS = {
    "NODE_FAIL": "its node failed", "BOOT_FAIL": "its node could not be started",
    "PREEMPTED": "a job that goes first took its place", "CANCELLED": "somebody cancelled its job",
    "OUT_OF_MEMORY": "it used more memory than its job has (service.slurm.memory)",
    "TIMEOUT": "it took longer than its job may (service.slurm.time_limit)",
    "DEADLINE": "its job came to its deadline",
}  # fmt: skip
FIELDS = ("JobArrayID", "State", "Partition", "Reason", "exit_code")
"""What squeue is asked for; the exit code is that of wait(2)."""


class SlurmExecutor(AwayExecutor):
    """Jobs of Slurm, on nodes that see the same folders."""

    name: ClassVar[str] = "slurm"

    def __init__(self, site: Site) -> None:
        self._params = site.service.slurm
        super().__init__(site, self._params.n_jobs)
        self._inquiry = Inquiry(ask_slurm, self._params.poll_interval)

    @property
    def n_threads(self) -> int:
        """As many as a job has cores."""
        return self._params.n_cores

    @property
    def most_at_once(self) -> int:
        """Those that wait together are one array: one call."""
        return LARGEST_ARRAY

    def give(self, orders: Sequence[Order]) -> list[str]:
        """One job, or an array of them."""
        scripts = [str(self.script_path(order)) for order in orders]
        is_array = len(orders) > 1
        command = sbatch(self.site, f"0-{len(orders) - 1}" if is_array else "")
        job = answer_of(command, SLURM, script_of(scripts)).strip().partition(";")[0]
        if not job.isdigit():
            raise ExecutorDown(executor=SLURM, reason=f"sbatch answered {job!r} and no number of a job")
        return [f"{job}_{n}" for n in range(len(orders))] if is_array else [job]

    def ask(self, tasks: Sequence[Task]) -> Mapping[str, Standing]:
        """What squeue, or where that has forgotten a job, sacct says."""
        answers = self._inquiry.about([task.handle for task in tasks])
        return {handle: answer or Standing("ended", because=UNSEEN) for handle, answer in answers.items()}

    @property
    def silence(self) -> str:
        """Why the last question has no answer."""
        return self._inquiry.trouble

    def stop(self, handles: Sequence[str]) -> None:
        """Cancel them."""
        if handles:
            answer_of(["scancel", "--quiet", *handles], SLURM)

    def close(self) -> None:
        """Ask no more."""
        self._inquiry.close()


def sbatch(site: Site, array: str) -> list[str]:
    """The command that takes a script on its standard input; array : numbers of its jobs, or "" for one."""
    params, minutes = site.service.slurm, site.service.slurm.time_limit or site.service.time_limit
    wanted = {
        "array": array, "partition": params.partition, "account": params.account,
        "mem": f"{int(1024 * params.memory)}M" if params.memory else "",
    }  # fmt: skip
    return [
        "sbatch", "--parsable", "--job-name=autoproc", "--output=/dev/null", "--error=/dev/null", "--chdir=/",
        "--nodes=1", "--ntasks=1", f"--cpus-per-task={params.n_cores}", f"--time={max(1, round(minutes))}",
        *(f"--{name}={value}" for name, value in wanted.items() if value), *params.options,
    ]  # fmt: skip


def script_of(scripts: Sequence[str]) -> str:
    """The script of a job, or of an array, each job of which has one of these to run."""
    if len(scripts) == 1:
        return f"#!/bin/sh\nexec sh {shlex.quote(scripts[0])}\n"
    cases = [f"{n}) exec sh {shlex.quote(script)};;" for n, script in enumerate(scripts)]
    return "\n".join(["#!/bin/sh", 'case "$SLURM_ARRAY_TASK_ID" in', *cases, "esac", ""])


def ask_slurm(handles: Sequence[str]) -> dict[str, Standing]:
    """What Slurm knows of these jobs: all of this user's are asked for in one call. Raises ExecutorDown."""
    columns = ",".join(f"{field}:|" for field in FIELDS)
    told = answer_of(["squeue", "--me", "--states=all", "--array", "--noheader", f"-O{columns}"], SLURM)
    known = {row[0]: squeue_standing(*row) for row in rows_of(told, len(FIELDS)) if row[0] in set(handles)}
    forgotten = sorted(set(handles) - known.keys())
    return known | (_ask_accounts(forgotten) if forgotten else {})


def _ask_accounts(handles: Sequence[str]) -> dict[str, Standing]:
    """Jobs that ended some minutes ago: squeue has forgotten them, a cluster with accounts has not."""
    command = ["sacct", f"--jobs={','.join(handles)}", "--allocations", "--noheader", "--parsable2"]
    try:
        told = answer_of([*command, "--format=JobID,State,ExitCode"], SLURM)
    except ExecutorDown:  # no accounts are kept
        return {}
    rows = [[job, state.split()[0], code.partition(":")[0]] for job, state, code in rows_of(told, 3) if state]
    return {job: standing_of(job, state, "", "", int(code or 0)) for job, state, code in rows if job in handles}


def rows_of(table: str, n_columns: int) -> list[list[str]]:
    """The lines of a table whose columns end with |; others are passed over."""
    rows = [[cell.strip() for cell in line.split("|")] for line in table.splitlines()]
    return [row[:n_columns] for row in rows if len(row) >= n_columns]


def squeue_standing(job: str, state: str, partition: str, reason: str, code: str) -> Standing:
    """How a job of squeue's stands."""
    status = int(code) if code.isdigit() else 0
    return standing_of(job, state, partition, reason, os.waitstatus_to_exitcode(status))


def standing_of(job: str, state: str, partition: str, reason: str, code: int) -> Standing:
    """How a job stands, in the words of people."""
    where = f"{SLURM}, job {job}" + (f", partition {partition}" if partition else "")
    if state in NOT_BEGUN:
        why = f" ({reason})" if reason not in ("", "None") else ""
        return Standing("waiting", f"waits at {where}{why}")
    if state in UNDER_WAY:
        return Standing("running", where)
    if state == "COMPLETED":
        return Standing("ended", where, because=UNSEEN)
    if code == NOT_WRITTEN:
        return Standing("ended", where, because=f"its results could not be written ({where})", is_its_doing=False)
    why = ENDS.get(state, f"its worker ended with exit status {code}" if code >= 0 else f"it ended by signal {-code}")
    return Standing("ended", where, because=f"{why} ({where})", is_its_doing=state not in NOT_ITS_DOING)
