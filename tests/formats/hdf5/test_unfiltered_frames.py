"""Frames that their writer stored without the filter of their data set, as detectors do with what compresses badly."""

from __future__ import annotations

import shutil

import h5py
import numpy as np
from simulated import simulated_sweep

from autoproc.formats.registry import open_reader, read_experiment

WITHOUT_FILTER = 1
FRAME = 4


def test_a_frame_that_is_not_compressed_is_read_as_it_is(tmp_path, tmp_path_factory):
    source = simulated_sweep(tmp_path_factory, "nxmx").start
    for path in source.parent.glob("*.h5"):
        shutil.copy(path, tmp_path)
    before = open_reader(read_experiment(tmp_path / source.name)).read(FRAME)
    data = next(tmp_path.glob("*data*.h5"))
    with h5py.File(data, "r+") as file:
        dataset = file["entry/data/data"]
        pixels = np.asarray(dataset[FRAME])
        dataset.id.write_direct_chunk((FRAME, 0, 0), pixels.tobytes(), WITHOUT_FILTER)
    reader = open_reader(read_experiment(tmp_path / source.name))
    np.testing.assert_array_equal(reader.read(FRAME), before)
    assert reader.stamp(FRAME) is not None


def test_the_stamp_of_a_frame_is_that_of_its_own_pixels(tmp_path_factory):
    source = simulated_sweep(tmp_path_factory, "nxmx").start
    frames = [FRAME, FRAME, FRAME + 1, FRAME, FRAME + 1, FRAME + 1]
    reader = open_reader(read_experiment(source))
    stamps = [reader.stamp(frame) for frame in frames]
    assert [stamp == stamps[0] for stamp in stamps] == [frame == FRAME for frame in frames]
    assert stamps[3] == open_reader(read_experiment(source)).stamp(FRAME)
