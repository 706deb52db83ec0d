"""The supervisor: gives jobs to workers, watches over both, and puts results in their place.

Whatever a worker does, crash, hang or fill the memory, costs its one job at most.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from autoproc.config import Config
from autoproc.errors import AutoprocError
from autoproc.passing import remedy
from autoproc.service.begin_process import BegunWorker, launch_worker
from autoproc.service.events import Event, Kind
from autoproc.service.grouping import members_of, note_in_results, tell_sweeps
from autoproc.service.job_queue.job import Job, State
from autoproc.service.job_queue.jobs import JobQueue
from autoproc.service.job_queue.owner import is_dead, this_program
from autoproc.service.limits import GIGABYTE, Shares
from autoproc.service.params import ServiceParams
from autoproc.service.processing.choose_results import finish_choices
from autoproc.service.processing.order import Order, config_for
from autoproc.service.processing.outputs import Outputs
from autoproc.service.processing.worker_process import Launch, WorkerProcess, gist, wait_for_any

LONGEST_DELAY = 3600.0
ENDS: Mapping[State, Kind] = {
    State.processed: "processed", State.failed: "failed", State.not_combined: "not combined",
}  # fmt: skip
"""What is told of an attempt that is over."""
SAMPLING = 0.5
"""Seconds between looks at a worker's memory."""
RECOVERY = 5.0
"""Seconds between looks for what programs have left that are gone."""
STILLBORN = 3
"""Workers in a row that end before they are ready: something is wrong with the program."""


class NoWorkers(AutoprocError):
    """Workers end as soon as they are begun."""

    what = "worker processes cannot be started: {words}"
    hint = "check the installation: `python -m autoproc --version` must work here"


@dataclass(frozen=True, slots=True)
class Plan:
    """What a supervisor goes by.

    only : numbers of the jobs to process; None: all. is_patient : try again what fails for a passing reason
    """

    config: Config
    service: ServiceParams
    shares: Shares
    only: Collection[int] | None = None
    is_patient: bool = True
    has_terminal: bool = False


class Supervisor:
    """Workers, and the jobs they have."""

    def __init__(
        self,
        queue: JobQueue,
        outputs: Outputs,
        plan: Plan,
        tell: Callable[[Event], None],
        launch: Launch = launch_worker,
        begun: BegunWorker | None = None,
    ) -> None:
        """Nothing is begun yet but, perhaps, a worker that waits for a job."""
        self.queue, self.outputs, self.plan = queue, outputs, plan
        self._tell, self._launch = tell, launch
        self._me = this_program()
        self._idle = [] if begun is None else [WorkerProcess.of(begun.process, begun.reports, begun.errors)]
        self._busy: list[WorkerProcess] = []
        self._n_stillborn = 0
        self._next_beat = self._next_sample = self._next_recovery = 0.0

    @property
    def n_running(self) -> int:
        """Jobs under way here."""
        return len(self._busy)

    def step(self, take_more: bool = True) -> None:
        """Look after everything once, without waiting; take_more: begin jobs."""
        now = time.monotonic()
        self._listen()
        self._check_limits(now)
        if now >= self._next_beat:
            self._beat()
            self._next_beat = now + min(self.plan.service.lease / 4, 2.0)
        if now >= self._next_recovery:
            self.recover()
            self._next_recovery = now + min(self.plan.service.lease / 2, RECOVERY)
        self._settle()
        if take_more:
            self._begin()

    def wait(self, timeout: float) -> None:
        """Wait until a worker has something to say, at most so many seconds."""
        wait_for_any(self._busy, timeout)

    def hand_back(self) -> None:
        """Stop all workers; their jobs are begun again by whoever comes next."""
        self.close()
        for worker in self._busy:
            worker.kill("the program was stopped")
            worker.close()
        jobs = [worker.job for worker in self._busy if worker.job is not None]
        self._busy = []
        for job in jobs:
            with suppress(sqlite3.OperationalError):  # whoever comes next finds that we are gone
                if self.queue.release(job, "the program was stopped", counted=False):
                    self._tell(Event("handed back", job.name))
                self.outputs.clean(job.name, job.run)

    def close(self) -> None:
        """Let the idle workers go."""
        for worker in self._idle:
            worker.kill()
            worker.close()
        self._idle = []

    # Workers

    def _listen(self) -> None:
        for worker in self._busy:
            name = worker.job.name if worker.job else ""
            for text in worker.listen():
                self._tell(Event("said", name, {"text": text}))
        for worker in [w for w in self._idle if not w.is_alive]:
            worker.listen()
            self._idle.remove(worker)
            self._n_stillborn = 0 if worker.is_ready else self._n_stillborn + 1
            words = worker.last_words() or worker.how_it_ended()
            worker.close()
            if self._n_stillborn >= STILLBORN:
                raise NoWorkers(words=gist(words))

    def _check_limits(self, now: float) -> None:
        shares, service = self.plan.shares, self.plan.service
        if now < self._next_sample:
            return
        self._next_sample = now + SAMPLING
        for worker in self._busy:
            if worker.outcome is not None:
                continue
            if worker.seconds > shares.seconds:
                worker.kill(f"it took longer than {service.time_limit:g} minutes (service.time_limit)")
            elif worker.measure_memory() > shares.memory:
                used, limit = worker.most_memory / GIGABYTE, shares.memory / GIGABYTE
                worker.kill(f"it used {used:.1f} GB of memory, more than {limit:.1f} GB (service.memory_limit)")

    def _beat(self) -> None:
        """Keep the jobs; stop the workers of those that are not ours any more."""
        for worker in list(self._busy):
            job = worker.job
            assert job is not None
            if not self.queue.heartbeat(job, self.plan.service.lease, worker.progress):
                worker.kill("it was taken away")
                self._lose(worker, job)

    def _lose(self, worker: WorkerProcess, job: Job) -> None:
        state = self.queue.job(job.id).state
        self._tell(Event("stopped", job.name, {"state": str(state)}))
        self.outputs.clean(job.name, job.run)
        self._let_go(worker)

    def _let_go(self, worker: WorkerProcess) -> None:
        worker.close()
        self._busy.remove(worker)

    def _begin(self) -> None:
        """Give jobs to workers while there are both; have one more worker waiting."""
        while len(self._busy) < self.plan.shares.n_workers and self.queue.n_in(State.queued):
            job = self.queue.claim(
                self._me, self.plan.service.lease, self.plan.only, self.plan.service.order == "newest_visit"
            )
            if job is None:
                break
            self._start(job)
        waiting = self.plan.only is None or self.queue.n_in(State.queued) > 0
        if waiting and not self._idle and (len(self._busy) < self.plan.shares.n_workers or self._is_waited_for()):
            self._idle.append(WorkerProcess.begin(self._launch, self.plan.has_terminal))

    def _is_waited_for(self) -> bool:
        """There is a job for the worker after those at work, so that it may load meanwhile."""
        return self.queue.n_in(State.queued) > 0

    def _start(self, job: Job) -> None:
        try:
            config = config_for(job, self.plan.config, self.plan.shares.n_threads)
            folder = self.outputs.begin(job)
            worker = self._idle.pop() if self._idle else WorkerProcess.begin(self._launch, self.plan.has_terminal)
        except AutoprocError as error:  # parameters of an earlier version
            self._conclude(job, failed(error.message, error.advice, "parameters"), {})
            return
        except OSError as error:
            self._fail_to_write(job, error)
            return
        order = Order(
            job.id, job.run, job.name, job.path, job.image_range, job.partial, folder,
            self.outputs.outcome_path(job.name, job.run), config, job.n_images,
            tuple((place.name, place.run) for place in members_of(job, self.queue, config.groups)),
        )  # fmt: skip
        worker.give(job, order.line())
        self._busy.append(worker)
        self._tell(Event("started", job.name, {"attempt": job.attempts, "n_images": job.n_images, "path": job.path}))

    # Results

    def _settle(self) -> None:
        """Results into their place, and what is to happen after crashes."""
        for worker in list(self._busy):
            job = worker.job
            assert job is not None
            if worker.outcome is None and worker.is_alive:
                continue
            worker.listen()
            outcome = worker.outcome or self.outputs.outcome(job.name, job.run)
            if outcome is not None:
                worker.process.wait()
                self._n_stillborn = 0
                self._conclude(job, outcome["result"], outcome["settings"], is_fresh=True)
            else:
                self._bury(worker, job)
            self._let_go(worker)

    def _bury(self, worker: WorkerProcess, job: Job) -> None:
        because, words = worker.how_it_ended(), worker.last_words()
        hint = "`autoproc status --json` has its story; `autoproc retry` tries it again"
        if words:
            hint = f"{hint}; its last words: {gist(words)}"
        state = self.queue.crashed(job, because, hint, self.plan.service.max_crashes)
        self.outputs.clean(job.name, job.run)
        if state is State.set_aside:
            self._tell(Event("set aside", job.name, {"error": because, "hint": hint, "words": words}))
        elif state is not None:
            self._tell(Event("crashed", job.name, {"error": because, "words": words}))

    def _conclude(self, job: Job, result: dict[str, Any], settings: dict[str, Any], *, is_fresh: bool = False) -> None:
        """An attempt is over: put its results in their place and say so, or put it back for later.

        is_fresh : a worker of ours has just said so, so that its folder must be there
        """
        if not self.queue.heartbeat(job, self.plan.service.lease):
            self.outputs.clean(job.name, job.run)
            return
        if result["retryable"] and self._may_retry(job):
            self._put_back(job, result["error"] or result.get("lost") or "")
            return
        try:
            if is_fresh:
                self.outputs.require_folder(job.name, job.run, State(result["status"]) is State.processed)
            self.outputs.put_in_place(job.name, job.run)
        except OSError as error:
            self._fail_to_write(job, error)
            return
        state = State(result["status"])
        with self.queue.together():
            self.queue.finish(job, state, result, settings)
            told = tell_sweeps(self.queue, job, result)
        note_in_results(self.outputs, told)
        self.outputs.clean(job.name, job.run)
        done = self.queue.job(job.id)
        facts = result | done.times | {"path": job.path, "attempt": job.attempts}
        self._tell(Event(ENDS[state], job.name, facts))

    def _may_retry(self, job: Job) -> bool:
        return self.plan.is_patient and job.attempts < self.plan.service.max_attempts

    def _put_back(self, job: Job, because: str) -> None:
        delay = min(self.plan.service.retry_delay * 2 ** (job.attempts - 1), LONGEST_DELAY)
        self.queue.release(job, because, delay)
        self.outputs.clean(job.name, job.run)
        self._tell(Event("put back", job.name, {"error": because, "delay": delay, "attempt": job.attempts}))

    def _fail_to_write(self, job: Job, error: OSError) -> None:
        """The system refuses to write the results."""
        message = f"{error.strerror or error} ({error.filename or self.outputs.output})"
        if self._may_retry(job):
            self._put_back(job, message)
            return
        result = failed(message, remedy(error), "output")
        self.queue.finish(job, State.failed, result, {})
        self._tell(Event("failed", job.name, result | {"path": job.path}))

    def recover(self) -> None:
        """Finish what programs that are gone have left: their results if these are whole, else the job is put back."""
        for left in self.outputs.leftovers():
            job = self.queue.by_name(left.name)
            if job is not None and job.state is State.running and job.run == left.run:
                self._adopt(job)
            elif job is None or job.run >= left.run:
                self.outputs.clean(left.name, left.run)
        finish_choices(self.queue, self.outputs)
        for job in self.queue.expire(self._is_abandoned, self.plan.service.lease):
            self._tell(Event("interrupted", job.name))

    def _is_abandoned(self, job: Job) -> bool:
        """Its program is gone, or is this one, which could not write that it has given it up."""
        if job.worker == self._me:
            return all(worker.job is None or worker.job.id != job.id for worker in self._busy)
        return is_dead(job.worker or "")

    def _adopt(self, job: Job) -> None:
        adopted = self.queue.adopt(job.id, job.run, self._me, self.plan.service.lease, self._is_abandoned)
        if adopted is None:
            return
        outcome = self.outputs.outcome(job.name, job.run)
        if outcome is not None:
            self._conclude(adopted, outcome["result"], outcome["settings"])
            return
        self.outputs.clean(job.name, job.run)
        self.queue.release(adopted, "its program was stopped", counted=False)
        self._tell(Event("interrupted", job.name))


def failed(message: str, hint: str, stage: str) -> dict[str, Any]:
    """The result of a sweep that no worker could be given."""
    return {"status": "failed", "error": message, "hint": hint, "error_stage": stage, "retryable": False}
