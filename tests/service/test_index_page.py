"""index.html follows the queue."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from autoproc.service.events import Event
from autoproc.service.index_page import IndexPage, page_of
from autoproc.service.job_queue.job import JobState
from autoproc.service.job_queue.jobs import JobQueue
from autoproc.service.job_queue.programs_at_work import Arriving
from autoproc.service.processes.program import this_program
from autoproc.service.results.outputs import Outputs, home_of
from autoproc.service.status import Queue, count_by_state, status_table, story_lines
from autoproc.service.sweeps.found_sweep import FoundSweep, ListedImages

SWEEP = FoundSweep(Path("/data/v1/a_####.cbf"), "cbf", (1, 10), 10, "f1", "complete", "", "a", "/data/v1", 100.0)


@pytest.fixture
def outputs(tmp_path):
    made = Outputs(tmp_path / "out")
    made.make_folders()
    return made


@pytest.fixture
def queue(outputs):
    made = JobQueue(outputs.state / "queue.sqlite")
    yield made
    made.close()


def test_page_of_a_queue(queue, outputs):
    queue.add(SWEEP)
    queue.add(replace(SWEEP, fingerprint="f2", name="b", path=Path("/data/v1/b_####.cbf"), completed_at=200.0))
    queue.list_images(ListedImages(Path("/data/v1/snap_####.cbf"), 3, "screening", "screening shots"))
    page = page_of(queue.rows(), outputs.output)
    assert "<h1>v1</h1>" in page
    assert page.index(">b") < page.index(">a")
    assert "2 sweeps: 2 waiting" in page
    assert "screening shots" in page


def test_sweeps_of_several_visits_are_told_apart(queue, outputs):
    queue.add(SWEEP)
    other = replace(SWEEP, fingerprint="f2", name="b", path=Path("/data/v2/b_####.cbf"), visit="/data/v2")
    queue.add(other)
    page = page_of(queue.rows(), outputs.output)
    assert "/data/v2" in page
    assert "<h1>data</h1>" in page


def test_the_page_is_written_when_something_happened_only(queue, outputs):
    path = outputs.output / "index.html"
    page = IndexPage(queue, outputs)
    page.finish()
    assert "No sweep has been found yet" in path.read_text()
    path.unlink()
    page(Event("said", "a", {"text": "hello"}))
    page.finish()
    assert not path.exists()
    queue.add(SWEEP)
    page(Event("found", "a", {"n_images": 10}))
    page.poll()
    assert not path.exists(), "so soon after the last time it waits"
    page.finish()
    assert "1 sweep: 1 waiting" in path.read_text()


def test_home_of_a_work_folder(outputs):
    assert home_of(outputs.folder("lyso.1", 3)) == outputs.results("lyso.1")


def test_images_that_are_no_sweep_are_not_called_partial(queue):
    queue.list_images(ListedImages(Path("/data/v1/snap_####.cbf"), 3, "screening", "screening shots"))
    text = StringIO()
    Console(file=text, width=200).print(status_table(Queue.of(queue), 200))
    assert "screening shots" in text.getvalue()
    assert "partial" not in text.getvalue()


def test_a_page_that_takes_long_is_written_rarely(queue, outputs):
    times = iter([100.0, 100.0, 104.0, 104.0, 179.0, 181.0, 181.0, 181.0, 181.0])
    page = IndexPage(queue, outputs, lambda: next(times))
    page.write()
    path = outputs.output / "index.html"
    path.unlink()
    page.touch()
    page.poll()
    assert not path.exists(), "it took 4 s, so that it is not due before 180 s"
    page.poll()
    assert path.exists()


def pages_of(outputs):
    return {path.name: path.stat().st_ino for path in outputs.output.glob("*.html")}


def test_what_does_not_fit_has_pages_of_its_own_of_which_only_those_that_change_are_written(
    queue, outputs, monkeypatch
):
    monkeypatch.setattr("autoproc.service.index_page.MOST", 4)
    many(queue, 10)
    page = IndexPage(queue, outputs)
    page.finish()
    written = pages_of(outputs)
    assert sorted(written) == ["index-1.html", "index-2.html", "index-3.html", "index.html"]
    index = (outputs.output / "index.html").read_text()
    assert "10 sweeps: 10 waiting" in index
    assert index.count(">waiting<") + index.count("> waiting<") == 4
    assert 'href="index-3.html">9 to 12<' in index
    second = (outputs.output / "index-2.html").read_text()
    assert [f'<td class="name">s{n}' in second for n in range(10)] == [4 <= n < 8 for n in range(10)]
    queue.cancel("s5")
    page(Event("cancelled", "s5", {}))
    page.finish()
    changed = {name for name, inode in pages_of(outputs).items() if inode != written[name]}
    assert changed == {"index.html", "index-2.html"}
    assert "cancelled" in (outputs.output / "index-2.html").read_text()


def test_one_further_page_is_written_at_a_time(queue, outputs, monkeypatch):
    monkeypatch.setattr("autoproc.service.index_page.MOST", 2)
    many(queue, 7)
    page = IndexPage(queue, outputs)
    for n_further in (1, 2, 3, 4, 4):
        page.write()
        assert len(pages_of(outputs)) == 1 + n_further


def test_a_few_sweeps_are_one_page(queue, outputs):
    many(queue, 3)
    IndexPage(queue, outputs).finish()
    assert list(pages_of(outputs)) == ["index.html"]
    assert "order of arrival" not in (outputs.output / "index.html").read_text()


def many(queue, n):
    for number in range(n):
        queue.add(replace(SWEEP, fingerprint=f"g{number}", name=f"s{number}", path=Path(f"/data/v1/s{number}_#.cbf")))


@pytest.mark.parametrize("most", [5, None])
def test_the_table_shows_so_many_of_a_state_and_counts_the_others(queue, most):
    many(queue, 12)
    failed = queue.claim("me", 60.0)
    queue.finish(failed, JobState.failed, {"status": "failed", "error": "no spots"}, {})
    many_waiting = 11 if most is None else most
    text = StringIO()
    Console(file=text, width=200).print(status_table(Queue.of(queue), 200, most=most))
    shown = text.getvalue()
    assert shown.count("queued") == many_waiting + 1, "and once in the title"
    assert "no spots" in shown, "what failed is not hidden by what waits"
    assert ("6 more are not shown" in shown) == (most is not None)


def test_a_page_that_could_not_be_written_is_written_later(queue, outputs, monkeypatch):
    monkeypatch.setattr("autoproc.service.index_page.MOST", 2)
    many(queue, 5)
    page, replace_page = IndexPage(queue, outputs), IndexPage._replace

    def disk_full(self, name, text):
        if name != "index.html":
            raise OSError(28, "No space left on device")
        replace_page(self, name, text)

    monkeypatch.setattr(IndexPage, "_replace", disk_full)
    page.finish()
    assert list(pages_of(outputs)) == ["index.html"]
    monkeypatch.setattr(IndexPage, "_replace", replace_page)
    page.touch()
    page.finish()
    assert len(pages_of(outputs)) == 4


FATES = {
    JobState.processed: {"status": "processed", "verdict": "look", "unit_cell": [10.0] * 6},
    JobState.failed: {"status": "failed", "verdict": "bad", "error": "no spots", "hint": "look at an image"},
}


def mixed_queue(queue):
    """Two waiting, one processed, one failed, one cancelled, one set aside, one under way, one listed, one arriving."""
    many(queue, 7)
    queue.cancel("s6")
    for state, result in FATES.items():
        queue.finish(queue.claim("me", 60.0), state, result, {})
    queue.crashed(queue.claim("me", 60.0), "it was killed", "tell the authors", 1)
    running = queue.claim("me", 60.0)
    queue.list_images(ListedImages(Path("/data/v1/snap_####.cbf"), 3, "screening", "screening shots"))
    return running, [Arriving("late", "/data/v1/late_#.cbf", 4, "6 to come", None)]


def numbers_in(words):
    """What is said of each state: "2 waiting, 1 set aside"."""
    return {state: int(n) for n, state in re.findall(r"(\d+) ([a-z ]+)", words)}


@pytest.mark.parametrize("is_interrupted", [False, True])
def test_status_and_page_count_the_same_in_every_state(queue, outputs, monkeypatch, is_interrupted):
    running, coming = mixed_queue(queue)
    gone = frozenset({running.id} if is_interrupted else ())
    told = Queue(queue.rows(), coming, not is_interrupted, interrupted=gone)
    in_status = numbers_in(count_by_state(told))
    monkeypatch.setattr(queue, "interrupted", lambda: gone)
    monkeypatch.setattr(queue.programs, "arriving", lambda: coming)
    IndexPage(queue, outputs).write()
    from_tally = (outputs.output / "index.html").read_text()
    from_rows = page_of(queue.rows(), outputs.output, coming, gone)
    at_work = "interrupted" if is_interrupted else "running"
    wanted = {"arriving": 1, at_work: 1, "queued": 2, "processed": 1, "failed": 1, "set aside": 1, "cancelled": 1}
    assert in_status == wanted | {"listed": 1}
    same = {"queued": "waiting", "processed": "look closer"}
    for page in (from_tally, from_rows):
        n_all, words = re.findall(r"(\d+) sweeps: ([^;<]+)[;<]", page)[0]
        assert numbers_in(words) == {same.get(state, state): n for state, n in wanted.items()}
        assert int(n_all) == sum(wanted.values()) == page.count("<tr>") - page.count("<thead><tr>") - 1
        assert page.count('<td class="state"') == int(n_all)


def test_a_sweep_that_failed_says_what_to_do_on_the_page(queue, outputs):
    mixed_queue(queue)
    page = page_of(queue.rows(), outputs.output)
    assert "no spots<br><small>What to do: look at an image</small>" in page
    assert "it was killed<br><small>What to do: tell the authors</small>" in page


def test_a_sweep_that_was_put_back_says_when_it_is_tried_again(queue, outputs):
    queue.add(SWEEP)
    job = queue.claim("me", 60.0)
    queue.release(job, "the images are gone", 120.0)
    again = datetime.fromtimestamp(queue.job(job.id).not_before)
    assert f"the images are gone; tried again at {again:%H:%M:%S}" in page_of(queue.rows(), outputs.output)


def test_all_that_arrive_are_counted_on_the_page(queue, outputs):
    queue.programs.attend(this_program(), ["/data"])
    queue.programs.show(this_program(), [Arriving("/data/z_####.cbf", "z", 1, "", None)], 1234)
    IndexPage(queue, outputs).write()
    assert "1234 sweeps: 1234 arriving" in (outputs.output / "index.html").read_text()
    assert count_by_state(Queue.of(queue, 10)) == count_by_state(Queue.of(queue)) == "1234 arriving"


def test_further_pages_do_not_say_who_lives(queue, outputs):
    queue.add(SWEEP)
    assert "alive.html" not in page_of(queue.rows(), outputs.output, pages=[("1 to 200", "")])


def test_the_status_tells_of_groups_and_of_what_they_have_settled(queue):
    queue.add(SWEEP)
    job = queue.claim("me", 60.0)
    doubts = [{"name": "completeness", "verdict": "look", "says": "completeness: 60%", "lacks": "coverage"}]
    result = {"status": "processed", "verdict": "look", "look_at": ["completeness"], "doubts": doubts}
    queue.finish(job, JobState.processed, result, {})
    standing = {"name": "combined/a", "words": "part of combined/a, which is complete", "settled": ["completeness"],
                "verdict": "good"}  # fmt: skip
    queue.membership.tell("combined/a", {"a": 1}, {"a": standing})
    text = StringIO()
    Console(file=text, width=200).print(status_table(Queue.of(queue), 200))
    assert re.search(r"good .*part of combined/a, which is complete", text.getvalue())
    assert "look closer" not in text.getvalue()
    assert any("group: part of combined/a" in line for line in story_lines(queue.named("a")))
