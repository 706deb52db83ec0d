"""What is possible but unusual is warned of; what is impossible is refused."""

from __future__ import annotations

from dataclasses import replace

import h5py
import numpy as np
import pytest
from cbf_files import write_sweep
from ccd_files import counts, write_smv
from models_for_tests import experiment
from nexus_files import SIZE, write_master
from pydantic import ValidationError

from autoproc.errors import BadHeader, CorruptFile
from autoproc.formats.dials.expt import read_expt, write_expt
from autoproc.geometry.detector import beam_centre_px
from autoproc.models.experiment import Detector
from autoproc.stages.import_sweep import ImportParams, import_sweeps


def warnings_of(folder, changes=None, width=0.5, **params):
    write_sweep(folder, "x_####.cbf", range(1, 11), width=width, changes=changes)
    (found,) = import_sweeps([folder], ImportParams(**params)).experiments
    return " ".join(found.warnings)


def test_the_usual_is_passed_in_silence(tmp_path):
    assert not warnings_of(tmp_path)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"Wavelength": "9.7000 A"}, "the wavelength, 9.7 A, is unusual (0.1 to 6 is common): give wavelength="),
        ({"Wavelength": "0.0250 A"}, "the wavelength, 0.025 A, is unusual"),
        ({"Detector_distance": "0.00500 m"}, "the detector distance, 5 mm, is unusual"),
        ({"Detector_distance": "8.500 m"}, "the detector distance, 8500 mm, is unusual"),
        ({"Pixel_size": "1720e-6 m x 1720e-6 m"}, "the pixel size, 1.72 mm, is unusual"),
        ({"Pixel_size": "1.72e-6 m x 1.72e-6 m"}, "the pixel size, 0.00172 mm, is unusual"),
    ],
)
def test_the_unusual_is_told(tmp_path, changes, said):
    assert said in warnings_of(tmp_path, changes)


@pytest.mark.parametrize("width", [5.0, 0.002])
def test_unusual_rotation(tmp_path, width):
    assert f"the rotation per image, {width:g} degrees, is unusual" in warnings_of(tmp_path, width=width)


def test_what_replaces_the_header_is_judged_alike(tmp_path):
    assert "the wavelength, 9.7 A, is unusual" in warnings_of(tmp_path, wavelength=9.7)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"Wavelength": "0.0 A"}, "wavelength"),
        ({"Wavelength": "-1.0 A"}, "wavelength"),
        ({"Wavelength": "nan A"}, "wavelength"),
        ({"Detector_distance": "0.0 m"}, "detector distance"),
        ({"Detector_distance": None}, "detector distance"),
        ({"Wavelength": "0.00001 A"}, "wavelength"),
        ({"Detector_distance": "1e6 m"}, "detector distance"),
        ({"Pixel_size": "0 m x 0 m"}, "pixel size"),
        ({"Pixel_size": "1 m x 1 m"}, "pixel size"),
        ({"Pixel_size": "172e-6 m x 1e-9 m"}, "pixel size"),
        ({"Pixel_size": None}, "pixel size"),
    ],
)
def test_nonsense_is_refused(tmp_path, changes, field):
    write_sweep(tmp_path, "x_####.cbf", range(1, 11), changes=changes)
    (failure,) = import_sweeps([tmp_path]).failures
    assert isinstance(failure.error, BadHeader)
    assert failure.error.facts["field"] == field


@pytest.mark.parametrize(
    "wrong",
    [
        {"wavelength": -1.0}, {"wavelength": float("nan")}, {"wavelength": float("inf")}, {"distance": 0.0},
        {"beam_centre": (float("nan"), 1.0)}, {"pixel_size": (1000.0, 1000.0)},
        {"oscillation": (0.0, 0.0)}, {"oscillation": (float("inf"), 1.0)},
        {"gain": 0.0}, {"gain": float("inf")}, {"polarization_fraction": 1.5}, {"polarization_fraction": -0.1},
        {"min_images": 0}, {"max_damaged_fraction": 2.0}, {"max_screening_rotation": -1.0},
        {"image_range": (-5, 3)}, {"goniometer_axes": ((0, 0, 0),)}, {"rotation_axis": (float("nan"), 0, 0)},
    ],
)  # fmt: skip
def test_parameters_that_are_nonsense(wrong):
    with pytest.raises(ValidationError):
        ImportParams(**wrong)


@pytest.mark.parametrize(
    ("line", "thickness", "said"),
    [
        ("0.320 m", 0.32, "320 mm, is not possible: its unit is taken to be wrong, and 0.32 mm right"),
        ("0.00032 mm", 0.32, "0.00032 mm, is not possible"),
        ("750 mm", 0.75, "750 mm, is not possible"),
        ("9e9 m", 0.0, "it is taken as unknown"),
        ("0.000001 m", 0.0, "0.001 mm, is not possible: it is taken as unknown"),
        ("0.000450 m", 0.45, ""),
    ],
)
def test_thickness_of_the_sensor(tmp_path, line, thickness, said):
    write_sweep(tmp_path, "x_####.cbf", range(1, 11), changes={"Silicon": f"sensor, thickness {line}"})
    (found,) = import_sweeps([tmp_path]).experiments
    assert found.experiment.detector[0].thickness == pytest.approx(thickness)
    assert said in " ".join(found.warnings)
    assert bool(said) == bool(found.warnings)


def impossible_pixels(form, tmp_path):
    """A file whose header gives pixels of 1 m, and the centre that pixels of 0.1 mm leave, which was set in it."""
    if form == "cbf":
        write_sweep(tmp_path, "x_####.cbf", range(1, 11), changes={"Pixel_size": "1 m x 1 m"})
        return tmp_path / "x_####.cbf", (14.5, 9.25)
    if form == "smv":
        for n in (1, 2, 3):
            write_smv(tmp_path / f"x_{n:03d}.img", counts(), start=0.5 * n, PIXEL_SIZE=1000.0)
        return tmp_path / "x_###.img", None
    path = write_master(tmp_path / "x_master.h5", np.ones((8, *SIZE)))
    with h5py.File(path, "r+") as handle:
        detector = handle["entry/instrument/detector"]
        if form == "nxmx":
            detector["module/fast_pixel_direction"][...] = detector["module/slow_pixel_direction"][...] = 1.0
            return path, (30.0, 20.0)
        del detector["module"], detector["transformations"]
        fields = {"x_pixel_size": 1.0, "y_pixel_size": 1.0, "beam_center_x": 30.0, "beam_center_y": 20.0}
        for name, value in {**fields, "detector_distance": 0.2}.items():
            detector[name] = value
    return path, (30.0, 20.0)


@pytest.mark.parametrize("form", ["cbf", "smv", "nxmx", "dectris"])
def test_pixels_of_a_metre_are_refused_in_every_format_and_may_be_overridden(tmp_path, form):
    path, centre = impossible_pixels(form, tmp_path)
    (problem,) = import_sweeps([path]).problems
    assert problem.facts["field"] == "pixel size"
    assert "1000 x 1000 mm" in problem.message
    assert "pixel_size=0.172,0.172" in problem.advice
    found = import_sweeps([path], ImportParams(pixel_size=(0.1, 0.1), min_images=1, max_screening_rotation=0))
    (sweep,) = found.experiments
    assert sweep.experiment.detector[0].pixel_size == (0.1, 0.1)
    if centre is not None:
        assert beam_centre_px(sweep.experiment.detector, sweep.experiment.beam) == pytest.approx(centre)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"pixel_size": (1000.0, 1000.0)}, "its pixel size, 1000 x 1000 mm, is impossible .*pixel_size="),
        ({"origin": np.array([0.0, 0.0, -1e9])}, "its detector's distance, 1e.09 mm, is impossible .*distance="),
    ],
)
def test_lists_of_experiments_with_the_impossible_are_refused(tmp_path, change, said):
    whole = experiment()
    panel = replace(whole.detector[0], **change)
    write_expt(tmp_path / "x.expt", [replace(whole, detector=Detector((panel,)))])
    with pytest.raises(CorruptFile, match=said):
        read_expt(tmp_path / "x.expt")


def test_a_list_with_an_impossible_wavelength_is_refused(tmp_path):
    whole = experiment()
    write_expt(tmp_path / "x.expt", [replace(whole, beam=replace(whole.beam, wavelength=1e-5))])
    with pytest.raises(CorruptFile, match="its wavelength, 1e-05 A, is impossible .*wavelength="):
        read_expt(tmp_path / "x.expt")


@pytest.mark.parametrize("axis", [(0, 0, 1), (0, 0, -2), (0.05, 0.05, 1)])
def test_an_axis_along_the_beam_is_refused_whoever_gives_it(tmp_path, axis):
    write_sweep(tmp_path, "x_####.cbf", range(1, 11))
    for params in (ImportParams(rotation_axis=axis), ImportParams(goniometer_axes=((1, 0, 0), axis))):
        result = import_sweeps([tmp_path], params)
        assert not result.experiments
        assert "degrees from the beam: about it no reflection is swept through" in str(result.problems[0])
        assert "x_####.cbf" in result.problems[0].message
        assert "rotation_axis=1,0,0" in result.problems[0].advice


def test_an_axis_along_the_beam_in_a_master_is_refused_unless_another_is_given(tmp_path):
    master = write_master(tmp_path / "x_master.h5", np.ones((8, *SIZE)))
    with h5py.File(master, "r+") as handle:
        handle["entry/sample/transformations/omega"].attrs["vector"] = (0.0, 0.02, 1.0)
    (problem,) = import_sweeps([master]).problems
    assert "lies 1.1 degrees from the beam" in problem.message
    assert import_sweeps([master], ImportParams(rotation_axis=(1, 0, 0))).experiments


@pytest.mark.parametrize("axis", [(0, 1, 0), (0, 0.2, 1)])
def test_an_axis_across_or_aslant_to_the_beam_is_not(tmp_path, axis):
    assert not warnings_of(tmp_path, rotation_axis=axis)
