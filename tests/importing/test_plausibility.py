"""What is possible but unusual is warned of; what is impossible is refused."""

from __future__ import annotations

import pytest
from cbf_files import write_sweep
from pydantic import ValidationError

from autoproc.errors import BadHeader
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
        ({"Pixel_size": "0 m x 0 m"}, "Pixel_size"),
        ({"Pixel_size": None}, "Pixel_size"),
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
        {"beam_centre": (float("nan"), 1.0)}, {"oscillation": (0.0, 0.0)}, {"oscillation": (float("inf"), 1.0)},
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
