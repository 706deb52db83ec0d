"""A sweep recorded from the stream gives what its files give."""

import shutil
from dataclasses import fields

import pytest

pytest.importorskip("cbor2")

import h5py
import numpy as np
from processed import Silent
from simulated import simulated_sweep
from streamed import Recording

from autoproc.config import Config
from autoproc.formats.registry import open_reader, read_experiment
from autoproc.simulation.beamline import Collection
from autoproc.simulation.beamline_stream import Streaming, stream
from autoproc.stages.import_sweep import import_sweeps
from autoproc.stages.pipeline import Processing, process

N_IMAGES = 30


@pytest.fixture(scope="module")
def master(tmp_path_factory):
    return simulated_sweep(tmp_path_factory, "nxmx", n_images=N_IMAGES, d_min=2.8).start


def recorded(master, folder, collection, **streaming):
    recording = Recording(folder, images_per_file=20)
    for _ in stream(master, recording.recorder.take, collection, Streaming(**streaming)):
        recording.clock.now += 0.05
        recording.recorder.poll()
    recording.wait(6)
    assert recording.complaints == []
    return folder / "series_1_master.h5"


def without_polarisation(master, folder):
    """The sweep's files without how the beam is polarised, which the stream does not say."""
    for path in master.parent.glob("*.h5"):
        shutil.copyfile(path, folder / path.name)
    with h5py.File(folder / master.name, "r+") as file:
        for beam in ("/entry/instrument/beam", "/entry/sample/beam"):
            del file[beam]["incident_polarization_stokes"]
    return folder / master.name


def processed(path):
    config = Config()
    processing = Processing(import_sweeps([str(path)], config.import_sweep).experiments[0].experiment)
    process(processing, config, Silent())
    return processing


@pytest.mark.parametrize("compression", ["bslz4", "lz4", "none"])
def test_frames_and_mask_are_the_same(master, tmp_path, compression):
    path = recorded(master, tmp_path / "s", Collection(in_order=False), compression=compression, repeated=[4])
    was, is_now = (open_reader(read_experiment(one)) for one in (master, path))
    np.testing.assert_array_equal(is_now.mask, was.mask)
    for n in range(N_IMAGES):
        np.testing.assert_array_equal(is_now.read(n), was.read(n))


@pytest.mark.slow
def test_the_merged_result_is_the_same(master, tmp_path):
    """To the last bit, for a sweep whose files say no more than the stream does."""
    path = recorded(master, tmp_path / "s", Collection())
    was, is_now = processed(without_polarisation(master, tmp_path)).merged, processed(path).merged
    assert len(was.hkl) > 300
    for field in fields(was):
        np.testing.assert_equal(getattr(is_now, field.name), getattr(was, field.name), err_msg=field.name)
