"""The supervisor: gives sweeps to executors, watches over both, and has results put in their place.

Whatever a worker does, crash, hang or fill the memory, costs its one sweep at most.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass

from autoproc.config import Config
from autoproc.errors import AutoprocError
from autoproc.service.events import Event
from autoproc.service.executing.executor import Executor, ExecutorDown, Standing, Task
from autoproc.service.executing.executors import Executors
from autoproc.service.groups.grouping import members_of
from autoproc.service.job_queue.job import Job, JobState
from autoproc.service.job_queue.jobs import JobQueue
from autoproc.service.lifecycle.attempt import Attempt
from autoproc.service.lifecycle.part_orders import PartOrders, helped_sweep
from autoproc.service.lifecycle.settlement import Settlement, failed
from autoproc.service.lifecycle.usual import usual
from autoproc.service.params import ServiceParams
from autoproc.service.processes.program import is_dead, this_program
from autoproc.service.processing.choose_results import finish_choices
from autoproc.service.processing.order import Order, config_for
from autoproc.service.results.outputs import Leftover, Outputs

RECOVERY = 5.0
"""Seconds between looks for what programs have left that are gone."""
STOPPED = "the program was stopped"


@dataclass(frozen=True, slots=True)
class Plan:
    """What a supervisor goes by.

    only : numbers of the jobs to process; None: all. is_patient : try again what fails for a passing reason, and
    leave what goes on elsewhere to the next program
    """

    config: Config
    service: ServiceParams
    only: Collection[int] | None = None
    is_patient: bool = True


class Supervisor:
    """Executors, and the jobs they have."""

    def __init__(
        self, queue: JobQueue, outputs: Outputs, plan: Plan, tell: Callable[[Event], None], executors: Executors
    ) -> None:
        """Nothing is begun yet."""
        self.queue, self.outputs, self.plan, self.executors = queue, outputs, plan, executors
        self.life = usual(plan.service, plan.is_patient)
        self.settlement = Settlement(queue, outputs, plan.service, tell, self.life)
        self._tell = tell
        self._me = this_program()
        self._attempts: list[Attempt] = []
        self._parts = PartOrders(outputs, plan.config)
        self._next_beat = self._next_recovery = 0.0

    @property
    def n_running(self) -> int:
        """Jobs under way here, those included that go on when the program ends."""
        return len(self._attempts)

    @property
    def n_to_finish(self) -> int:
        """Jobs under way that end with the program."""
        return sum(not self._outlasts(attempt) for attempt in self._attempts)

    def step(self, take_more: bool = True) -> None:
        """Look after everything once, without waiting; take_more: begin jobs."""
        now = time.monotonic()
        self._look()
        if now >= self._next_beat:
            self._beat()
            self._next_beat = now + min(self.plan.service.lease / 4, 2.0)
        if now >= self._next_recovery:
            self.recover()
            self._next_recovery = now + min(self.plan.service.lease / 2, RECOVERY)
        self._settle()
        if take_more:
            self._take_over()
            self._begin()
        self._parts.step(self._attempts, self.queue.n_in(JobState.queued), take_more)

    def wait(self, timeout: float) -> None:
        """Wait until a worker has something to say, at most so many seconds."""
        self.executors.local.wait(timeout)

    def hand_back(self) -> None:
        """Stop all workers; their jobs are begun again by whoever comes next. What outlasts the program goes on."""
        self.executors.close()
        self._parts.close()
        attempts, self._attempts = self._attempts, []
        for attempt in attempts:
            if not self._outlasts(attempt):
                with suppress(ExecutorDown):
                    attempt.executor.cancel([attempt.task], STOPPED)
        for attempt in attempts:
            job = attempt.job
            if self._outlasts(attempt):
                self._tell(Event("left", job.name, {"text": attempt.words}))
                continue
            with suppress(sqlite3.OperationalError):  # whoever comes next finds that we are gone
                if self.queue.release(job, STOPPED, counted=False):
                    self._tell(Event("handed back", job.name))
                self.outputs.clean(job.name, job.run)

    def _outlasts(self, attempt: Attempt) -> bool:
        return self.plan.is_patient and attempt.executor.outlives_program

    # What is under way

    def _look(self) -> None:
        """Ask every executor how its sweeps stand."""
        for executor in self.executors.all:
            mine = [a for a in self._attempts if a.executor is executor and not a.is_over]
            parts = self._parts.tasks(executor)
            standings = executor.poll([*(attempt.task for attempt in mine), *parts])
            for attempt in mine:
                self._note(attempt, standings[attempt.task.handle])
            over = {task.handle for task in parts if standings[task.handle].phase == "ended"}
            self._parts.note_ended(over, executor)

    def _note(self, attempt: Attempt, standing: Standing) -> None:
        if attempt.is_waiting and standing.phase != "waiting":
            self.queue.placements.begun(attempt.job)
        attempt.standing = standing
        for text in standing.said:
            self._tell(Event("said", attempt.job.name, {"text": text}))

    def _beat(self) -> None:
        """Keep the jobs; stop the workers of those that are not ours any more."""
        for attempt in list(self._attempts):
            if not self.queue.heartbeat(attempt.job, self.plan.service.lease, attempt.words):
                self._lose(attempt)

    def _lose(self, attempt: Attempt) -> None:
        job = attempt.job
        attempt.executor.cancel([attempt.task], "it was taken away")
        state = self.queue.job(job.id).state
        self._tell(Event("stopped", job.name, {"state": str(state)}))
        self.outputs.clean(job.name, job.run)
        self._attempts.remove(attempt)

    def _settle(self) -> None:
        """Results into their place, and what is to happen after crashes."""
        for attempt in [a for a in self._attempts if a.is_over]:
            job, ended = attempt.job, attempt.standing
            outcome = ended.outcome or self.outputs.outcome(job.name, job.run)
            if outcome is not None:
                self.settlement.conclude(job, outcome["result"], outcome["settings"], is_fresh=True)
            else:
                self.settlement.bury(job, ended)
            self._attempts.remove(attempt)

    # What is begun

    def _begin(self) -> None:
        """Give jobs to the executor whose turn it is, while there are both."""
        while (n_queued := self.queue.n_in(JobState.queued)) and (choice := self.executors.next()):
            n_wanted = min(choice.executor.n_free, choice.executor.most_at_once, n_queued)
            jobs = list(filter(None, (self._claim() for _ in range(n_wanted))))
            self._start(jobs, choice.executor, choice.because)
            if len(jobs) < n_wanted:
                break
        n_queued = self.queue.n_in(JobState.queued)
        if self.plan.only is None or n_queued:
            self.executors.make_ready(n_queued)

    def _take_over(self) -> None:
        """What has waited elsewhere for too long is processed here, while there is a worker for it."""
        for attempt in [a for a in self._attempts if a.is_waiting]:
            if not self.executors.can_take_over or not (because := self.life.waits(attempt)):
                continue
            job = attempt.job
            attempt.executor.cancel([attempt.task], because)
            self._attempts.remove(attempt)
            self.queue.release(job, because, counted=False)
            self.outputs.clean(job.name, job.run)
            self._tell(Event("taken over", job.name, {"text": because}))
            if again := self._claim([job.id]):
                self._start([again], self.executors.local, because)

    def _claim(self, only: Collection[int] | None = None) -> Job | None:
        service = self.plan.service
        chosen = self.plan.only if only is None else only
        return self.queue.claim(self._me, service.lease, chosen, service.order == "newest_visit")

    def _start(self, jobs: Sequence[Job], executor: Executor, note: str = "") -> None:
        """Write the orders of jobs, and give them to an executor."""
        orders = {job.id: order for job in jobs if (order := self._order(job, executor))}
        ready = [job for job in jobs if job.id in orders]
        if not ready:
            return
        if executor.outlives_program:
            for job in ready:
                self.queue.placements.intend(job, executor.name)
        try:
            handles = executor.submit([orders[job.id] for job in ready])
        except ExecutorDown as error:
            self._give_back(ready, error)
            return
        except OSError as error:
            for job in ready:
                self.settlement.refuse(job, error)
            return
        for job, handle in zip(ready, handles, strict=True):
            self._take(job, executor, handle, note)

    def _order(self, job: Job, executor: Executor) -> Order | None:
        """What is to be told; None where the job is over with that."""
        try:
            config = config_for(job, self.plan.config, executor.n_threads)
            folder = self.outputs.begin(job, is_away=executor.outlives_program)
        except AutoprocError as error:  # parameters of an earlier version
            self.settlement.conclude(job, failed(error.message, error.advice, "parameters"), {})
            return None
        except OSError as error:
            self.settlement.refuse(job, error)
            return None
        return Order(
            job.id, job.run, job.name, job.path, job.image_range, job.partial, folder,
            self.outputs.outcome_path(job.name, job.run), config, job.n_images,
            tuple((place.name, place.run) for place in members_of(job, self.queue, config.groups)),
            visit=job.visit, named=job.base, changes=job.parameters,
        )  # fmt: skip

    def _give_back(self, jobs: Sequence[Job], error: ExecutorDown) -> None:
        """Nobody has begun them."""
        for job in jobs:
            self.queue.release(job, error.message, counted=False)
            self.outputs.clean(job.name, job.run)
        self._tell(Event("trouble", "", {"text": error.message}))

    def _take(self, job: Job, executor: Executor, handle: str, note: str) -> None:
        phase = Standing("waiting" if executor.outlives_program else "running")
        if executor.outlives_program:
            self.queue.placements.place(job, handle)
        self._attempts.append(Attempt(job, executor, Task(handle, job.name, job.run), phase, note))
        self._tell(Event("started", job.name, {"attempt": job.attempts, "n_images": job.n_images, "path": job.path}))

    # What programs have left that are gone

    def recover(self) -> None:
        """Finish what programs that are gone have left: their results if these are whole, else the job is put back."""
        self._take_up()
        for left in self.outputs.leftovers():
            if helped := helped_sweep(left.name):
                self._withdraw_orphan(left, helped)
                continue
            job = self.queue.by_name(left.name)
            if job is not None and job.state is JobState.running and job.run == left.run:
                if job.executor is None:
                    self._adopt(job)
            elif job is None or job.run >= left.run:
                self._clean(left, job)
        finish_choices(self.queue, self.outputs)
        for job in self.queue.expire(self._is_abandoned, self.plan.service.lease):
            self._tell(Event("interrupted", job.name))

    def _take_up(self) -> None:
        """Ask for what goes on elsewhere though its program is gone: nothing is begun a second time."""
        for job in self.queue.placements.outlasting():
            executor = self.executors.named(job.executor or "")
            adopted = self.queue.adopt(job.id, job.run, self._me, self.plan.service.lease, self._is_abandoned)
            if adopted is None:
                continue
            task = Task(job.handle or "", job.name, job.run)
            if executor is not None and executor.reconcile([task]):
                self._attempts.append(Attempt(adopted, executor, task, Standing("running")))
                self._tell(Event("taken up", job.name, {"executor": executor.name, "handle": task.handle}))
            else:
                self._adopt(adopted)

    def _withdraw_orphan(self, left: Leftover, helped: str) -> None:
        """Nobody looks after a helper whose program is gone; that of another that lives is none of ours."""
        job = self.queue.by_name(helped)
        is_others = job is not None and job.state is JobState.running and job.run == left.run and job.worker != self._me
        if left.name in self._parts.names() or (is_others and job is not None and not is_dead(job.worker or "")):
            return
        self._parts.withdraw(left, self.executors.all)

    def _clean(self, left: Leftover, job: Job | None) -> None:
        """Remove what is not wanted any more; where an executor still has it, it hears of that."""
        if job is not None and job.run == left.run and job.handle and (executor := self.executors.named(job.executor)):
            with suppress(ExecutorDown):
                executor.cancel([Task(job.handle, job.name, job.run)], "it is not wanted any more")
        self.outputs.clean(left.name, left.run)

    def _is_abandoned(self, job: Job) -> bool:
        """Its program is gone, or is this one, which could not write that it has given it up."""
        if job.worker == self._me:
            return all(attempt.job.id != job.id for attempt in self._attempts)
        return is_dead(job.worker or "")

    def _adopt(self, job: Job) -> None:
        adopted = self.queue.adopt(job.id, job.run, self._me, self.plan.service.lease, self._is_abandoned)
        if adopted is None:
            return
        outcome = self.outputs.outcome(job.name, job.run)
        if outcome is not None:
            self.settlement.conclude(adopted, outcome["result"], outcome["settings"])
            return
        self.outputs.clean(job.name, job.run)
        self.queue.release(adopted, "its program was stopped", counted=False)
        self._tell(Event("interrupted", job.name))
