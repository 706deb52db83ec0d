from __future__ import annotations

import h5py
import hdf5plugin
import numpy as np
import pytest
from shared_data import shared

from autoproc.errors import BadHeader, CorruptFile, UnreadableFile, UnsupportedFile
from autoproc.formats.hdf5_frames import MissingDataFile, signed
from autoproc.formats.nexus import (
    DataFileGiven,
    NexusReader,
    experiment_from_master,
    experiments_from_master,
    is_data_file,
)

SIZE = (30, 40)


def group(parent, name, nx_class):
    made = parent.create_group(name)
    made.attrs["NX_class"] = nx_class
    return made


def axis(parent, name, values, kind, vector, depends_on, units, offset=(0.0, 0.0, 0.0)):
    item = parent.create_dataset(name, data=np.atleast_1d(np.asarray(values, float)))
    item.attrs.update(
        transformation_type=kind, vector=np.array(vector, float), depends_on=depends_on, units=units, offset=offset
    )
    return item


def write_master(path, frames, omega=None, two_theta=0.0, wavelength=0.98, link=False, dtype=np.uint16, kappa=False):
    n = len(frames)
    omega = 10.0 + 0.5 * np.arange(n) if omega is None else omega
    with h5py.File(path, "w") as handle:
        entry = group(handle, "entry", "NXentry")
        data = group(entry, "data", "NXdata")
        if link:
            target = path.with_name(path.name.replace("_master", "_data_000001"))
            with h5py.File(target, "w") as other:
                other.create_dataset(
                    "entry/data/data", data=frames.astype(dtype), chunks=(1, *SIZE), **hdf5plugin.Bitshuffle()
                )
            data["data_000001"] = h5py.ExternalLink(target.name, "/entry/data/data")
        else:
            data.create_dataset("data", data=frames.astype(dtype), chunks=(1, *SIZE), compression="gzip")
        sample = group(entry, "sample", "NXsample")
        turns = group(sample, "transformations", "NXtransformations")
        axis(turns, "omega", omega, "rotation", (-1, 0, 0), ".", "deg")
        first = "omega"
        if kappa:
            axis(turns, "kappa", 55.0, "rotation", (-0.6, -0.8, 0), "omega", "deg")
            axis(turns, "phi", -80.0, "rotation", (-1, 0, 0), "kappa", "deg")
            first = "phi"
        sample["depends_on"] = f"/entry/sample/transformations/{first}"
        instrument = group(entry, "instrument", "NXinstrument")
        beam = group(instrument, "beam", "NXbeam")
        if wavelength is not None:
            beam["incident_wavelength"] = wavelength
            beam["incident_wavelength"].attrs["units"] = "angstrom"
        detector = group(instrument, "detector", "NXdetector")
        chain = group(detector, "transformations", "NXtransformations")
        axis(chain, "two_theta", two_theta, "rotation", (-1, 0, 0), ".", "deg")
        axis(chain, "det_z", 0.2, "translation", (0, 0, 1), "two_theta", "m")
        module = group(detector, "module", "NXdetector_module")
        module["data_origin"], module["data_size"] = [0, 0], list(SIZE)
        above = "/entry/instrument/detector/transformations/det_z"
        offset = (0.003, 0.002, 0.0)
        axis(module, "module_offset", 0.0, "translation", (1, 0, 0), above, "m", offset)
        here = "/entry/instrument/detector/module/module_offset"
        axis(module, "fast_pixel_direction", 1e-4, "translation", (-1, 0, 0), here, "m")
        axis(module, "slow_pixel_direction", 1e-4, "translation", (0, -1, 0), here, "m")
        detector["sensor_material"], detector["sensor_thickness"] = "Si", 3.2e-4
        detector["sensor_thickness"].attrs["units"] = "m"
        detector["saturation_value"] = 5000
        mask = np.zeros(SIZE, np.uint32)
        mask[3, 4] = 1
        detector["pixel_mask"] = mask
    return path


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
    np.testing.assert_array_equal(signed(np.array([1.6, np.nan], np.float32)), [2, -1])


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
