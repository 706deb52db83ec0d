"""Workers on this machine: processes of the program, which end with it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import ClassVar

from autoproc.errors import AutoprocError
from autoproc.service.executing.executor import Standing, Task
from autoproc.service.executing.worker_process import Launch, WorkerProcess, gist, wait_for_any
from autoproc.service.params import ServiceParams
from autoproc.service.processes.begin_process import BegunWorker, launch_worker
from autoproc.service.processes.cores_and_memory import GIGABYTE, Shares
from autoproc.service.processing.order import Order

SAMPLING = 0.5
"""Seconds between looks at a worker's memory."""
SILENT = 120.0
"""Seconds without a word after its order, in which a worker that has followed its sweep is taken to hang: it looks at
least every few seconds whether one has come, unless a stage takes longer. A judgement."""
STILLBORN = 3
"""Workers in a row that end before they are ready: something is wrong with the program."""


class NoWorkers(AutoprocError):
    """Workers end as soon as they are begun."""

    what = "worker processes cannot be started: {words}"
    hint = "check the installation: `python -m autoproc --version` must work here"


class LocalExecutor:
    """Workers of this program, each with its share of the machine.

    begun : a worker that runs already and waits for a sweep
    follower : gives the worker that has followed an order's sweep while it was collected, if one has
    n_following : workers that follow sweeps, and will process them
    """

    name: ClassVar[str] = "local"
    outlives_program: ClassVar[bool] = False
    most_at_once: ClassVar[int] = 1
    trouble: ClassVar[str] = ""

    def __init__(
        self,
        shares: Shares,
        service: ServiceParams,
        launch: Launch = launch_worker,
        has_terminal: bool = False,
        begun: BegunWorker | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.shares, self.launch = shares, launch
        self._service, self._has_terminal, self._clock = service, has_terminal, clock
        self._idle = [] if begun is None else [WorkerProcess.of(begun.process, begun.reports, begun.errors)]
        self._busy: dict[str, WorkerProcess] = {}
        self._n_stillborn = self._n_given = 0
        self._next_sample = 0.0
        self.follower: Callable[[Order], WorkerProcess | None] = lambda order: None
        self.n_following: Callable[[], int] = lambda: 0
        self._unanswered: dict[str, Order] = {}

    @property
    def n_threads(self) -> int:
        """Threads of each worker."""
        return self.shares.n_threads

    @property
    def n_free(self) -> int:
        """Workers that there may be beside those at work."""
        return max(self.shares.n_workers - len(self._busy), 0)

    @property
    def at_work(self) -> list[WorkerProcess]:
        """The workers that have a sweep."""
        return list(self._busy.values())

    def submit(self, orders: Sequence[Order]) -> list[str]:
        """Give each to a worker: one that waits, or a new one. Raises OSError where none can be begun."""
        return [self._give(order) for order in orders]

    def _give(self, order: Order) -> str:
        followed = self.follower(order)
        worker = followed or self.spare()
        worker.give(order.line())
        self._n_given += 1
        handle = str(self._n_given)
        self._busy[handle] = worker
        if followed is not None:
            self._unanswered[handle] = order
        return handle

    def spare(self) -> WorkerProcess:
        """A worker that waits for orders, or soon will, and is the caller's."""
        return self._idle.pop() if self._idle else WorkerProcess.begin(self.launch, self._has_terminal)

    def poll(self, tasks: Sequence[Task]) -> dict[str, Standing]:
        """What the workers report; those beyond their limits are stopped."""
        self._bury_stillborn()
        self._check_limits()
        for handle in list(self._unanswered):
            self._require_answer(handle)
        return {task.handle: self._standing(task.handle) for task in tasks}

    def _require_answer(self, handle: str) -> None:
        """Give an order to another worker where the one that has followed its sweep does not take it.

        One that is still being loaded, on a busy machine, is waited for.
        """
        worker, order = self._busy.get(handle), self._unanswered[handle]
        if worker is None or not worker.is_alive or worker.heard > worker.begun:
            del self._unanswered[handle]
        elif worker.is_ready and worker.seconds > SILENT:
            del self._unanswered[handle]
            worker.kill()
            worker.close()
            self._busy[handle] = another = self.spare()
            another.give(order.line())

    def _standing(self, handle: str) -> Standing:
        worker = self._busy.get(handle)
        if worker is None:
            return Standing("ended", because="its worker is gone")
        has_ended = not worker.is_alive
        said = worker.listen()
        if worker.outcome is None and not has_ended:
            return Standing("running", worker.progress, said)
        if worker.outcome is not None:
            worker.process.wait()
            self._n_stillborn = 0
        ended = Standing(
            "ended", worker.progress, said, worker.outcome, worker.how_it_ended(), worker.last_words()
        )  # fmt: skip
        self._busy.pop(handle).close()
        return ended

    def cancel(self, tasks: Sequence[Task], because: str) -> None:
        """End the workers and their children at once."""
        for task in tasks:
            worker = self._busy.pop(task.handle, None)
            if worker is not None:
                worker.kill(because)
                worker.close()

    def reconcile(self, tasks: Sequence[Task]) -> list[Task]:
        """None: workers end with their program."""
        return []

    def make_ready(self, n_waiting: int) -> None:
        """Have one more worker waiting, which loads what it needs, if it may be needed soon.

        Who follows a sweep is ready for it: beside images that are searched as they come, 3 s of a processor count.
        """
        if not self._idle and (self.n_free > self.n_following() or n_waiting):
            self._idle.append(WorkerProcess.begin(self.launch, self._has_terminal))

    def wait(self, timeout: float) -> None:
        """Wait until a worker has something to say, at most so many seconds."""
        wait_for_any(self.at_work, timeout)

    def close(self) -> None:
        """Let the idle workers go."""
        for worker in self._idle:
            worker.kill()
            worker.close()
        self._idle = []

    def _bury_stillborn(self) -> None:
        for worker in [w for w in self._idle if not w.is_alive]:
            worker.listen()
            self._idle.remove(worker)
            self._n_stillborn = 0 if worker.is_ready else self._n_stillborn + 1
            words = worker.last_words() or worker.how_it_ended()
            worker.close()
            if self._n_stillborn >= STILLBORN:
                raise NoWorkers(words=gist(words))

    def _check_limits(self) -> None:
        now = self._clock()
        if now < self._next_sample:
            return
        self._next_sample = now + SAMPLING
        for worker in self.at_work:
            if worker.outcome is None:
                self._check_limits_of(worker)

    def _check_limits_of(self, worker: WorkerProcess) -> None:
        if worker.seconds > self.shares.seconds:
            worker.kill(f"it took longer than {self._service.time_limit:g} minutes (service.time_limit)")
        elif worker.measure_memory() > self.shares.memory:
            used, limit = worker.most_memory / GIGABYTE, self.shares.memory / GIGABYTE
            worker.kill(f"it used {used:.1f} GB of memory, more than {limit:.1f} GB (service.memory_limit)")
