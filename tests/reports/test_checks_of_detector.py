"""The checks of what the detector and the beam do to intensities."""

from __future__ import annotations

import pytest

from autoproc.reports import checks
from autoproc.scaling.detector_response import DetectorResponse
from autoproc.scaling.polarisation import PolarisationSeen


def part(factor: float, sigma: float = 0.004, panel: int = 0) -> DetectorResponse:
    return DetectorResponse(factor, sigma, (126, 251), (0, 283), panel)


@pytest.mark.parametrize(
    ("factor", "sigma", "verdict"),
    [(1.27, 0.004, "look"), (0.8, 0.01, "look"), (2.0, 0.01, "bad"), (1.02, 0.001, "good"), (1.2, 0.05, "good")],
)
def test_a_part_of_the_detector_that_counts_otherwise(factor: float, sigma: float, verdict: str):
    assert checks.detector_response([part(factor, sigma)]).verdict == verdict


def test_the_part_is_named_with_its_factor():
    check = checks.detector_response([part(1.02), part(1.27), part(1.3, 0.2)])
    assert check.warning.startswith(
        "detector response: fast 126 to 250, slow 0 to 282 px counts 1.27 times what the rest"
    )
    assert "of panel 3" in checks.detector_response([part(0.7, panel=3)]).value


def test_no_part_no_check():
    assert checks.detector_response([]) is None


@pytest.mark.parametrize(
    ("stated", "found", "sigma", "verdict"),
    [(0.5, 1.0, 0.02, "look"), (0.99, 0.5, 0.07, "look"), (0.99, 0.69, 0.09, "good"), (0.99, 0.5, 0.15, "good"),
     (0.99, 0.9, 0.02, "good")],
)  # fmt: skip
def test_a_wrong_polarisation(stated: float, found: float, sigma: float, verdict: str):
    assert checks.polarisation(PolarisationSeen(stated, found, sigma)).verdict == verdict


def test_a_wrong_polarisation_is_said_with_both_numbers():
    warning = checks.polarisation(PolarisationSeen(0.5, 1.03, 0.01)).warning
    assert "0.50 was used, equivalents have 1.00 +- 0.01" in warning
    assert "import_sweep.polarization_fraction=1.00" in warning
    assert checks.polarisation(None) is None


def test_a_polarisation_that_cannot_be_told_is_not_called_right():
    assert checks.polarisation(PolarisationSeen(0.99, 0.6, 0.2)).value.startswith("cannot be told beside absorption")
    assert (
        checks.polarisation(PolarisationSeen(0.99, 0.96, 0.04)).value == "0.99 was used, equivalents have 0.96 +- 0.04"
    )


@pytest.mark.parametrize(("a", "verdict"), [(0.52, "look"), (0.9, "good"), (1.15, "good"), (1.98, "look")])
def test_scatter_that_no_photons_have(a: float, verdict: str):
    assert checks.counting_errors(a).verdict == verdict


def test_scatter_names_the_gain_that_would_explain_it():
    assert "import_sweep.gain=0.27" in checks.counting_errors(0.52).warning
    assert "import_sweep.gain=0.54" in checks.counting_errors(0.52, gain=2.0).warning
    assert checks.counting_errors(None) is None


def test_scatter_of_a_disturbed_sweep_tells_nothing_of_the_gain():
    others = ["change of the intensities over the sweep", "outliers in scaling"]
    check = checks.counting_errors(2.5, disturbed_by=others)
    assert check.verdict == "look"
    assert "import_sweep.gain" not in check.warning
    assert "change of the intensities over the sweep and outliers in scaling" in check.warning


@pytest.mark.parametrize(("faintest", "is_named"), [(2.4, True), (1.1, False), (None, True)])
def test_a_gain_is_named_where_the_faintest_scatter_as_much(faintest: float | None, is_named: bool):
    warning = checks.counting_errors(2.5, faintest=faintest).warning
    assert ("import_sweep.gain=6.2" in warning) is is_named
    assert ("1.10 times" in warning) is not is_named


def test_too_little_scatter_is_the_gain_s_whatever_else_there_is():
    assert "import_sweep.gain=0.27" in checks.counting_errors(0.52, disturbed_by=["outliers in scaling"]).warning
