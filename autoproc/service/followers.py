"""Workers that follow sweeps while these are collected, and then process them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from autoproc.config import Config
from autoproc.service.events import Event, Listener
from autoproc.service.executing.local import LocalExecutor
from autoproc.service.executing.worker_process import WorkerProcess, gist
from autoproc.service.followed import Followed
from autoproc.service.job_queue.presence import Arriving
from autoproc.service.limits import GIGABYTE
from autoproc.service.processing.follow_order import FollowOrder
from autoproc.service.processing.order import Order

LOOK = 0.5
"""Seconds between two looks at what is coming."""
KEPT = 60.0
"""Seconds after its last image that what was found of a sweep is kept, while others wait for a worker of their own."""
MOST_BEGUN = 2
"""Workers for one sweep: files that end two of them are not looked at before they are all there."""


@dataclass(slots=True)
class _Following:
    """A worker and its sweep; news : when images came last, by the clock."""

    worker: WorkerProcess
    followed: Followed
    news: float


@dataclass(slots=True)
class _Seen:
    """How much of a sweep was there, and how often it was begun to be followed."""

    n_images: int
    n_begun: int = 0


class Followers:
    """Begins a worker for each sweep that is coming, for `most` of them at a time, and hands it over with the job.

    see : what is coming now; local : whose workers they are
    Whatever becomes of a follower, its sweep is processed.
    """

    def __init__(
        self,
        see: Callable[[], Sequence[Arriving]],
        config: Config,
        local: LocalExecutor,
        tell: Listener,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._see, self._local, self._tell, self._clock = see, local, tell, clock
        run = config.run.model_copy(update={"n_threads": local.n_threads})
        self._config = config.model_copy(update={"run": run})
        self._most = config.watch.n_followed
        self._following: dict[str, _Following] = {}
        self._seen: dict[str, _Seen] = {}
        self._due = 0.0
        local.follower = self.take

    def poll(self) -> None:
        """Hear what followers tell, and look at what is coming if it is time to."""
        for path, one in list(self._following.items()):
            self._hear(path, one)
        now = self._clock()
        if not self._most or now < self._due:
            return
        self._due = now + LOOK
        coming = {arriving.path: arriving for arriving in self._see()}
        for path, arriving in coming.items():
            seen = self._seen.setdefault(path, _Seen(arriving.n_images))
            if arriving.n_images > seen.n_images:
                seen.n_images = arriving.n_images
                self._has_grown(path, arriving, seen, now)
        for gone in self._seen.keys() - coming.keys() - self._following.keys():
            del self._seen[gone]

    def told(self) -> list[Followed]:
        """What is known of the sweeps that are followed."""
        return [one.followed for one in self._following.values()]

    def seen(self) -> list[Arriving]:
        """What is coming, with what is known of those sweeps that are followed."""
        said = []
        for arriving in self._see():
            one = self._following.get(arriving.path)
            words = "" if one is None else one.followed.words
            said.append(replace(arriving, words=f"{words}; {arriving.words}") if words else arriving)
        return said

    def take(self, order: Order) -> WorkerProcess | None:
        """The worker that has followed an order's sweep, which is its own from now on."""
        one = self._following.pop(order.path, None)
        if one is None:
            return None
        self._hear_worker(one)
        if not one.worker.is_alive:
            one.worker.close()
            return None
        return one.worker

    def close(self) -> None:
        """End all followers."""
        for path in list(self._following):
            self._drop(path)

    def _has_grown(self, path: str, arriving: Arriving, seen: _Seen, now: float) -> None:
        if path in self._following:
            self._following[path].news = now
            return
        if seen.n_begun >= MOST_BEGUN or not self._has_room(now):
            return
        seen.n_begun += 1
        worker = self._local.spare()
        worker.tell(FollowOrder(path, self._config).line())
        self._following[path] = _Following(worker, Followed(path, arriving.name), now)

    def _has_room(self, now: float) -> bool:
        """There is, or is made by letting go the follower whose sweep has had no news for longest."""
        if len(self._following) < self._most:
            return True
        oldest = min(self._following, key=lambda path: self._following[path].news)
        if now - self._following[oldest].news < KEPT:
            return False
        self._drop(oldest)
        return True

    def _hear(self, path: str, one: _Following) -> None:
        self._hear_worker(one)
        used = one.worker.measure_memory() if self._clock() >= self._due else 0
        if used > self._local.shares.memory:
            why = f"following it took {used / GIGABYTE:.1f} GB of memory: it is processed when it is complete"
        elif not one.worker.is_alive:
            why = f"following it ended: {gist(one.worker.last_words()) or one.worker.how_it_ended()}"
        else:
            return
        self._tell(Event("said", one.followed.name, {"text": f"{one.followed.name}: {why}"}))
        self._drop(path)

    def _hear_worker(self, one: _Following) -> None:
        one.worker.listen()
        n_probes = len(one.followed.probes)
        one.followed.take(one.worker.followed)
        one.worker.followed.clear()
        for probed in one.followed.probes[n_probes:]:
            facts = {"text": probed.line, "light": probed.light, "rotation": probed.rotation}
            self._tell(Event("probed", one.followed.name, facts))

    def _drop(self, path: str) -> None:
        worker = self._following.pop(path).worker
        worker.kill()
        worker.close()
