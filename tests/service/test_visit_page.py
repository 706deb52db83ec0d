"""index.html follows the queue."""

from __future__ import annotations

import time
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from autoproc.service.events import Event
from autoproc.service.found_sweep import FoundSweep, ListedImages
from autoproc.service.job import State
from autoproc.service.jobs import JobQueue
from autoproc.service.outputs import Outputs, home_of
from autoproc.service.status import Queue, status_table
from autoproc.service.visit_page import VisitPage, page_of

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
    page = VisitPage(queue, outputs)
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


def test_a_page_that_takes_long_is_written_rarely(queue, outputs, monkeypatch):
    times = iter([100.0, 104.0, 183.0, 184.5, 184.5, 184.5])
    monkeypatch.setattr(time, "monotonic", lambda: next(times))
    page = VisitPage(queue, outputs)
    page.write()
    path = outputs.output / "index.html"
    path.unlink()
    page.touch()
    page.poll()
    assert not path.exists(), "it took 4 s, so that it is not due before 184 s"
    page.poll()
    assert path.exists()


def many(queue, n):
    for number in range(n):
        queue.add(replace(SWEEP, fingerprint=f"g{number}", name=f"s{number}", path=Path(f"/data/v1/s{number}_#.cbf")))


@pytest.mark.parametrize("most", [5, None])
def test_the_table_shows_so_many_of_a_state_and_counts_the_others(queue, most):
    many(queue, 12)
    failed = queue.claim("me", 60.0)
    queue.finish(failed, State.failed, {"status": "failed", "error": "no spots"}, {})
    many_waiting = 11 if most is None else most
    text = StringIO()
    Console(file=text, width=200).print(status_table(Queue.of(queue), 200, most=most))
    shown = text.getvalue()
    assert shown.count("queued") == many_waiting + 1, "and once in the title"
    assert "no spots" in shown, "what failed is not hidden by what waits"
    assert ("6 more are not shown" in shown) == (most is not None)
