"""Captions say what the figure shows, and nothing else."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from processed import STAGES, processed_sweep, stopped_after

from autoproc.geometry.edge import Reach
from autoproc.integration.shadow import Untrusted
from autoproc.merging.by_image import ImageAgreement
from autoproc.merging.merging_statistics import MergingStatistics
from autoproc.merging.twinning import TwinningTest
from autoproc.reports import captions
from autoproc.reports.files_report import files_page
from autoproc.reports.report_html import sections
from autoproc.stages.estimate_resolution import ResolutionEstimate
from autoproc.stages.pipeline import Processing


@pytest.fixture(scope="module")
def processing(tmp_path_factory: pytest.TempPathFactory) -> Processing:
    return processed_sweep(tmp_path_factory)


@pytest.fixture(scope="module")
def statistics(processing: Processing) -> MergingStatistics:
    return processing.scaled.statistics


def to(statistics: MergingStatistics, d_min: float) -> MergingStatistics:
    """The same as if it ended at d_min."""
    return replace(statistics, overall=replace(statistics.overall, d_min=d_min))


def shells_with(statistics: MergingStatistics, field: str, values: list[float]) -> MergingStatistics:
    shells = tuple(replace(s, **{field: v}) for s, v in zip(statistics.shells, values, strict=False))
    return replace(statistics, shells=shells)


def estimate(d_min: float, limited_by_data: bool = False, centre: float = 0.25, width: float = 0.02):
    """CC1/2 that falls to 0.3 near s2 = centre, of data to 1.5 A."""
    s2 = np.linspace(0.01, 1.5**-2, 60)
    curve = 0.5 * (1 - np.tanh((s2 - centre) / width))
    return ResolutionEstimate(d_min, 1.5, limited_by_data, 0.3, s2, curve, np.full(60, 100), curve)


AT_LIMIT = (0.25 + 0.02 * np.arctanh(0.4)) ** -0.5
"""Where `estimate` falls to 0.3, Angstrom."""


def test_without_an_estimate_no_curve_is_spoken_of(statistics):
    assert "curve" not in captions.cc_half(statistics, None)


def test_the_curve_sets_the_limit_only_where_it_does(statistics):
    assert captions.cc_half(to(statistics, AT_LIMIT), estimate(AT_LIMIT)) == (
        "The resolution limit is where the fitted CC1/2 falls to 0.3."
    )


def test_a_limit_of_the_users_is_not_the_curves(statistics):
    said = captions.cc_half(to(statistics, 2.6), estimate(AT_LIMIT))
    limit = f"The estimated limit is {AT_LIMIT:.2f} \u00c5, where the fitted CC1/2 falls to 0.3"
    assert said == f"{limit}; the data are used to 2.60 \u00c5."


def test_data_that_end_before_the_curve_falls(statistics):
    whole = estimate(1.5, limited_by_data=True, centre=1.0)
    assert captions.cc_half(to(statistics, 1.5), whole) == (
        "The resolution limit is the end of the data, where the fitted CC1/2 is 1.00, still above 0.3."
    )
    low = estimate(1.5, limited_by_data=True, centre=0.2)
    assert "above" not in captions.cc_half(to(statistics, 1.5), low), "the curve drawn is below there"


def test_a_limit_moved_inwards_is_not_said_to_be_on_the_curve(statistics):
    inwards = replace(estimate(2.3, centre=0.25), ended_by="noise")
    said = captions.cc_half(to(statistics, 2.3), inwards)
    assert said == "The resolution limit is where shells without signal begin (the fitted CC1/2 is 1.00 there)."


def test_signal_is_counted_in_the_shells_drawn(statistics):
    n = len(statistics.shells)
    strong = shells_with(statistics, "i_over_sigma", [9.0] * n)
    assert captions.i_over_sigma(strong) == "Of merged intensities; above 1 in every shell."
    fading = shells_with(statistics, "i_over_sigma", [9.0] * (n - 2) + [0.9, 0.2])
    assert (
        captions.i_over_sigma(fading) == f"Of merged intensities; below 1 beyond {fading.shells[-2].d_max:.2f} \u00c5."
    )
    patchy = shells_with(statistics, "i_over_sigma", [0.9] + [9.0] * (n - 2) + [0.2])
    assert captions.i_over_sigma(patchy) == f"Of merged intensities; below 1 in 2 of {n} shells."
    unknown = shells_with(statistics, "i_over_sigma", [None] * n)
    assert "below" not in captions.i_over_sigma(unknown)


@pytest.mark.parametrize(
    ("reach", "words"),
    [
        (None, "Of all reflections"),
        (Reach(1.5, None, None), "Of all reflections"),
        (Reach(1.5, 2.5, 2.2), "whole rings to 2.50 \u00c5, and parts of them beyond"),
        (Reach(1.5, 1.9, 1.7), "whole rings, but for its gaps, to the resolution limit"),
        (Reach(1.5, 2.03, 1.9), "whole rings, but for its gaps, to the resolution limit"),
    ],
)
def test_corners_are_spoken_of_only_where_the_data_reach_into_them(statistics, reach, words):
    assert words in captions.completeness(to(statistics, 2.0), reach)


def test_r_factors_have_their_number_and_their_ceiling(statistics):
    said = captions.r_factors(statistics)
    assert f"{statistics.inner.r_meas:.3f}" in said
    assert "Cut off" not in said
    wild = shells_with(statistics, "r_meas", [0.1] * (len(statistics.shells) - 1) + [7.0])
    assert "Cut off at 2." in captions.r_factors(wild)
    shells = tuple(replace(s, r_meas=None) for s in statistics.shells)
    assert captions.r_factors(replace(statistics, shells=shells)).startswith("Of observations")


@pytest.mark.parametrize(
    ("d_min", "large", "wanted", "unwanted"),
    [
        (1.8, True, ["Beyond 4", "3.7 or 2.25"], []),
        (1.8, False, ["3.7 or 2.25"], ["Beyond"]),
        (2.5, True, ["near 3.7 \u00c5"], ["2.25"]),
        (3.5, True, ["3.7"], ["Beyond"]),
        (3.9, True, ["Logarithm"], ["Ice", "Beyond"]),
    ],
)
def test_bumps_are_named_where_they_would_be_drawn(statistics, d_min, large, wanted, unwanted):
    said = captions.wilson(to(statistics, d_min), large)
    assert all(words in said for words in wanted)
    assert not any(words in said for words in unwanted)


def test_the_twinning_test_says_its_mean():
    test = TwinningTest(900, 0.4711, 0.3, 1.9, np.linspace(0, 1, 3), np.linspace(0, 1, 3), 2.345)
    assert captions.l_test(test) == "To 2.35 \u00c5. Mean |L| 0.471; 0.5 is not twinned, 0.375 a perfect twin."


@pytest.mark.parametrize(
    ("n_indexed", "end"), [(None, "each image."), (80, "those that were indexed."), (100, "all of them were indexed.")]
)
def test_indexed_spots_are_spoken_of_where_there_are_any(n_indexed, end):
    assert captions.spots_per_image(n_indexed, 100).endswith(end)


def test_changes_of_the_crystal_are_the_figures_own(processing):
    experiment = processing.refined.experiments[0]
    crystal = experiment.crystal
    n = experiment.scan.n_images + 1
    still = np.repeat(crystal.A[None], n, axis=0)
    steady = replace(experiment, crystal=replace(crystal, A_at_scan_points=still))
    assert "0.00%" in captions.cell_lengths(steady)
    assert "0.00 degrees" in captions.cell_angles(steady)
    grown = still / np.linspace(1.0, 1.01, n)[:, None, None]
    growing = replace(experiment, crystal=replace(crystal, A_at_scan_points=grown))
    (percent,) = re.findall(r"([\d.]+)%", captions.cell_lengths(growing))
    assert float(percent) == pytest.approx(1.0, abs=0.1)
    assert "usual" not in captions.cell_lengths(growing)
    angle = np.radians(np.linspace(0, 3.0, n))
    turn = np.array([[[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]] for a in angle])
    (turned,) = re.findall(
        r"up to ([\d.]+)",
        captions.orientation(replace(experiment, crystal=replace(crystal, A_at_scan_points=turn @ still))),
    )
    assert float(turned) == pytest.approx(3.0, abs=0.15)


def test_the_map_of_deviations_calls_nothing_a_flaw():
    grid = np.array([[0.1, np.nan], [0.2, 0.3]])
    assert captions.deviations_map(grid).endswith("empty where there are fewer than 5 spots.")
    assert "empty" not in captions.deviations_map(np.nan_to_num(grid))
    assert captions.deviations_map(np.full((2, 2), np.nan)).startswith("No part of the detector")


@pytest.mark.parametrize(
    ("shadowed", "n_hot", "wanted"),
    [
        (False, 0, "Nothing was found in shadow, and no hot pixel."),
        (True, 0, "25.00% of the pixels in shadow, no hot pixel."),
        (False, 1, "nothing in shadow, 1 hot pixel."),
        (True, 300, "25.00% of the pixels in shadow, 300 hot pixels, of which 200 are drawn."),
    ],
)
def test_shadows_and_hot_pixels_are_counted(shadowed, n_hot, wanted):
    shadow = np.zeros((4, 4), bool)
    shadow[0] = shadowed
    found = Untrusted(shadow, np.zeros((4, 4), bool), float(shadow.mean()), n_hot)
    assert captions.untrusted(found).endswith(wanted)


def test_damage_is_spoken_of_where_a_b_was_fitted():
    assert captions.decay([np.zeros(9)]) == "None was fitted."
    assert captions.decay([np.zeros(9), np.linspace(0, -3, 9)]).startswith("As fitted")
    assert captions.decay([np.zeros(0)]) == "None was fitted."


def test_images_off_the_chart_are_said_to_be():
    def with_r(r_merge):
        image = np.arange(3)
        return [ImageAgreement(image, np.ones(3), np.ones(3), np.array(r_merge))]

    assert "drawn there" not in captions.agreement(with_r([0.1, np.nan, 2.0]))
    assert "Values above 2 are drawn there." in captions.agreement(with_r([0.1, np.nan, 2.1]))


def test_a_model_that_was_not_fitted_is_not_praised():
    assert "1 is right" in captions.error_model(is_fitted=True)
    assert "too few" in captions.error_model(is_fitted=False)


@pytest.mark.parametrize("n_stages", range(len(STAGES) + 1))
def test_every_figure_of_every_page_has_words_that_end(processing, n_stages):
    for section in sections(stopped_after(processing, n_stages)):
        for figure in section.figures:
            assert re.fullmatch(r"[A-Z].*\.", figure.words), figure.title


def test_figures_of_files_have_words_too(processing):
    page = files_page("t", processing.scaled.experiments, processing.scaled.reflections)
    captioned = re.findall(r"<figcaption>(.*?)</figcaption>", page)
    assert len(captioned) > 10
    assert all("<small>" in words for words in captioned)


def test_limits_by_direction_that_are_not_those_of_the_merged_data_are_said(processing):
    alike = replace(processing.anisotropy, best=1.9, worst=1.9, differs=False, is_notable=False)
    assert captions.directions(alike, 1.9) == "The same in all directions: 1.90 A."
    assert captions.directions(alike, 2.0) == "The same in all directions: 1.90 A. merged.mtz ends at 2.00 A in all."
    untold = captions.directions(replace(alike, is_told=(True, True, False)), 1.9)
    assert untold.startswith("The same in all directions: 1.90 A; too few reflections around c* to tell")
    apart = replace(alike, worst=2.4, differs=True)
    assert captions.directions(apart, 1.9).endswith("not taken for anisotropic. merged.mtz ends at 1.90 A in all.")
    notable = captions.directions(replace(apart, is_notable=True), 2.0)
    assert notable.startswith("From 1.90 A in the best direction to 2.40 A in the worst. merged.mtz ends at 2.00 A")
