from __future__ import annotations

import time

import h5py
import numpy as np
import pytest
from cbf_files import cbf_bytes, header, image, write_image, write_sweep
from pydantic import ValidationError
from shared_data import shared

from autoproc.errors import BadHeader, CorruptFile, UnreadableFile
from autoproc.formats.dials.expt import identifier_for
from autoproc.formats.registry import open_reader
from autoproc.geometry.detector import beam_centre_px
from autoproc.stages.import_sweep import ImportParams, NotASweep, format_import, import_sweeps, require_sweeps


def imported(paths, **params):
    paths = paths if isinstance(paths, list) else [paths]
    return import_sweeps(paths, ImportParams(**params))


def one(paths, **params):
    result = imported(paths, **params)
    assert not result.problems
    (sweep,) = result.experiments
    return sweep


def test_a_sweep_becomes_an_experiment(tmp_path):
    files = write_sweep(tmp_path / "a visit", "my crystal_####.cbf.gz", range(3, 13))
    sweep = one(tmp_path)
    experiment = sweep.experiment
    assert sweep.name == "my crystal"
    assert sweep.files == tuple(files)
    assert sweep.format == "miniCBF PILATUS"
    assert not sweep.warnings
    assert experiment.scan.image_range == (3, 12)
    assert experiment.scan.oscillation == pytest.approx((11.0, 0.5))
    assert len(experiment.scan.exposure_times) == 10
    assert experiment.imageset.template == str(tmp_path / "a visit" / "my crystal_####.cbf.gz")
    assert experiment.identifier == identifier_for(experiment.imageset, experiment.scan)
    np.testing.assert_array_equal(open_reader(experiment).read(9), image(12))


def test_any_image_stands_for_its_sweep(tmp_path):
    files = write_sweep(tmp_path, "x_####.cbf", range(1, 8))
    write_sweep(tmp_path, "y_####.cbf", range(1, 8))
    assert one(files[4]).experiment.scan.image_range == (1, 7)


def test_named_images_are_meant_exactly(tmp_path):
    files = write_sweep(tmp_path, "x_####.cbf", range(1, 9))
    assert one(files[2:6]).experiment.scan.image_range == (3, 6)


def test_missing_images_are_told(tmp_path):
    write_sweep(tmp_path, "x_####.cbf", [1, 2, 3, 6, 7, 8, 9, 11])
    sweep = one(tmp_path)
    assert sweep.experiment.scan.image_range == (6, 9)
    assert sweep.experiment.scan.oscillation == pytest.approx((12.5, 0.5))
    assert sweep.warnings == (
        "3 images missing (4-5, 10): the longest unbroken run, 6 to 9, is used; "
        "4 images on the other side of the gaps left out",
    )


def test_wedges_are_sweeps_of_their_own(tmp_path):
    write_sweep(tmp_path, "x_####.cbf", range(1, 11), start=0.0)
    write_sweep(tmp_path, "x_####.cbf", range(11, 21), start=175.0)
    result = imported(tmp_path)
    assert [s.name for s in result.experiments] == ["x_1-10", "x_11-20"]
    assert [s.experiment.scan.oscillation[0] for s in result.experiments] == pytest.approx([0.0, 180.0])


def test_one_shot_before_the_sweep_does_not_change_its_name(tmp_path):
    write_sweep(tmp_path, "x_####.cbf", [1], start=90.0)
    write_sweep(tmp_path, "x_####.cbf", range(2, 12), start=0.0)
    sweep = one(tmp_path)
    assert (sweep.name, sweep.experiment.scan.image_range) == ("x", (2, 11))


def test_screening_shots_are_no_sweep(tmp_path):
    for number, angle in ((1, 0.0), (2, 45.0), (3, 90.0)):
        write_sweep(tmp_path, "x_####.cbf", [number], start=angle - 0.5 * (number - 1))
    result = imported(tmp_path)
    assert not result.experiments
    assert not result.problems
    (skipped,) = result.skipped
    assert skipped.n_images == 3
    assert skipped.reason == "screening shots at 0, 45, 90 degrees, not a sweep"
    with pytest.raises(NotASweep, match=r"x_####.cbf: screening shots at 0, 45, 90"):
        require_sweeps(result)


def test_screening_wedges_of_few_fine_images_are_no_sweep(tmp_path):
    for wedge in range(3):
        numbers = range(1 + 10 * wedge, 11 + 10 * wedge)
        write_sweep(tmp_path, "x_####.cbf", numbers, start=45.0 * wedge - wedge, width=0.1)
    assert "screening shots at 0, 45, 90" in imported(tmp_path).skipped[0].reason


@pytest.mark.parametrize(
    ("numbers", "width", "reason"),
    [
        ([7], 0.5, "a single image (number 7) is not a sweep"),
        (range(1, 20), 0.0, "stills: the header says that the crystal stood still"),
        ([1, 2], 0.5, "2 consecutive images from number 1, fewer than min_images=3"),
        ([1, 3, 5, 7], 0.5, "1 image"),
    ],
)
def test_what_is_no_sweep(tmp_path, numbers, width, reason):
    write_sweep(tmp_path, "x_####.cbf", numbers, width=width)
    result = imported(tmp_path)
    assert not result.experiments
    assert len(result.skipped) == 1
    assert reason in result.skipped[0].reason or "single image" in result.skipped[0].reason
    assert reason in result.skipped[0].reason or reason == "1 image"


def test_headers_without_rotation_can_be_rescued(tmp_path):
    write_sweep(tmp_path, "x_####.cbf", range(3, 9), changes={"Angle_increment": None})
    assert imported(tmp_path).skipped[0].reason.startswith("stills: the header gives no rotation")
    assert one(tmp_path, oscillation=(20.0, 0.25)).experiment.scan.oscillation == (20.0, 0.25)
    part = one(tmp_path, oscillation=(20.0, 0.25), image_range=(5, 8)).experiment.scan
    assert (part.image_range, part.oscillation) == ((5, 8), (20.5, 0.25))


def damaged(directory, name, content):
    (directory / name).write_bytes(content)


def test_one_bad_sweep_never_stops_the_others(tmp_path):
    write_sweep(tmp_path, "good_####.cbf", range(1, 6))
    write_sweep(tmp_path, "dark_####.cbf", range(1, 6), changes={"Wavelength": "0.0 A"})
    write_sweep(tmp_path, "far_####.cbf", range(1, 6), changes={"Detector_distance": None})
    write_sweep(tmp_path, "empty_####.cbf", range(1, 6))
    damaged(tmp_path, "empty_0005.cbf", b"")
    write_sweep(tmp_path, "cut_####.cbf", range(1, 6))
    damaged(tmp_path, "cut_0001.cbf", cbf_bytes(image(), header())[:200])
    damaged(tmp_path, "text_0001.cbf", b"hello")
    result = imported([tmp_path, tmp_path / "gone_0001.cbf"])
    assert [s.name for s in result.experiments] == ["good"]
    said = sorted((type(p).__name__, str(p)) for p in result.problems)
    assert [kind for kind, _ in said] == ["BadHeader", "BadHeader", "CorruptFile", "CorruptFile", "UnreadableFile"]
    assert "dark_0001.cbf: the header's wavelength is 0 A" in said[0][1]
    assert "far_0001.cbf: the header's detector distance is missing" in said[1][1]
    assert "cut_0001.cbf is damaged" in said[2][1]
    assert "empty_0005.cbf is damaged: it is empty" in said[3][1]
    assert "gone_0001.cbf cannot be read" in said[4][1]
    assert [s.path.name for s in result.skipped] == ["text_####.cbf"]
    text = format_import(result)
    assert text.count("Error: ") == 5
    assert "text_####.cbf (1 image): " in text


def test_a_named_file_that_is_no_image_is_an_error(tmp_path):
    damaged(tmp_path, "text_0001.cbf", b"hello")
    with pytest.raises(Exception, match="not a diffraction image"):
        require_sweeps(imported(tmp_path / "text_0001.cbf"))


def test_nothing_to_process(tmp_path):
    for paths, error in (([tmp_path], "holds no diffraction images"), ([], "holds no diffraction images")):
        with pytest.raises(Exception, match=error):
            require_sweeps(imported(paths))
    with pytest.raises(UnreadableFile):
        require_sweeps(imported(tmp_path / "gone"))


def test_command_line_rescues_a_bad_header(tmp_path):
    write_sweep(tmp_path, "x_####.cbf", range(1, 6), changes={"Wavelength": None, "Detector_distance": "0 m"})
    assert isinstance(imported(tmp_path).problems[0], BadHeader)
    assert isinstance(imported(tmp_path, wavelength=1.0).problems[0], BadHeader)
    experiment = one(tmp_path, wavelength=1.0, distance=123.0).experiment
    assert experiment.beam.wavelength == 1.0
    assert experiment.detector[0].distance == 123.0


def test_overrides(tmp_path):
    write_sweep(tmp_path, "x_####.cbf", range(1, 11))
    sweep = one(
        tmp_path, beam_centre=(3.5, 4.5), rotation_axis=(0, 2, 0),
        mask=((1, 2, 3, 4), (25, 15, 99, 99), (50, 0, 60, 9)),
        image_range=(4, 9), polarization_fraction=0.5, gain=2.0,
    )  # fmt: skip
    experiment = sweep.experiment
    panel = experiment.detector[0]
    assert beam_centre_px(experiment.detector, experiment.beam) == pytest.approx((3.5, 4.5))
    np.testing.assert_array_equal(experiment.goniometer.axis, [0, 1, 0])
    assert panel.mask == ((1, 2, 3, 4), (25, 15, 30, 20))
    assert (panel.gain, experiment.beam.polarization_fraction) == (2.0, 0.5)
    assert experiment.scan.image_range == (4, 9)
    assert experiment.scan.oscillation == pytest.approx((11.5, 0.5))
    mask = open_reader(experiment).mask
    assert not mask[2:4, 1:3].any()
    assert not mask[15:, 25:].any()


def test_goniometer_override(tmp_path):
    write_sweep(tmp_path, "x_####.cbf", range(1, 11))
    axes = ((1, 0, 0), (0, 0, -1), (0, 1, 0))
    goniometer = one(tmp_path, goniometer_axes=axes, goniometer_angles=(0, 90, 0)).experiment.goniometer
    np.testing.assert_allclose(goniometer.lab_axis, [0, 1, 0])
    np.testing.assert_allclose(goniometer.fixed @ [1, 0, 0], [0, -1, 0], atol=1e-12)


def test_image_range_without_images(tmp_path):
    write_sweep(tmp_path, "x_####.cbf", range(1, 11))
    assert "image_range 50 to 60" in imported(tmp_path, image_range=(50, 60)).skipped[0].reason


@pytest.mark.parametrize(
    "wrong",
    [
        {"wavelength": 0.0}, {"distance": -5.0}, {"rotation_axis": (0, 0, 0)}, {"mask": ((5, 0, 5, 9),)},
        {"image_range": (9, 1)}, {"goniometer_angles": (1.0,)}, {"unknown": 1},
    ],
)  # fmt: skip
def test_impossible_parameters(wrong):
    with pytest.raises(ValidationError):
        ImportParams(**wrong)


def test_beam_centre_off_the_detector_is_told(tmp_path):
    write_sweep(tmp_path, "x_####.cbf", range(1, 6), changes={"Beam_xy": "(2000.0, 9.0) pixels"})
    assert "(2000.0, 9.0) pixels lies off the detector" in one(tmp_path).warnings[0]


def test_same_name_in_two_directories(tmp_path):
    for directory in ("one", "two"):
        write_sweep(tmp_path / directory, "x_####.cbf", range(1, 6))
    result = imported(tmp_path)
    assert [s.name for s in result.experiments] == ["one_x", "two_x"]
    assert len({s.experiment.identifier for s in result.experiments}) == 2


def test_long_sweeps_import_within_a_second(tmp_path):
    content = cbf_bytes(image(), header({"Start_angle": "ANGLE deg.", "Angle_increment": "0.1000 deg."}))
    for number in range(1, 1801):
        (tmp_path / f"x_{number:04d}.cbf").write_bytes(content.replace(b"ANGLE", b"%.4f" % (0.1 * number)))
    begin = time.process_time()
    sweep = one(tmp_path)
    assert time.process_time() - begin < 1.0
    assert sweep.experiment.scan.image_range == (1, 1800)


def test_text_is_that_of_the_tutorial(tmp_path):
    write_sweep(tmp_path, "x_####.cbf", range(1, 11))
    write_sweep(tmp_path, "still_####.cbf", range(1, 5), width=0.0)
    write_image(tmp_path / "single.cbf")
    text = format_import(imported(tmp_path))
    for line in (
        "  format: miniCBF PILATUS", f"  template: {tmp_path}/x_####.cbf:1:10", "  num images: 10",
        "  rotation: 10 to 15 degrees in steps of 0.5", "    still:    1", "    sweep:    1", "  num stills: 4",
    ):  # fmt: skip
        assert line in text.split("\n")


def test_damaged_frame_is_named_when_it_is_read(tmp_path):
    files = write_sweep(tmp_path, "x_####.cbf", range(1, 6))
    files[2].write_bytes(files[2].read_bytes()[:-4600])
    reader = open_reader(one(tmp_path).experiment)
    with pytest.raises(CorruptFile, match="x_0003.cbf is damaged: it is truncated"):
        reader.read(2)


def write_master(path, omega, wavelength=0.98, distance=0.1):
    n = len(omega)
    with h5py.File(path, "w") as handle:
        entry = handle.create_group("entry")
        entry.attrs["NX_class"] = "NXentry"
        data = entry.create_group("data")
        data.attrs["NX_class"] = "NXdata"
        data.create_dataset("data", data=np.ones((n, 20, 30), np.uint16), chunks=(1, 20, 30))
        goniometer = entry.create_group("sample/goniometer")
        goniometer["omega"] = np.asarray(omega, float)
        goniometer["omega_increment"] = 0.5
        instrument = entry.create_group("instrument")
        instrument.attrs["NX_class"] = "NXinstrument"
        beam = instrument.create_group("beam")
        beam.attrs["NX_class"] = "NXbeam"
        if wavelength is not None:
            beam["incident_wavelength"] = wavelength
            beam["incident_wavelength"].attrs["units"] = "angstrom"
        detector = instrument.create_group("detector")
        detector.attrs["NX_class"] = "NXdetector"
        values = {"x_pixel_size": 75e-6, "y_pixel_size": 75e-6, "detector_distance": distance, "beam_center_x": 15.0,
                  "beam_center_y": 9.0, "sensor_thickness": 4.5e-4}  # fmt: skip
        for name, value in values.items():
            detector[name] = value
        detector["sensor_material"] = "Si"
        specific = detector.create_group("detectorSpecific")
        specific["x_pixels_in_detector"], specific["y_pixels_in_detector"] = 30, 20
    return path


def test_master_files(tmp_path):
    write_master(tmp_path / "lyso 1_master.h5", 5 + 0.5 * np.arange(10))
    sweep = one(tmp_path, image_range=(3, 8), distance=150.0, beam_centre=(2.0, 3.0))
    assert (sweep.name, sweep.format) == ("lyso 1", "NeXus / DECTRIS HDF5")
    scan = sweep.experiment.scan
    assert (scan.image_range, scan.oscillation) == ((3, 8), pytest.approx((6.0, 0.5)))
    assert sweep.experiment.imageset.indices == (2, 3, 4, 5, 6, 7)
    assert sweep.experiment.detector[0].distance == pytest.approx(150.0)
    assert beam_centre_px(sweep.experiment.detector, sweep.experiment.beam) == pytest.approx((2.0, 3.0))
    assert open_reader(sweep.experiment).n_frames == 6


def test_screening_shots_in_a_master(tmp_path):
    write_master(tmp_path / "x_master.h5", [0, 45, 90])
    assert "screening shots at 0, 45, 90" in imported(tmp_path).skipped[0].reason


@pytest.mark.parametrize(
    ("lacking", "rescue"), [({"wavelength": None}, {"wavelength": 0.7}), ({"distance": 0.0}, {"distance": 99.0})]
)
def test_master_without_a_value_can_be_rescued(tmp_path, lacking, rescue):
    write_master(tmp_path / "x_master.h5", 0.5 * np.arange(5), **lacking)
    assert isinstance(imported(tmp_path).problems[0], BadHeader)
    experiment = one(tmp_path, **rescue).experiment
    found = {"wavelength": experiment.beam.wavelength, "distance": experiment.detector[0].distance}
    for name, value in rescue.items():
        assert found[name] == pytest.approx(value)


def test_real_sweeps():
    result = imported(shared("real/l_cysteine_i19"))
    assert [s.name for s in result.experiments] == ["l-cyst_01", "l-cyst_02", "l-cyst_03", "l-cyst_04"]
    assert [s.experiment.scan.n_images for s in result.experiments] == [15] * 4
    assert [s.experiment.goniometer.names[s.experiment.goniometer.scan_axis] for s in result.experiments] == [
        "GON_OMEGA", "GON_OMEGA", "GON_OMEGA", "GON_PHI",
    ]  # fmt: skip


def test_simulated_sweeps():
    result = imported([shared("simulated/lysozyme"), shared("simulated/split")])
    assert [(s.name, s.experiment.scan.n_images) for s in result.experiments] == [("lysozyme", 160), ("split", 160)]


def test_real_test_frames_are_not_sweeps():
    result = imported(shared("real/frames"))
    assert not result.experiments
    assert len(result.skipped) == 6
    assert "dectris_eiger_data_000001.h5" in str(result.problems[0])
