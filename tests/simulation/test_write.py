from __future__ import annotations

import gzip
import hashlib
import json

import fabio
import numpy as np
import pytest
from simulated import simulated_frames, simulated_sweep

from autoproc.formats.registry import open_reader
from autoproc.simulation import SimulateParams, demo_params, simulate, small_params, write_sweep
from autoproc.stages.import_sweep import import_sweeps

FORMATS = ("minicbf", "nxmx")


def imported(written):
    (sweep,) = import_sweeps([written.start]).experiments
    return sweep.experiment


@pytest.mark.parametrize("file_format", FORMATS)
@pytest.mark.parametrize("n_threads", [1, 3])
def test_import_finds_the_geometry_that_was_written(tmp_path, file_format, n_threads):
    sweep = simulate(small_params(n_images=4, start=12.0, width=0.5, first_image=3 if file_format == "minicbf" else 1))
    experiment = imported(write_sweep(sweep, tmp_path, "xtal", file_format=file_format, n_threads=n_threads))
    truth = sweep.header_experiment()
    panel, true_panel = experiment.detector[0], truth.detector[0]
    for name in ("origin", "fast_axis", "slow_axis", "pixel_size", "image_size", "thickness"):
        np.testing.assert_allclose(getattr(panel, name), getattr(true_panel, name), atol=1e-9, err_msg=name)
    assert panel.mu == pytest.approx(true_panel.mu, rel=0.02)
    assert panel.trusted_range[1] == 1_000_000
    assert experiment.beam.wavelength == 0.9763
    np.testing.assert_allclose(experiment.beam.s0, truth.beam.s0)
    np.testing.assert_allclose(experiment.goniometer.lab_axis, [1.0, 0.0, 0.0])
    assert experiment.scan.oscillation == pytest.approx((12.0, 0.5))
    assert experiment.scan.n_images == 4
    if file_format == "minicbf":
        assert experiment.scan.image_range == (3, 6)


@pytest.mark.parametrize(("file_format", "suffix"), [("smv", ".img"), ("marccd", ".mccd")])
@pytest.mark.parametrize("two_theta", [0.0, 5.0])
def test_images_of_ccds_have_the_geometry_and_the_counts_that_16_bits_hold(tmp_path, file_format, suffix, two_theta):
    params = small_params(n_images=3, start=12.0, width=0.5, first_image=3, sensor_thickness=0.0, two_theta=two_theta)
    sweep = simulate(params)
    written = write_sweep(sweep, tmp_path, "xtal", file_format=file_format)
    assert [path.name for path in written.images] == [f"xtal_0000{n}{suffix}" for n in (3, 4, 5)]
    (found,) = import_sweeps([written.start]).experiments
    panel, true = found.experiment.detector[0], sweep.header_experiment().detector[0]
    if file_format == "smv" and two_theta:
        assert any("2theta" in warning for warning in found.warnings), "SMV does not say which way it swings"
    else:
        for name in ("origin", "fast_axis", "slow_axis", "pixel_size", "image_size"):
            np.testing.assert_allclose(getattr(panel, name), getattr(true, name), atol=1e-3, err_msg=name)
    assert panel.gain == 1
    assert found.experiment.beam.wavelength == pytest.approx(0.9763)
    assert found.experiment.scan.oscillation == pytest.approx((12.0, 0.5))
    assert found.experiment.scan.image_range == (3, 5)
    np.testing.assert_allclose(found.experiment.goniometer.lab_axis, [1.0, 0.0, 0.0])
    reader = open_reader(found.experiment)
    for frame in range(3):
        np.testing.assert_array_equal(reader.read(frame), np.clip(sweep.read(frame), 0, 65535))


@pytest.mark.parametrize("file_format", FORMATS)
def test_frames_come_back_bit_for_bit(tmp_path, file_format):
    sweep = simulate(small_params(n_images=3, saturation=3000))
    reader = open_reader(imported(write_sweep(sweep, tmp_path, file_format=file_format)))
    assert reader.n_frames == 3
    for frame in range(3):
        original = sweep.read(frame)
        read = reader.read(frame)
        np.testing.assert_array_equal(read[original >= 0], original[original >= 0])
        assert np.all(read[original < 0] < 0)
        np.testing.assert_array_equal(reader.mask & (read >= 0), sweep.mask)


def test_swing_and_axis_are_told_by_nxmx(tmp_path):
    sweep = simulate(
        small_params(n_images=3, two_theta=17.0, beam_centre_error=(1.0, 2.0), rotation_axis=(-1.0, 0.02, 0.0))
    )
    experiment = imported(write_sweep(sweep, tmp_path, file_format="nxmx"))
    panel, truth = experiment.detector[0], sweep.header_experiment().detector[0]
    np.testing.assert_allclose(panel.origin, truth.origin, atol=1e-9)
    np.testing.assert_allclose(panel.slow_axis, truth.slow_axis, atol=1e-12)
    np.testing.assert_allclose(experiment.goniometer.lab_axis, sweep.axis, atol=1e-12)


def test_fabio_reads_the_images(tmp_path):
    sweep = simulate(demo_params(n_images=2))
    written = write_sweep(sweep, tmp_path, "lysozyme", gzip=True)
    assert [p.name for p in written.images] == ["lysozyme_00001.cbf.gz", "lysozyme_00002.cbf.gz"]
    with fabio.open(str(written.images[1])) as image:
        np.testing.assert_array_equal(image.data, sweep.read(1))


def test_header_is_that_of_a_pilatus(tmp_path):
    written = write_sweep(simulate(demo_params(n_images=2)), tmp_path)
    text = written.images[1].read_bytes()[:2500].decode("latin-1")
    for line in (
        "# Detector: PILATUS 300K, S/N 3-0999",
        "# 2026-03-02T10:42:00.020",
        "# Pixel_size 172e-6 m x 172e-6 m",
        "# Silicon sensor, thickness 0.000320 m",
        "# Count_cutoff 1000000 counts",
        "# Wavelength 0.97630 A",
        "# Detector_distance 0.08500 m",
        "# Beam_xy (244.80, 291.80) pixels",
        "# Start_angle 0.7500 deg.",
        "# Angle_increment 0.7500 deg.",
        "# Polarization 0.990",
    ):
        assert f"{line}\r\n" in text


def test_several_data_files_are_one_sweep(tmp_path, monkeypatch):
    monkeypatch.setattr("autoproc.simulation.write.IMAGES_PER_FILE", 2)
    sweep = simulate(small_params(n_images=5))
    written = write_sweep(sweep, tmp_path, "many", file_format="nxmx")
    assert [p.name for p in written.images] == [f"many_data_00000{n}.h5" for n in (1, 2, 3)]
    reader = open_reader(imported(written))
    assert reader.n_frames == 5
    good = sweep.mask
    np.testing.assert_array_equal(reader.read(4)[good], sweep.read(4)[good])


@pytest.mark.parametrize(("file_format", "gz"), [("minicbf", False), ("minicbf", True), ("nxmx", False)])
def test_same_bytes_on_any_number_of_threads(tmp_path, file_format, gz):
    digests = []
    for n_threads in (1, 4):
        directory = tmp_path / str(n_threads)
        written = write_sweep(
            simulate(small_params(n_images=4)), directory, file_format=file_format, gzip=gz, n_threads=n_threads
        )
        files = sorted({written.start, *written.images})
        digests.append([hashlib.sha256(p.read_bytes()).hexdigest() for p in files])
    assert digests[0] == digests[1]


def test_truth_says_everything(tmp_path_factory):
    written = simulated_sweep(tmp_path_factory)
    assert simulated_sweep(tmp_path_factory) is written
    truth = np.load(written.truth)
    sweep = simulated_frames()
    np.testing.assert_array_equal(truth["hkl"], sweep.truth.hkl)
    np.testing.assert_array_equal(truth["ip"], sweep.truth.plus)
    np.testing.assert_array_equal(truth["im"], sweep.truth.minus)
    assert truth["U"].shape == (1, 3, 3)
    assert truth["A"].shape == (1, 61, 3, 3)
    assert SimulateParams(**json.loads(str(truth["params"]))) == sweep.params
    n = len(written.observations.hkl)
    assert n > 5000
    assert truth["obs_hkl"].shape == truth["obs_xyz"].shape == (n, 3)
    assert truth["obs_counts"].shape == truth["obs_partiality"].shape == (n,)


def test_gzip_is_gzip(tmp_path):
    written = write_sweep(simulate(small_params(n_images=1)), tmp_path, gzip=True)
    assert gzip.decompress(written.start.read_bytes()).startswith(b"###CBF: VERSION 1.5")
