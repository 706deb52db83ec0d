"""The queue keeps its promises whatever is asked of it, in whatever order, by however many programs."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from autoproc.service.job_queue.job import Job, JobState
from autoproc.service.job_queue.jobs import JobQueue, UnknownSweep
from autoproc.service.sweeps.found_sweep import FoundSweep, ListedImages

RESULT = {"status": "processed", "space_group": "P 1", "error": None, "hint": None, "retryable": False}


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def queue(tmp_path, clock):
    queue = JobQueue(tmp_path / "queue.sqlite", clock=clock, steady=clock)
    yield queue
    queue.close()


def sweep(name: str, **changes) -> FoundSweep:
    one = FoundSweep(Path(f"/data/{name}_####.cbf"), "cbf", (1, 90), 90, f"mark of {name}", "complete", "", name,
                     "/data", 900.0)  # fmt: skip
    return replace(one, **changes)


def claimed(queue: JobQueue, worker: str = "me", lease: float = 60.0):
    job = queue.claim(worker, lease)
    assert job is not None
    return job


def never(_: Job) -> bool:
    return False


def test_the_same_images_are_one_job(queue):
    first = queue.add(sweep("a"))
    again = queue.add(replace(sweep("a"), path=Path("/data/link/a_####.cbf"), name="other"))
    assert (first.outcome, again.outcome) == ("new", "known")
    assert first.job_id == again.job_id
    assert [job.name for job in queue.rows()] == ["a"]


def test_other_images_of_the_same_name_have_a_folder_of_their_own(queue):
    for n, folder in enumerate(("/data/x", "/data/y", "/data/y")):
        queue.add(sweep("a", path=Path(folder) / "a_####.cbf", fingerprint=str(n)))
    assert [job.name for job in queue.rows()] == ["a", "y_a", "y_a_2"]


def test_what_is_done_stays_done(queue):
    queue.add(sweep("a"))
    assert queue.finish(claimed(queue), JobState.processed, RESULT, {})
    assert queue.add(sweep("a")).outcome == "known"
    assert queue.claim("me", 60) is None


def test_a_sweep_that_grew_is_processed_again_with_all_its_images(queue):
    queue.add(sweep("a", image_range=(1, 40), n_images=40, state="partial", reason="stalled"))
    queue.finish(claimed(queue), JobState.processed, RESULT, {})
    assert queue.rows()[0].partial == "stalled"
    assert queue.add(sweep("a")).outcome == "extended"
    job = claimed(queue)
    assert (job.image_range, job.n_images, job.partial, job.attempts) == ((1, 90), 90, "", 1)


def test_a_sweep_that_was_cancelled_stays_so_whatever_comes(queue):
    queue.add(sweep("a", n_images=58, image_range=(1, 58), state="partial", reason="two are missing"))
    queue.cancel("a")
    assert queue.add(sweep("a")).outcome == "known"
    job = queue.by_name("a")
    assert (job.state, job.n_images, job.image_range) == (JobState.cancelled, 90, (1, 90))
    queue.retry("a")
    assert claimed(queue).n_images == 90


def test_a_sweep_that_grows_while_it_is_at_work_is_queued_when_that_is_over(queue):
    queue.add(sweep("a", n_images=40))
    job = claimed(queue)
    queue.add(sweep("a"))
    assert queue.job(job.id).state is JobState.running
    queue.finish(job, JobState.processed, RESULT, {})
    assert queue.job(job.id).state is JobState.queued
    queue.finish(claimed(queue), JobState.processed, RESULT, {})
    assert queue.job(job.id).state is JobState.processed


def test_only_one_of_two_programs_gets_a_job(tmp_path, queue):
    other = JobQueue(tmp_path / "queue.sqlite")
    queue.add(sweep("a"))
    assert [queue.claim("me", 60) is None, other.claim("you", 60) is None] == [False, True]
    other.close()


def test_the_newest_visit_comes_first_and_its_sweeps_in_their_order(queue):
    for n, (visit, completed_at) in enumerate([("old", 10.0), ("new", 20.0), ("old", 15.0), ("new", 30.0)]):
        queue.add(sweep(f"{visit}{completed_at:.0f}", visit=visit, completed_at=completed_at, fingerprint=str(n)))
    assert [claimed(queue).name for _ in range(4)] == ["new20", "new30", "old10", "old15"]


def test_in_order_of_arrival(queue):
    for n, (visit, completed_at) in enumerate([("old", 10.0), ("new", 20.0), ("old", 25.0)]):
        queue.add(sweep(f"{visit}{completed_at:.0f}", visit=visit, completed_at=completed_at, fingerprint=str(n)))
    names = [queue.claim("me", 60, newest_visit=False).name for _ in range(3)]  # type: ignore[union-attr]
    assert names == ["old10", "new20", "old25"]


def test_what_is_asked_for_comes_before_all(queue):
    queue.add(sweep("a", completed_at=1.0))
    queue.add(sweep("b", completed_at=2.0))
    queue.cancel("b")
    queue.retry("b")
    assert claimed(queue).name == "b"


def test_a_lease_that_ran_out(queue, clock):
    queue.add(sweep("a"))
    job = claimed(queue, lease=60)
    assert queue.expire(never, 60) == []
    clock.now += 50
    assert queue.heartbeat(job, 60)
    assert queue.expire(never, 60) == []
    clock.now += 50
    assert queue.expire(never, 60) == []
    clock.now += 11
    assert [j.id for j in queue.expire(never, 60)] == [job.id]
    assert queue.job(job.id).attempts == 0
    assert not queue.heartbeat(job, 60)
    assert not queue.finish(job, JobState.processed, RESULT, {})


def test_who_lost_a_job_cannot_change_it(queue, clock):
    queue.add(sweep("a"))
    lost = claimed(queue)
    assert queue.expire(never, 60) == []
    clock.now += 100
    queue.expire(never, 60)
    job = claimed(queue, "another")
    assert not queue.heartbeat(lost, 60)
    assert not queue.finish(lost, JobState.failed, RESULT | {"error": "of the lost one"}, {})
    assert not queue.release(lost, "lost")
    assert queue.crashed(lost, "lost", "", 2) is None
    assert queue.finish(job, JobState.processed, RESULT, {})
    assert queue.job(job.id).error == ""


@pytest.mark.parametrize("ahead", [-3600.0, 0.0, 3600.0])
def test_hosts_whose_clocks_differ_do_not_steal(tmp_path, clock, ahead):
    """A lease is judged by whether it moves, whatever clock it was written by."""
    path = tmp_path / "queue.sqlite"
    ours = JobQueue(path, clock=clock, steady=clock)
    theirs = JobQueue(path, clock=lambda: clock.now + ahead, steady=lambda: clock.now - 77.0)
    ours.add(sweep("a"))
    job = claimed(ours, "our host", lease=60)
    for _ in range(30):
        clock.now += 15
        assert theirs.expire(never, 60) == []
        assert theirs.adopt(job.id, job.run, "their host", 60, never) is None
        assert ours.heartbeat(job, 60)
        assert theirs.expire(never, 60) == []
    clock.now += 50
    assert theirs.expire(never, 60) == []
    clock.now += 11
    assert [j.id for j in theirs.expire(never, 60)] == [job.id]
    assert not ours.heartbeat(job, 60)
    ours.close()
    theirs.close()


def test_a_lease_moves_though_the_clock_stands_still(tmp_path, clock):
    """Or goes back, as when it is set."""
    queue = JobQueue(tmp_path / "queue.sqlite", clock=clock)
    queue.add(sweep("a"))
    job = claimed(queue)
    leases = []
    for change in (0.0, -3600.0, 0.0, 10.0):
        clock.now += change
        assert queue.heartbeat(job, 60)
        leases.append(queue.job(job.id).lease_until)
        queue.programs.beat("me", 60)
        leases.append(queue.job(job.id).lease_until)
    assert leases == sorted(set(leases))
    queue.close()


def test_a_program_that_is_dead_has_no_lease(queue):
    queue.add(sweep("a"))
    claimed(queue, "dead program")
    assert len(queue.expire(lambda job: job.worker == "dead program", 60)) == 1


def test_a_delay_is_kept(queue, clock):
    queue.add(sweep("a"))
    queue.release(claimed(queue), "disk full", 30.0)
    assert queue.claim("me", 60) is None
    clock.now += 31
    assert claimed(queue).attempts == 2


def test_only_some(queue):
    ids = [queue.add(sweep(name)).job_id for name in "abc"]
    assert queue.claim("me", 60, only=[ids[1]]).name == "b"  # type: ignore[union-attr]
    assert queue.claim("me", 60, only=[ids[1]]) is None


def test_images_listed_are_shown_and_never_processed(queue):
    images = ListedImages(Path("/data/test_####.cbf"), 2, "screening", "screening shots")
    for n in (2, 3):
        queue.list_images(replace(images, n_images=n))
    assert [(job.state, job.n_images, job.kind, job.partial) for job in queue.rows()] == [
        (JobState.listed, 3, "screening", "screening shots")
    ]
    assert queue.claim("me", 60) is None
    name = queue.rows()[0].name
    assert queue.retry(name).state is JobState.listed
    assert queue.reprocess(name, {}).state is JobState.listed


def test_changes_add_up(queue):
    queue.add(sweep("a"))
    queue.reprocess("a", {"scale.d_min": "2"})
    assert queue.reprocess("a", {"index.max_lattices": "2"}).parameters == {
        "scale.d_min": "2", "index.max_lattices": "2",
    }  # fmt: skip


def test_a_name_that_is_not_there(queue):
    queue.add(sweep("lysozyme_1"))
    with pytest.raises(UnknownSweep, match="did you mean lysozyme_1"):
        queue.named("Lysozyme")
    with pytest.raises(UnknownSweep, match="autoproc status"):
        queue.named("insulin")


def test_it_outlives_the_program(tmp_path, queue):
    queue.add(sweep("a"))
    queue.close()
    again = JobQueue(tmp_path / "queue.sqlite", journal="delete")
    assert [job.name for job in again.rows()] == ["a"]
    again.close()


LEASE = 10.0
NAMES = st.sampled_from("abcd")
PROGRAMS = st.sampled_from(("one", "two"))


class QueueMachine(RuleBasedStateMachine):
    """Two programs and a user at one queue, beside a model of what it must hold."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.clock = Clock()
        path = self.folder / "queue.sqlite"
        self.clocks = {"one": self.clock, "two": lambda: self.clock.now + 3600.0}
        self.queues = {name: JobQueue(path, clock=clock, steady=self.clock) for name, clock in self.clocks.items()}
        self.looks: dict[tuple, tuple[float, float]] = {}
        self.images: dict[str, int] = {}
        self.done: dict[str, int] = {}
        self.held: dict[str, dict] = {"one": {}, "two": {}}

    @property
    def queue(self) -> JobQueue:
        return self.queues["one"]

    @rule(name=NAMES, program=PROGRAMS, n_images=st.integers(3, 6))
    def find(self, name, program, n_images):
        known = self.images.get(name)
        is_cancelled = known is not None and self.queue.by_name(name).state is JobState.cancelled
        outcome = self.queues[program].add(sweep(name, n_images=n_images)).outcome
        grown = known is not None and n_images > known and not is_cancelled
        assert outcome == ("new" if known is None else "extended" if grown else "known")
        self.images[name] = max(n_images, known or 0)

    @rule(program=PROGRAMS)
    def claim(self, program):
        waiting = {
            j.name for j in self.queue.rows() if j.state is JobState.queued and j.not_before <= self.clocks[program]()
        }
        job = self.queues[program].claim(program, LEASE)
        assert (job is not None) == bool(waiting)
        if job is not None:
            assert job.name in waiting
            self.held[program][job.name] = job

    def _mine(self, program: str, job) -> bool:
        now = self.queue.job(job.id)
        return now.state is JobState.running and now.run == job.run

    @precondition(lambda self: self.held["one"] or self.held["two"])
    @rule(data=st.data(), how=st.sampled_from(("finish", "fail", "release", "crash", "beat")))
    def end(self, data, how):
        program = data.draw(st.sampled_from([p for p in self.held if self.held[p]]))
        name = data.draw(st.sampled_from(sorted(self.held[program])))
        job, queue = self.held[program][name], self.queues[program]
        mine = self._mine(program, job)
        match how:
            case "finish":
                assert queue.finish(job, JobState.processed, RESULT, {}) == mine
                if mine:
                    self.done[name] = job.n_images
            case "fail":
                assert queue.finish(job, JobState.failed, RESULT | {"status": "failed", "error": "bad"}, {}) == mine
            case "release":
                assert queue.release(job, "later", 5.0) == mine
            case "crash":
                assert (queue.crashed(job, "segfault", "", 2) is not None) == mine
            case "beat":
                assert queue.heartbeat(job, LEASE) == mine
                return
        del self.held[program][name]

    @rule(seconds=st.floats(0.0, 20.0))
    def wait(self, seconds):
        self.clock.now += seconds

    @rule(program=PROGRAMS)
    def expire(self, program):
        """Only who has seen a lease stand still for so long, by a clock of its own, takes the sweep."""
        late = set()
        for job in self.queue.rows():
            key, now = (program, job.id, job.run), (job.lease_until, self.clock.now)
            if job.state is JobState.running and self.looks.setdefault(key, now)[0] != job.lease_until:
                self.looks[key] = now
            if job.state is JobState.running and self.clock.now - self.looks[key][1] > LEASE:
                late.add(job.name)
        assert {job.name for job in self.queues[program].expire(never, LEASE)} == late

    @precondition(lambda self: self.images)
    @rule(data=st.data(), what=st.sampled_from(("cancel", "retry", "reprocess")))
    def ask(self, data, what):
        name = data.draw(st.sampled_from(sorted(self.images)))
        before = self.queue.named(name).state
        after = getattr(self.queue, what)(name, *([{}] if what == "reprocess" else [])).state
        expected = {
            "cancel": before if before.is_settled else JobState.cancelled,
            "retry": JobState.queued if before not in (JobState.running, JobState.processed) else before,
            "reprocess": JobState.queued,
        }[what]
        assert after is expected

    @invariant()
    def every_sweep_is_there_once(self):
        rows = self.queues["two"].rows()
        assert sorted(job.name for job in rows) == sorted(self.images)
        assert all(job.n_images == self.images[job.name] for job in rows)

    @invariant()
    def nobody_else_has_what_one_has(self):
        held = [(p, j) for p in self.held for j in self.held[p].values() if self._mine(p, j)]
        assert len({job.id for _, job in held}) == len(held)
        assert all(self.queue.job(job.id).worker == program for program, job in held)

    @invariant()
    def what_is_processed_has_all_its_images(self):
        for job in self.queue.rows():
            if job.state is JobState.processed:
                assert self.done[job.name] == job.n_images
            assert job.crashes <= 2
            assert (job.worker is not None) == (job.state is JobState.running)

    def teardown(self):
        for queue in self.queues.values():
            queue.close()
        shutil.rmtree(self.folder)


TestQueueMachine = QueueMachine.TestCase
TestQueueMachine.settings = settings(max_examples=25, stateful_step_count=40, deadline=None)


def test_the_first_of_each_state_and_their_numbers(queue):
    for n in range(5):
        queue.add(replace(sweep(f"s{n}"), completed_at=100.0 - n))
    assert queue.overview.numbers() == {JobState.queued: 5}
    assert [job.name for job in queue.overview.next_in(JobState.queued, 3)] == ["s4", "s3", "s2"]
    assert queue.overview.next_in(JobState.failed, 3) == []
