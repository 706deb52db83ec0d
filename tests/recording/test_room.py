"""Recorded sweeps give way to new ones where their size is limited; nothing else does."""

import os
import shutil

import h5py
import numpy as np
import pytest

pytest.importorskip("cbor2")

from streamed import Recording, end, image, start

from autoproc.recording.room import make_room, recorded_sweeps
from autoproc.simulation.beamline_stream import Streaming

HOUR = 3600.0
NOISE = np.random.default_rng(1).integers(0, 1 << 31, (300, 400)).astype("u4")
SMALL = 1e-4
"""Gigabytes: less than one sweep of this noise."""


def series(n):
    return Streaming(series_id=n, series_unique_id=f"0{n}")


def messages(n):
    return [start(series(n), number_of_images=1), image(0, NOISE, "none", series(n)), end(series(n))]


def age(folder, name, seconds):
    """Make the files of a sweep older."""
    for path in folder.rglob(f"{name}_*.h5"):
        os.utime(path, (path.stat().st_mtime - seconds,) * 2)


@pytest.fixture
def recording(tmp_path):
    recording = Recording(tmp_path / "s").take(*messages(1), *messages(2), *messages(3))
    for n in (1, 2, 3):
        age(recording.folder, f"series_{n}", (4 - n) * HOUR)
    return recording


def stems(folder):
    return sorted(sweep.stem.name for sweep in recorded_sweeps(folder))


def test_the_oldest_go_first_and_no_more_than_must(recording):
    one = next(recorded_sweeps(recording.folder)).n_bytes / 2**30
    assert make_room(recording.folder, 3.5 * one, 0, ()) == []
    assert [sweep.stem.name for sweep in make_room(recording.folder, 2.5 * one, 0, ())] == ["series_1"]
    assert stems(recording.folder) == ["series_2", "series_3"]


def test_the_young_and_those_under_way_are_kept(recording):
    way = {recording.folder / "series_1"}
    assert [sweep.stem.name for sweep in make_room(recording.folder, SMALL, 1.5 * HOUR, way)] == ["series_2"]


def test_files_of_others_are_not_touched(recording):
    master = recording.folder / "series_1_master.h5"
    others = recording.folder / "others_master.h5"
    shutil.copyfile(master, others)

    with h5py.File(others, "r+") as file:
        file["entry/program_name"][()] = b"somebody"
    (recording.folder / "x_master.h5").write_text("none")
    make_room(recording.folder, SMALL, 0, ())
    assert sorted(path.name for path in recording.folder.glob("*.h5")) == ["others_master.h5", "x_master.h5"]


def test_a_new_series_makes_room_for_itself(tmp_path):
    recording = Recording(tmp_path / "s", max_size=SMALL, keep_time=HOUR, name="{series_id}/s_{series_id}")
    recording.take(*messages(1), *messages(2))
    age(recording.folder, "s_1", 2 * HOUR)
    recording.take(*messages(3))
    assert recording.names() == [f"{n}/s_{n}_{what}.h5" for n in (2, 3) for what in ("data_000001", "master")]
    assert not (recording.folder / "1").exists()
    assert f"s_1: deleted, as sweeps may take {SMALL:g} GB here" in recording.said


def test_nothing_is_deleted_unless_that_is_asked_for(recording):
    recording.take(*messages(4))
    assert stems(recording.folder) == [f"series_{n}" for n in (1, 2, 3, 4)]


def test_images_without_their_start_give_way_too(tmp_path):
    recording = Recording(tmp_path / "s").take(image(0, NOISE, "none"))
    recording.recorder.close()
    assert stems(recording.folder) == ["series_1_without_start"]
    make_room(recording.folder, SMALL, 0, ())
    assert recording.names() == []
