"""Results made before they are asked for become those of the order that comes, or nobody sees them."""

from __future__ import annotations

import queue
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from autoproc.config import Config, with_command_line
from autoproc.console import Console
from autoproc.service.processing import process_ahead as module
from autoproc.service.processing.order import Order
from autoproc.service.processing.process_ahead import NotWanted, StillWanted, is_as_expected, process_ahead

MERGED = b"merged intensities"


class Reports:
    def __init__(self):
        self.sent = []

    def send(self, message, **facts):
        self.sent.append((message, facts))


class Reader:
    n_frames, shape, min_trusted, max_trusted, mask = 5, (2, 2), 0, 100.0, np.ones((2, 2), bool)

    def read(self, frame):
        return np.zeros((2, 2), np.int32)


def process(order, console, status="processed", meanwhile=lambda: None, **more):
    """As a sweep is processed: stages are busy, images are read, something is said."""
    with console.busy("Indexing"):
        pass
    with console.watch(Reader(), "Integrating", 5) as reader:
        for frame in range(5):
            meanwhile()
            reader.read(frame)
    console.log("a stage's table")
    console.print("something was odd")
    (order.folder / "stages").mkdir()
    (order.folder / "stages" / "x.refl").write_bytes(MERGED)
    (order.folder / "merged.mtz").write_bytes(MERGED)
    return {"status": status, "sweep": order.name} | more


class Desk:
    """A worker that follows a sweep, as far as it processes ahead of its order."""

    def __init__(self, tmp_path):
        work = tmp_path / ".autoproc" / "work"
        held = tmp_path / ".autoproc" / "ahead" / "p" / "key"
        self.order = Order(7, 3, "x", str(tmp_path / "x_###.cbf"), (1, 5), "", work / "x.3", work / "x.3.json",
                           Config(), 5)  # fmt: skip
        self.order.folder.mkdir(parents=True)
        self.expected = replace(
            self.order, job_id=0, run=0, folder=held, outcome=held.with_suffix(".json"), place=work / "x.1"
        )
        self.lines, self.reports = queue.SimpleQueue(), Reports()
        self.n_images, self.is_unchanged = 5, True
        self.wanted = StillWanted(self.expected, self.lines, lambda: self.n_images != 5)

    def process(self, **how):
        return process_ahead(
            self.expected, partial(process, **how), self.wanted, self.reports, lambda: self.is_unchanged
        )

    def results_of(self, ahead, order):
        with Console(order.folder / "autoproc.log", title=f"run {order.name}") as console:
            return ahead.results_of(order, console)


@pytest.fixture
def desk(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "LOOK", 0.0)
    monkeypatch.setattr(module, "SHARE", 0.0)
    monkeypatch.setattr(module, "with_record", lambda summary, order: summary | {"recorded": order.run})
    return Desk(tmp_path)


def test_results_become_those_of_the_order(desk, capsys):
    ahead = desk.process()
    summary = desk.results_of(ahead, desk.order)
    assert summary == {"status": "processed", "sweep": "x", "recorded": 3}
    assert (desk.order.folder / "merged.mtz").read_bytes() == MERGED
    assert (desk.order.folder / "stages" / "x.refl").read_bytes() == MERGED
    log = (desk.order.folder / "autoproc.log").read_text().splitlines()
    assert log[0].endswith("run x")
    assert log[1:] == ["a stage's table", "something was odd"]
    assert capsys.readouterr().out == "something was odd\n"
    assert not desk.expected.folder.exists()


def test_progress_is_reported_and_nothing_is_said_before(desk):
    desk.process()
    assert {message for message, _ in desk.reports.sent} == {"progress"}


@pytest.mark.parametrize(
    "change",
    [
        {"image_range": (1, 6), "n_images": 6},
        {"partial": "images missing: 3"},
        {"config": with_command_line(Config(), {"scale.d_min": "2"})},
        {"changes": {"scale.d_min": "2"}},
        {"name": "other_x"},
        {"visit": "/elsewhere"},
    ],
    ids="-".join,
)
def test_of_another_order_nothing_is_used(desk, change):
    ahead = desk.process()
    other = replace(desk.order, **change)
    assert not is_as_expected(other, desk.expected)
    assert desk.results_of(ahead, other) is None
    assert not (desk.order.folder / "merged.mtz").exists()
    assert not desk.expected.folder.exists()


def test_an_order_whose_results_go_elsewhere_is_another(desk, tmp_path):
    other = replace(desk.order, place=tmp_path / "b" / ".autoproc" / "work" / "x.3")
    assert not is_as_expected(other, desk.expected)


def test_what_files_of_the_visit_say_since_makes_it_another(desk, tmp_path):
    visit = tmp_path / "visit"
    visit.mkdir()
    path = str(visit / "x_###.cbf")
    desk.order, desk.expected = (replace(one, visit=str(visit), path=path) for one in (desk.order, desk.expected))
    ahead = desk.process()
    (visit / "autoproc.toml").write_text("[scale]\nd_min = 2.0\n")
    assert desk.results_of(ahead, desk.order) is None


def test_of_images_that_were_changed_nothing_is_used(desk):
    ahead = desk.process()
    desk.is_unchanged = False
    assert desk.results_of(ahead, desk.order) is None
    assert not (desk.order.folder / "merged.mtz").exists()


def test_of_images_that_are_changed_already_nothing_is_made(desk):
    desk.is_unchanged = False
    assert desk.process() is None


def test_more_images_end_it(desk):
    def more():
        desk.n_images = 6

    assert desk.process(meanwhile=more) is None
    assert not desk.expected.folder.exists()
    with pytest.raises(NotWanted):
        desk.wanted.require()


def test_another_order_ends_it_and_is_kept(desk):
    line = replace(desk.order, image_range=(1, 4)).line()
    assert desk.process(meanwhile=lambda: desk.lines.put(line)) is None
    assert desk.wanted.line == line


def test_its_order_lets_it_go_on_whatever_comes_then(desk):
    def asked():
        if not desk.wanted.is_asked_for:
            desk.lines.put(desk.order.line())
            desk.wanted.require()
        desk.n_images = 6

    ahead = desk.process(meanwhile=asked)
    assert desk.results_of(ahead, desk.order)["status"] == "processed"


@pytest.mark.parametrize("how", [{"status": "failed"}, {"lost": "3 images were gone"}], ids=lambda how: next(iter(how)))
def test_what_failed_is_not_held(desk, how):
    assert desk.process(**how) is None
    assert not desk.expected.folder.exists()


def test_what_was_left_by_another_is_removed(desk):
    desk.expected.folder.mkdir(parents=True)
    (desk.expected.folder / "merged.mtz").write_bytes(b"of another")
    ahead = desk.process()
    desk.results_of(ahead, desk.order)
    assert (desk.order.folder / "merged.mtz").read_bytes() == MERGED
