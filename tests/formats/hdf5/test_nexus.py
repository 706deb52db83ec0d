from __future__ import annotations

import h5py
import numpy as np
import pytest
from nexus_files import SIZE, write_master
from shared_data import shared

from autoproc.errors import BadHeader, CorruptFile, UnreadableFile, UnsupportedFile
from autoproc.formats.hdf5.hdf5_frames import signed
from autoproc.formats.hdf5.nexus import (
    DataFileGiven,
    NexusReader,
    Undescribed,
    experiment_from_master,
    experiments_from_master,
    is_data_file,
)
from autoproc.formats.hdf5.segments import MissingDataFile
from autoproc.formats.images.frames import NO_COUNT


@pytest.fixture
def frames():
    return np.random.default_rng(1).poisson(3, (6, *SIZE))


def test_geometry_of_a_plain_master(tmp_path, frames):
    e = experiment_from_master(write_master(tmp_path / "x_master.h5", frames))
    panel = e.detector[0]
    np.testing.assert_allclose(panel.origin, [-3.0, 2.0, -200.0], atol=1e-9)
    np.testing.assert_allclose(panel.fast_axis, [1, 0, 0], atol=1e-12)
    np.testing.assert_allclose(panel.slow_axis, [0, -1, 0], atol=1e-12)
    np.testing.assert_allclose(e.goniometer.axis, [1, 0, 0], atol=1e-12)
    assert panel.image_size == (40, 30)
    assert panel.trusted_range == (-1.0, 5000.0)
    assert e.scan.oscillation == (10.0, 0.5)
    assert e.scan.image_range == (1, 6)
    assert e.beam.wavelength == pytest.approx(0.98)


def test_two_theta_turns_the_detector_about_the_horizontal_axis(tmp_path, frames):
    panel = experiment_from_master(write_master(tmp_path / "x_master.h5", frames, two_theta=30.0)).detector[0]
    assert panel.distance == pytest.approx(200.0)
    cos, sin = np.cos(np.radians(30)), np.sin(np.radians(30))
    np.testing.assert_allclose(np.abs(panel.slow_axis), [0, cos, sin], atol=1e-12)
    assert np.linalg.norm(panel.origin) == pytest.approx(np.hypot(200.0, np.hypot(3.0, 2.0)))


def test_kappa_goniometer_puts_kappa_and_phi_inside_omega(tmp_path, frames):
    gonio = experiment_from_master(write_master(tmp_path / "x_master.h5", frames, kappa=True)).goniometer
    assert gonio.names == ("phi", "kappa", "omega")
    assert gonio.scan_axis == 2
    np.testing.assert_allclose(gonio.setting, np.eye(3))
    np.testing.assert_allclose(gonio.fixed @ gonio.fixed.T, np.eye(3), atol=1e-12)
    assert not np.allclose(gonio.fixed, np.eye(3))


@pytest.mark.parametrize("link", [False, True])
@pytest.mark.parametrize("dtype", [np.uint16, np.uint32])
def test_frames_come_back_bit_for_bit(tmp_path, frames, link, dtype):
    top = np.iinfo(dtype).max
    frames = frames.astype(np.int64)
    frames[2, 0, 0], frames[2, 0, 1] = top, top - 1
    e = experiment_from_master(write_master(tmp_path / "x_master.h5", frames, link=link, dtype=dtype))
    assert e.imageset is not None
    reader = NexusReader(e.imageset, e.detector)
    expected = frames.copy()
    expected[2, 0, 0], expected[2, 0, 1] = -1, -2
    for n in range(len(frames)):
        np.testing.assert_array_equal(reader.read(n), expected[n])
    assert not reader.mask[3, 4]
    assert reader.mask.sum() == SIZE[0] * SIZE[1] - 1


def test_screening_angles_come_out_one_by_one(tmp_path, frames):
    path = write_master(tmp_path / "x_master.h5", frames[:3], omega=np.array([0.0, 45.0, 90.0]))
    with h5py.File(path, "a") as handle:
        handle["entry/sample/transformations/omega_end"] = np.array([0.5, 45.5, 90.5])
    parts = experiments_from_master(path)
    assert [p.scan.n_images for p in parts] == [1, 1, 1]
    assert [p.scan.oscillation for p in parts] == [(0.0, 0.5), (45.0, 0.5), (90.0, 0.5)]
    assert [p.imageset.indices for p in parts] == [(0,), (1,), (2,)]


def test_an_unbroken_sweep_is_one(tmp_path, frames):
    assert len(experiments_from_master(write_master(tmp_path / "x_master.h5", frames))) == 1


def test_missing_data_file_is_named(tmp_path, frames):
    path = write_master(tmp_path / "x_master.h5", frames, link=True)
    (tmp_path / "x_data_000001.h5").unlink()
    with pytest.raises(MissingDataFile, match="x_data_000001.h5"):
        experiment_from_master(path)


def test_data_file_in_place_of_its_master(tmp_path, frames):
    write_master(tmp_path / "x_master.h5", frames, link=True)
    data = tmp_path / "x_data_000001.h5"
    assert is_data_file(data)
    with pytest.raises(DataFileGiven, match="x_master.h5"):
        experiment_from_master(data)


def test_images_without_a_description_are_not_called_a_data_file_of_themselves(tmp_path, frames):
    write_master(tmp_path / "x_master.h5", frames, link=True)
    bare = (tmp_path / "x_data_000001.h5").rename(tmp_path / "y_master.h5")
    with pytest.raises(Undescribed, match="y_master.h5 does not describe its experiment") as caught:
        experiment_from_master(bare)
    assert "y_master_master" not in str(caught.value)


def test_missing_wavelength_says_how_to_give_it(tmp_path, frames):
    with pytest.raises(BadHeader, match="wavelength="):
        experiment_from_master(write_master(tmp_path / "x_master.h5", frames, wavelength=None))


def test_truncated_and_foreign_files(tmp_path, frames):
    path = write_master(tmp_path / "x_master.h5", frames)
    path.write_bytes(path.read_bytes()[:3000])
    with pytest.raises((CorruptFile, UnreadableFile), match="x_master.h5"):
        experiment_from_master(path)
    other = tmp_path / "y.h5"
    other.write_text("not HDF5")
    with pytest.raises(UnsupportedFile, match="y.h5"):
        experiment_from_master(other)
    with pytest.raises(UnreadableFile, match="absent"):
        experiment_from_master(tmp_path / "absent.h5")


def test_truncated_chunk_names_the_image(tmp_path, frames):
    e = experiment_from_master(write_master(tmp_path / "x_master.h5", frames, link=True))
    data = tmp_path / "x_data_000001.h5"
    with h5py.File(data, "r") as handle:
        offset = handle["entry/data/data"].id.get_chunk_info(3).byte_offset
    raw = bytearray(data.read_bytes())
    raw[offset : offset + 40] = b"\xff" * 40
    data.write_bytes(bytes(raw))
    reader = NexusReader(e.imageset, e.detector)
    reader.read(2)
    with pytest.raises(CorruptFile, match=r"x_data_000001\.h5.*image 4"):
        reader.read(3)


def test_signed_keeps_counts():
    np.testing.assert_array_equal(signed(np.array([0, 7, 65535, 65534], np.uint16)), [0, 7, -1, -2])
    np.testing.assert_array_equal(signed(np.array([-3, 7], np.int32)), [-3, 7])
    np.testing.assert_array_equal(signed(np.array([1.6, np.nan], np.float32)), [2, NO_COUNT])


def test_shared_monoclinic_master():
    e = experiment_from_master(shared("simulated/monoclinic/open_monoclinic_master.h5"))
    assert e.scan.n_images == 240
    assert e.scan.oscillation == (25.0, 0.75)
    np.testing.assert_allclose(e.detector[0].origin, [-43.8256, 50.1896, -100.0], atol=1e-6)
    assert e.detector[0].mu == pytest.approx(3.96039, rel=1e-4)
    assert NexusReader(e.imageset, e.detector).read(239).shape == (619, 487)


def test_shared_tilted_detector_and_vertical_axis():
    e = experiment_from_master(shared("real/zirconium_dac/zr_dac_w1.nxs"))
    np.testing.assert_allclose(e.detector[0].origin, [-204.662, 203.349, -878.497], atol=1e-3)
    np.testing.assert_allclose(e.goniometer.axis, [0, 1, 0], atol=1e-12)


def test_shared_master_without_its_data():
    with pytest.raises(MissingDataFile, match="dectris_eiger_data_000001.h5"):
        experiment_from_master(shared("real/frames/dectris_eiger_master.h5"))


def test_virtual_data_sets_end_before_the_first_file_that_is_missing(tmp_path_factory):
    from simulated import simulated_sweep

    from autoproc.simulation.beamline import Collection, collect
    from autoproc.simulation.beamline_hdf5 import Hdf5Writing, write_hdf5

    source = simulated_sweep(tmp_path_factory, "nxmx", n_images=12).start
    folder = tmp_path_factory.mktemp("stopped")
    collect(write_hdf5(source, folder, "x", Collection(rate=0), Hdf5Writing(virtual=True, images_per_file=5)))
    (folder / "x_data_000003.h5").unlink()
    experiment = experiment_from_master(folder / "x_master.h5")
    assert experiment.scan.n_images == 10
    assert NexusReader(experiment.imageset, experiment.detector).read(9).any()
    (folder / "x_data_000001.h5").unlink()
    with pytest.raises(MissingDataFile):
        experiment_from_master(folder / "x_master.h5")
