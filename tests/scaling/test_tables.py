from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scaled_for_tests import Recipe, synthetic

from autoproc.models.reflections import Flag
from autoproc.scaling.combine import IntensityChoice
from autoproc.scaling.error_model import ErrorBin, ErrorModel
from autoproc.scaling.params import ScaleParams
from autoproc.scaling.result import ScaleResult
from autoproc.scaling.tables import format_scale
from autoproc.stages.scale import scale


@pytest.fixture(scope="module")
def result() -> ScaleResult:
    made = synthetic(Recipe(n_observations=1500))
    return scale([made.experiment], made.reflections, ScaleParams(max_cycles=2, max_shadow_ratio=0))


def rows(text: str, first: str) -> list[list[str]]:
    """Cells of the rows of a ruled table whose first cell starts with a word."""
    cells = [[c.strip() for c in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("|")]
    return [row for row in cells if row[0].startswith(first)]


def test_error_model_is_told_with_its_limit(result):
    text = format_scale(replace(result, error_model=ErrorModel(1.25, 0.04)))
    assert "a = 1.25000, b = 0.04000" in text
    assert "asymptotic limit: 20.000" in text
    assert "assumed" not in text


def test_errors_that_were_not_fitted_are_not_told_as_estimated(result):
    few = replace(result, error_model=ErrorModel(), error_bins=(ErrorBin(900.0, 30.5, 29, 31.8, 31.6),))
    text = format_scale(few)
    assert "a = 1.00000, b = 0.02000 (assumed, not fitted)" in text
    assert "asymptotic limit: none" in text
    assert "Warning: too few repeats to estimate ISa: the sigmas may be too small" in text
    assert few.isa is None
    params = result.start.params.model_copy(update={"error_model": False})
    asked = replace(result, start=replace(result.start, params=params))
    assert "Warning: ISa is not estimated, as asked for" in format_scale(asked)


def test_bins_of_the_error_model_are_told_strongest_first(result):
    text = format_scale(replace(result, error_bins=(ErrorBin(900.0, 30.5, 120, 2.5, 1.01),)))
    assert rows(text, "900.00") == [["900.00 - 30.50", "120", "2.500", "1.010"]]


def test_choice_of_intensities_has_its_reason(result):
    text = format_scale(replace(result, candidates=(IntensityChoice(0.0, 0.05), IntensityChoice(1.0, 0.06))))
    assert "profile intensities are used: no others give a lower trial Rmeas" in text
    assert rows(text, "summation") == [["summation", "0.06000"]]
    noise = format_scale(replace(result, candidates=(IntensityChoice(1.0, None),)))
    assert "of noise, Rmeas tells nothing" in noise
    assert rows(noise, "summation") == [["summation", "-"]]
    assert "are used" not in format_scale(replace(result, candidates=()))


def test_what_was_left_out_is_told(result):
    images = ((0, 3), (0, 4), (0, 5), (0, 9))
    text = format_scale(replace(result, blank_images=images))
    assert "4 blank images left out: 3-5, 9" in text
    table, n = result.reflections, len(result.reflections)
    assert text.endswith(f"{n} observations read: {n} scaled, none left out")
    first = np.arange(n) < 20
    less = table.without_flag(Flag.SCALED, first).with_flag(Flag.OUTLIER_IN_SCALING, np.arange(n) < 3)
    text = format_scale(replace(result, reflections=less, n_shadowed=5, n_scaled=n - 20))
    reasons = text.splitlines()[-1].partition(" left out ")[2]
    assert reasons == "(12 too uncertain, 5 where the detector seems to be in shadow, 3 outliers)"


def test_how_it_ended_is_told(result):
    ended = {c: format_scale(replace(result, converged=c, n_cycles=4, rms=(2.0, 1.25))) for c in (True, False)}
    assert "converged after 4 cycles; weighted rms residual 1.2500" in ended[True]
    assert "stopped after 4 cycles" in ended[False]
    assert "rms residual -" in format_scale(replace(result, rms=()))
    assert rows(ended[True], "decay") == [["decay", str(result.n_parameters["decay"])]]
