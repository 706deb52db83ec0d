"""Workers that follow sweeps while these are collected, and then process them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from autoproc.config import Config
from autoproc.service.events import Event, Listener
from autoproc.service.executing.local import LocalExecutor
from autoproc.service.executing.worker_process import WorkerProcess, gist
from autoproc.service.following.expecting import Expecting
from autoproc.service.following.followed import Followed
from autoproc.service.following.live_folder import LiveFolder
from autoproc.service.job_queue.programs_at_work import Arriving
from autoproc.service.processes.cores_and_memory import GIGABYTE
from autoproc.service.processing.follow_order import FollowOrder
from autoproc.service.processing.order import Order

LOOK = 0.5
"""Seconds between two looks at what is coming."""
KEPT = 60.0
"""Seconds after its last image that what was found of a sweep is kept, while others wait for a worker of their own."""
LOST = 600.0
"""Seconds for which it is kept though nobody sees the sweep coming any more: it waits for its turn, or there is none,
as of images that were taken away."""
HUNG = 60.0
"""Seconds without a word of images that have come, after which a worker is taken to hang: it tells of a few at a time,
which are seconds of work, and for a file server that is slower than this nobody has to wait."""
MOST_TOLD = 1000
"""Messages between two looks: a worker tells of a few images every tenth of a second, and a pipe holds 650."""
MOST_FAILED = 2
"""Workers for one sweep: files that end two of them are not looked at before they are all there."""
LATER = "it is processed when it is complete"


@dataclass(slots=True)
class _Following:
    """A worker and its sweep.

    news : when images came last, and untold : when the first of those did of which it has told nothing, by the clock
    n_told : messages since the last look
    """

    worker: WorkerProcess
    followed: Followed
    news: float
    untold: float | None
    n_told: int = 0

    def come(self, n_images: int, now: float) -> None:
        """So many images are there."""
        if self.untold is None and n_images > self.followed.n_there:
            self.untold = now
        self.news = now
        self.followed.come(n_images)

    def silence(self, now: float) -> float:
        """Seconds for which it has left images without a word."""
        return 0.0 if self.untold is None else now - self.untold


@dataclass(slots=True)
class _Seen:
    """How much of a sweep was there, and how many workers it has cost."""

    n_images: int
    n_failed: int = 0


class Followers:
    """Begins a worker for each sweep that is coming, for some of them at a time, and hands it over with the job.

    see : what is coming now; local : whose workers they are; live : where pages find what is known
    helps : sweeps are processed by these workers, so that it is of use to them
    expecting : by which orders they will be; None where none is to be processed before it is complete
    Whatever becomes of a follower, its sweep is processed.
    """

    def __init__(
        self,
        see: Callable[[], Sequence[Arriving]],
        config: Config,
        local: LocalExecutor,
        live: LiveFolder,
        tell: Listener,
        helps: bool = True,
        clock: Callable[[], float] = time.monotonic,
        expecting: Expecting | None = None,
    ) -> None:
        self._see, self._local, self._live, self._tell, self._clock = see, local, live, tell, clock
        run = config.run.model_copy(update={"n_threads": local.n_threads})
        self._config = config.model_copy(update={"run": run})
        self._most = config.watch.n_followed if helps else 0
        self._following: dict[str, _Following] = {}
        self._seen: dict[str, _Seen] = {}
        self._due = 0.0
        self._expecting = expecting
        local.follower, local.n_following = self.take, lambda: len(self._following)

    def poll(self) -> None:
        """Hear what followers tell, and look at what is coming if it is time to."""
        now = self._clock()
        is_due = now >= self._due
        for path, one in list(self._following.items()):
            self._hear(path, one, is_due)
        self._live.poll()
        if not self._most or not is_due:
            return
        self._due = now + LOOK
        coming = {arriving.path: arriving for arriving in self._see()}
        for path, arriving in coming.items():
            seen = self._seen.setdefault(path, _Seen(arriving.n_images))
            if arriving.n_images > seen.n_images:
                seen.n_images = arriving.n_images
                self._has_grown(path, arriving, seen, now)
        for path in [path for path, one in self._following.items() if path not in coming and now - one.news > LOST]:
            self._drop(path)
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
        one = self._following.get(order.path)
        if one is None:
            return None
        self._hear_worker(one)
        if one.silence(self._clock()) > HUNG or not one.worker.is_alive:
            self._drop(order.path)
            return None
        del self._following[order.path]
        self._live.lead_on(order.path, order.name)
        return one.worker

    def close(self) -> None:
        """End all followers."""
        for path in list(self._following):
            self._drop(path)
        self._live.close()
        if self._expecting is not None:
            self._expecting.close()

    def _has_grown(self, path: str, arriving: Arriving, seen: _Seen, now: float) -> None:
        if one := self._following.get(path):
            one.come(arriving.n_images, now)
            self._live.touch(path)
            return
        if seen.n_failed >= MOST_FAILED or not self._has_room(now):
            return
        try:
            expected = None if self._expecting is None else self._expecting.order(path, arriving.name)
            worker = self._local.spare()
        except OSError as error:
            seen.n_failed += 1
            self._say(arriving.name, f"it cannot be followed ({error.strerror or error}): {LATER}")
            return
        worker.tell(FollowOrder(path, self._config, expected).line())
        self._following[path] = _Following(worker, Followed(path, arriving.name), now, now)

    def _has_room(self, now: float) -> bool:
        """There is, or is made by letting go the follower whose sweep has had no news for longest."""
        if len(self._following) < self._most:
            return True
        oldest = min(self._following, key=lambda path: self._following[path].news)
        if now - self._following[oldest].news < KEPT:
            return False
        self._drop(oldest)
        return True

    def _hear(self, path: str, one: _Following, is_due: bool) -> None:
        self._hear_worker(one)
        used = one.worker.measure_memory() if is_due else 0
        if used > self._local.shares.memory:
            why = f"following it took {used / GIGABYTE:.1f} GB of memory"
        elif used and used + sum(worker.most_memory for worker in self._local.at_work) > self._local.shares.all_memory:
            why = "the sweeps that are processed need the memory"
        elif not one.worker.is_alive:
            why = f"following it ended: {gist(one.worker.last_words()) or one.worker.how_it_ended()}"
        elif one.n_told > MOST_TOLD:
            why = f"who follows it does not stop talking ({one.n_told:,} messages in {LOOK:g} s)"
        elif one.silence(self._clock()) > HUNG:
            why = f"who follows it has said nothing for {one.silence(self._clock()):.0f} s"
        else:
            if is_due:
                one.n_told = 0
            return
        self._say(one.followed.name, f"{why}: {LATER}")
        self._seen.setdefault(path, _Seen(one.followed.n_there)).n_failed += 1
        self._drop(path)

    def _hear_worker(self, one: _Following) -> None:
        one.worker.listen()
        if not one.worker.followed:
            return
        one.untold = None
        one.n_told += len(one.worker.followed)
        n_probes, before = len(one.followed.probes), one.followed.provisional
        one.followed.take(one.worker.followed)
        one.worker.followed.clear()
        self._live.tell(one.followed)
        for probed in one.followed.probes[n_probes:]:
            facts = {"text": probed.line, "light": probed.light, "rotation": probed.rotation}
            self._tell(Event("probed", one.followed.name, facts))
        if one.followed.provisional != before:
            self._tell(Event("provisional", one.followed.name, {"text": one.followed.provisional}))

    def _say(self, name: str, words: str) -> None:
        self._tell(Event("said", name, {"text": f"{name}: {words}"}))

    def _drop(self, path: str) -> None:
        worker = self._following.pop(path).worker
        self._live.forget(path)
        worker.kill()
        worker.close()
        if self._expecting is not None:
            self._expecting.forget(path)
