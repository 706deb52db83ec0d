"""The simulated beamline writes image after image, at its pace, and tells of each."""

from __future__ import annotations

import pytest

from autoproc.demonstration import collecting
from autoproc.demonstration.collecting import MOUNTING, collect_crystals
from autoproc.demonstration.crystals import CRYSTALS, PROTEIN
from autoproc.formats.sweeps import find_series


class Clock:
    """Time that passes only where somebody sleeps, and by `work` for each look."""

    def __init__(self, work=0.0):
        self.now, self.work, self.slept = 0.0, work, []

    def __call__(self):
        self.now += self.work
        return self.now

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture(autouse=True)
def _few_images(monkeypatch):
    monkeypatch.setattr(collecting, "PROTEIN", dict(PROTEIN) | {"n_images": 3, "detector_size": (60, 60)})


def collected(folder, clock, **more):
    told = []
    collect_crystals(CRYSTALS[:2], folder, 5.0, told.append, sleep=clock.sleep, clock=clock, **more)
    return told


def test_each_image_is_told_of_when_it_is_there(tmp_path):
    there = []
    collect_crystals(
        CRYSTALS[:2], tmp_path / "new", 5.0, lambda _: there.append(len(list(tmp_path.glob("new/*.cbf")))),
        sleep=lambda _: None,
    )  # fmt: skip
    assert there == [0, 1, 2, 3, 3, 4, 5, 6]


def test_crystals_come_one_after_the_other(tmp_path):
    told = collected(tmp_path, Clock())
    assert [(one["crystal"], one["image"]) for one in told] == [("demo_1", n) for n in range(4)] + [
        ("demo_2", n) for n in range(4)
    ]
    assert [len(series.files) for series in find_series([tmp_path]).series] == [3, 3]


def test_images_come_evenly(tmp_path):
    clock = Clock()
    collected(tmp_path, clock)
    assert clock.slept == pytest.approx([0.2, 0.2, 0.2, MOUNTING, 0.2, 0.2, 0.2])


def test_a_slow_machine_does_not_hurry_to_catch_up(tmp_path):
    clock = Clock(work=1.0)
    collected(tmp_path, clock)
    assert max(clock.slept) == MOUNTING
    assert all(seconds <= 0.2 for seconds in clock.slept if seconds != MOUNTING)


def test_nothing_is_written_before_it_is_awaited(tmp_path):
    there = []
    collected(tmp_path, Clock(), wait=lambda: there.append(list(tmp_path.iterdir())))
    assert there == [[]]
