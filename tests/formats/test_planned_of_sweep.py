from __future__ import annotations

import shutil
from dataclasses import replace

import h5py
import pytest
from followed_for_tests import sweeps_of
from models_for_tests import experiment
from simulated import simulated_sweep

from autoproc.config import Config
from autoproc.formats.planned import planned_of_sweep
from autoproc.models.experiment import ImageSet
from autoproc.simulation.beamline import Collection
from autoproc.simulation.beamline_hdf5 import Hdf5Writing, write_hdf5

N = 6


@pytest.fixture(scope="module")
def master(tmp_path_factory):
    return simulated_sweep(tmp_path_factory, "nxmx", n_images=N, width=0.6).start


@pytest.mark.parametrize("writing", [{}, {"growing": True}, {"images_per_file": 4}])
def test_a_master_says_so_before_its_frames_have_come(master, tmp_path, writing):
    """The angles of its axis do; and that stays so until all are there."""
    (sweep,) = sweeps_of(master, Config())
    arriving = replace(sweep, imageset=replace(sweep.imageset, template=str(tmp_path / "x_master.h5")))
    for _ in write_hdf5(master, tmp_path, "x", Collection(0.0), Hdf5Writing(**writing)):
        assert planned_of_sweep(arriving) == N
    assert planned_of_sweep(arriving) == N


def test_what_the_detector_was_armed_for_goes_before_the_angles(master, tmp_path):
    path = tmp_path / "x_master.h5"
    shutil.copy(master, path)
    (sweep,) = sweeps_of(master, Config())
    copied = replace(sweep, imageset=replace(sweep.imageset, template=str(path)))
    with h5py.File(path, "r+") as file:
        file["entry/instrument/detector"].create_group("detectorSpecific")["nimages"] = 77
    assert planned_of_sweep(copied) == 77


def test_angles_that_grow_with_the_frames_say_nothing(master, tmp_path):
    path = tmp_path / "x_master.h5"
    shutil.copy(master, path)
    (sweep,) = sweeps_of(master, Config())
    copied = replace(sweep, imageset=replace(sweep.imageset, template=str(path)))
    with h5py.File(path, "r+") as file:
        axes = file["entry/sample/transformations"]
        for name in list(axes):
            if axes[name].ndim == 1 and len(axes[name]) > 1:
                angles = axes[name][:]
                del axes[name]
                axes.create_dataset(name, data=angles, maxshape=(None,))
    assert planned_of_sweep(copied) is None


def test_a_header_says_so_or_not(tmp_path_factory):
    sweep = simulated_sweep(tmp_path_factory, "minicbf", n_images=N, width=0.6)
    (found,) = sweeps_of(sweep.start, Config())
    assert planned_of_sweep(found) is None
    path = found.imageset.path(1)
    path.write_bytes(path.read_bytes().replace(b"# Exposure_time", b"# N_images 900\r\n# Exposure_time", 1))
    assert planned_of_sweep(found) == 900


@pytest.mark.parametrize(("kind", "name"), [("hdf5", "gone_master.h5"), ("cbf", "gone_####.cbf")])
def test_what_cannot_be_read_says_nothing(tmp_path, kind, name):
    one = experiment()
    assert planned_of_sweep(replace(one, imageset=None)) is None
    assert planned_of_sweep(replace(one, imageset=ImageSet(kind, str(tmp_path / name)))) is None
