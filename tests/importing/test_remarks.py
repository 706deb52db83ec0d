from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from cbf_files import write_image

from autoproc.formats.dials.expt import read_expt, write_expt
from autoproc.formats.images.polarisation import POLARISATION_ASSUMED
from autoproc.importing.params import ImportParams
from autoproc.importing.plausibility import plausibility_warnings
from autoproc.reports.quality import quality_checks
from autoproc.reports.show import describe
from autoproc.reports.story import story
from autoproc.reports.summary import Failure, format_summary, summarise
from autoproc.stages.import_sweep import format_import, import_sweeps
from autoproc.stages.pipeline import Processing


def imported(tmp_path, changes, **params):
    for n in range(1, 5):
        angle = {"Start_angle": f"{(n - 1) * 0.5:.4f} deg."}
        write_image(tmp_path / f"x_000{n}.cbf", {**angle, **changes})
    return import_sweeps([tmp_path], ImportParams(**params))


def test_what_is_assumed_is_said_everywhere(tmp_path):
    result = imported(tmp_path, {"Polarization": None})
    experiment = result.experiments[0].experiment
    assert experiment.remarks == (POLARISATION_ASSUMED,)
    assert POLARISATION_ASSUMED in format_import(result)
    assert POLARISATION_ASSUMED in describe(tmp_path / "x_0001.cbf")
    write_expt(tmp_path / "i.expt", [experiment])
    assert read_expt(tmp_path / "i.expt")[0].remarks == experiment.remarks
    assert POLARISATION_ASSUMED in describe(tmp_path / "i.expt")
    processing = Processing(experiment)
    assert [line for line in story(processing) if line.text == POLARISATION_ASSUMED]
    summary = summarise("x", processing, Failure("find_spots", "no", ""))
    assert summary["remarks"] == [POLARISATION_ASSUMED]
    assert POLARISATION_ASSUMED in " ".join(format_summary(summary, processing).split())


def test_what_a_user_says_is_not_assumed(tmp_path):
    result = imported(tmp_path, {"Polarization": None}, polarization_fraction=0.5, polarization_normal=(2, 0, 0))
    beam = result.experiments[0].experiment.beam
    assert not result.experiments[0].experiment.remarks
    assert beam.polarization_fraction == 0.5
    np.testing.assert_array_equal(beam.polarization_normal, [1, 0, 0])


def test_a_normal_needs_a_direction():
    with pytest.raises(ValueError, match="direction"):
        ImportParams(polarization_normal=(0, 0, 0))


@pytest.mark.parametrize(
    ("wavelength", "anode"), [("1.54180 A", "Cu"), ("1.5406 A", "Cu"), ("0.71073 A", "Mo"), ("0.5608 A", "Ag"),
                              ("1.3414 A", "Ga"), ("0.9763 A", ""), ("1.5500 A", "")]
)  # fmt: skip
def test_a_laboratory_wavelength_without_polarisation_is_warned_of(tmp_path, wavelength, anode):
    found = imported(tmp_path, {"Polarization": None, "Wavelength": wavelength}).experiments[0].warnings
    about = [warning for warning in found if "polarization_fraction=0.5" in warning]
    assert len(about) == bool(anode)
    assert all(f"{anode} K alpha" in warning for warning in about)


def test_a_laboratory_wavelength_with_polarisation_is_not(tmp_path):
    sweep = imported(tmp_path, {"Polarization": "0.500", "Wavelength": "1.54180 A"}).experiments[0]
    assert sweep.experiment.beam.polarization_fraction == 0.5
    assert not [w for w in sweep.warnings if "polaris" in w]
    forgotten = replace(sweep.experiment, remarks=(POLARISATION_ASSUMED,))
    assert [w for w in plausibility_warnings(forgotten) if "polaris" in w]


@pytest.mark.parametrize("wavelength", ["1.54180 A", "0.71073 A", "0.5608 A", "1.3414 A"])
def test_a_laboratory_beam_of_unknown_polarisation_reaches_show_summary_and_the_light(tmp_path, wavelength):
    sweep = imported(tmp_path, {"Polarization": None, "Wavelength": wavelength}).experiments[0]
    (warning,) = (w for w in sweep.warnings if "polarization_fraction=0.5" in w)
    assert warning in describe(tmp_path / "x_0001.cbf")
    write_expt(tmp_path / "i.expt", [sweep.experiment])
    assert warning in describe(tmp_path / "i.expt")
    processing = Processing(sweep.experiment, warnings=list(sweep.warnings))
    (light,) = (check for check in quality_checks(processing) if check.value == warning)
    assert light.verdict == "look"
    summary = summarise("x", processing, Failure("find_spots", "no", ""))
    assert warning in summary["warnings"]
    assert " ".join(warning.split()) in " ".join(format_summary(summary, processing).split())
