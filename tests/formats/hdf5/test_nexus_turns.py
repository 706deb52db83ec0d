"""How far the axis turns within an image, wherever in a master file that is said."""

from __future__ import annotations

import h5py
import numpy as np
import pytest
from nexus_files import SIZE, axis, write_master

from autoproc.formats.hdf5.nexus import read_master

N = 8
ENDS = 10.5 + 0.5 * np.arange(N)


@pytest.fixture
def master(tmp_path):
    return write_master(tmp_path / "x_master.h5", np.ones((N, *SIZE)), omega=10.0)


def say(path, **values):
    """Write data sets below the sample, with __ for /."""
    with h5py.File(path, "r+") as handle:
        for name, value in values.items():
            handle[f"entry/sample/{name.replace('__', '/')}"] = value


@pytest.mark.parametrize(
    "said",
    [
        {"transformations__omega_increment_set": [0.5]},
        {"transformations__omega_increment_set": np.full(N, 0.5)},
        {"transformations__omega_increment": 0.5},
        {"transformations__omega_range_average": 0.5},
        {"transformations__omega_range_total": 0.5 * N},
        {"transformations__omega_end": ENDS},
        {"transformations__omega_increment_set": 0.0, "transformations__omega_range_average": 0.5},
        {"goniometer__omega_increment": 0.5},
        {"goniometer__omega_range_average": 0.5},
        {"goniometer__omega_range_total": 0.5 * N},
        {"goniometer__omega_end": ENDS},
        {"goniometer__omega": ENDS - 0.5},
        {"goniometer__omega": ENDS - 0.5, "goniometer__omega_end": ENDS},
        {"sample_omega__omega_increment_set": np.full(N, 0.5)},
    ],
)
def test_a_single_angle_with_its_width_anywhere_is_a_sweep(master, said):
    say(master, **said)
    read = read_master(master)
    assert read.whole.scan.oscillation == pytest.approx((10.0, 0.5))
    assert len(read.parts) == 1
    assert not read.warnings


@pytest.mark.parametrize(("end", "width", "taken"), [(14.0, 0.5, "the whole sweep"), (10.02, 0.02, "the first image")])
def test_a_single_end_is_that_of_the_sweep_unless_images_would_be_too_fine(master, end, width, taken):
    say(master, transformations__omega_end=end)
    read = read_master(master)
    assert read.whole.scan.oscillation == pytest.approx((10.0, width))
    (said,) = read.warnings
    assert said.startswith(f"the file gives a single end of the rotation, {end:g} degrees, for 8 images")
    assert f"that of {taken}" in said


def test_radians_beside_an_axis_in_radians(master):
    with h5py.File(master, "r+") as handle:
        handle["entry/sample/transformations/omega"][...] = np.radians(10.0)
        handle["entry/sample/transformations/omega"].attrs["units"] = "rad"
    say(master, transformations__omega_increment_set=np.radians([0.5]))
    assert read_master(master).whole.scan.oscillation == pytest.approx((10.0, 0.5))


def test_a_chain_whose_scanned_axis_is_told_by_its_width(tmp_path):
    path = write_master(tmp_path / "y_master.h5", np.ones((N, *SIZE)), omega=30.0, kappa=True)
    say(path, goniometer__phi_increment=0.2)
    goniometer, scan = read_master(path).whole.goniometer, read_master(path).whole.scan
    assert (goniometer.names[goniometer.scan_axis], scan.oscillation) == ("phi", (-80.0, 0.2))


def test_what_stands_still_stays_a_still(master):
    say(master, transformations__omega_increment_set=0.0, goniometer__phi_increment=0.5)
    assert read_master(master).whole.scan.oscillation == (10.0, 0.0)


@pytest.mark.parametrize("at", [0, 3])
def test_an_angle_that_is_none_does_not_hide_which_axis_is_scanned(tmp_path, at):
    omega = 5 + 0.5 * np.arange(N)
    omega[at] = np.nan
    path = write_master(tmp_path / "y_master.h5", np.ones((N, *SIZE)), omega=omega, kappa=True)
    read = read_master(path)
    assert read.whole.goniometer.names[read.whole.goniometer.scan_axis] == "omega"
    assert read.whole.scan.oscillation == pytest.approx((5.0, 0.5))
    assert np.all(np.isfinite(read.whole.goniometer.setting))
    assert f"the angle of image {at + 1}, nan degrees, is no angle" in read.warnings[0]


def test_translations_are_not_looked_for_elsewhere(master):
    with h5py.File(master, "r+") as handle:
        axis(handle["entry/sample/transformations"], "sam_x", 1.0, "translation", (1, 0, 0), ".", "mm")
    say(master, goniometer__sam_x_increment=0.1, goniometer__omega_increment=0.5)
    assert read_master(master).whole.scan.oscillation == (10.0, 0.5)
