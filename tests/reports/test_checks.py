from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from models_for_tests import experiment

from autoproc.damage.drift import Drift
from autoproc.integration.powder_rings import PowderRing
from autoproc.merging.merging_statistics import MergingStatistics, ShellStatistics
from autoproc.merging.translation import PattersonPeak
from autoproc.merging.twinning import TwinningTest
from autoproc.models.data_sets import DataSetRow
from autoproc.models.shell_statistics import Agreement
from autoproc.reports import checks
from autoproc.reports.checks import overall_verdict
from autoproc.reports.quality import quality_checks
from autoproc.stages.index import FEW_INDEXED
from autoproc.stages.pipeline import Processing


def shell(d_max: float = 30.0, d_min: float = 2.0, completeness: float = 99.0, **values) -> ShellStatistics:
    usual = ShellStatistics(
        d_max, d_min, 5000, 1000, completeness, 5.0, 100.0, 15.0, 0.05, 0.06, 0.03, 0.04, 0.05, 0.03, 0.05, 0.99, True,
        0.3, True, 90.0, 2.5,
    )  # fmt: skip
    return replace(usual, **values)


def twin(mean_abs_l: float, second_moment: float) -> TwinningTest:
    return TwinningTest(5000, mean_abs_l, 0.33, second_moment, np.zeros(2), np.zeros(2), 2.0)


def lost(*numbers: int) -> checks.LostImages:
    return checks.LostImages(numbers, 150)


def test_a_check_that_is_good_says_nothing():
    assert checks.spots_indexed(0.95, 1).warning == ""


@pytest.mark.parametrize(
    ("lost", "partial", "verdict"),
    [({"blank": 0}, "", "good"), ({"blank": 1}, "", "look"), ({"blank": 40, "unread": 51}, "", "bad"),
     ({"blank": 90}, "", "look"), ({}, "9 of 360 images are there", "look"), ({"blank": 99}, "cut", "bad")],
)  # fmt: skip
def test_images_without_use(lost: dict[str, int], partial: str, verdict: str):
    check = checks.images(360, lost, partial)
    assert check.verdict == verdict
    assert all(f"{n} {what}" in check.value for what, n in lost.items() if n)
    assert partial in check.value
    assert check.warning == "", "the stages say it"


@pytest.mark.parametrize(("share", "verdict"), [(0.0, "good"), (0.09, "good"), (0.25, "look"), (0.6, "bad")])
def test_ice(share: float, verdict: str):
    assert checks.ice(share).verdict == verdict


def test_whatever_was_said_dims_the_light_and_is_named():
    (none,) = checks.doubts("doubts", [])
    assert (none.name, none.verdict) == ("doubts", "good")
    screws = "P 2 2 2, P 21 2 2 cannot be told apart: no h00 reflection was measured; give it"
    first, second = checks.doubts("doubts", [("header", "the sensor is 320 mm thick"), ("symmetry", screws)])
    assert (first.name, first.verdict) == ("header: the sensor is 320 mm thick", "look")
    assert (second.name, second.value) == ("symmetry: P 2 2 2, P 21 2 2 cannot be told apart", screws)
    assert checks.gravest_first([screws], [first, second]) == [screws], "the warnings say it already"


@pytest.mark.parametrize(("fraction", "verdict"), [(0.95, "good"), (0.57, "look"), (0.2, "bad")])
def test_few_spots_indexed(fraction: float, verdict: str):
    assert checks.spots_indexed(fraction, 1).verdict == verdict


def test_few_spots_indexed_asks_for_one_lattice_more():
    assert "index.max_lattices=3" in checks.spots_indexed(0.5, 2).warning


@pytest.mark.parametrize(
    ("rmsd", "verdict"), [((0.2, 0.2, 0.3), "good"), ((1.3, 0.2, 0.3), "look"), ((0, 0, 4), "bad")]
)
def test_spots_far_from_their_predictions(rmsd, verdict: str):
    assert checks.spot_positions(*rmsd).verdict == verdict


def test_advice_that_was_followed_is_not_given_again():
    check = checks.spots_indexed(0.5, 1, was_tried=True)
    assert "max_lattices" not in check.warning
    assert "looked for in vain" in check.warning


def test_strong_reflections_that_disagree():
    assert checks.inner_agreement(shell(r_meas=0.04)).verdict == "good"
    assert checks.inner_agreement(shell(r_meas=0.2)).verdict == "look"
    assert checks.inner_agreement(shell(r_meas=0.5)).verdict == "bad"
    assert checks.inner_agreement(shell(r_meas=None)) is None


def test_friedel_mates_that_differ_are_not_called_an_error():
    found = checks.inner_agreement(shell(r_meas=0.2, r_meas_anom=0.04))
    assert found.verdict == "look"
    assert "it is 0.040 where I(+) and I(-) are kept apart" in found.advice
    assert "shadow" not in found.advice
    for r_meas_anom in (0.19, None):
        assert "shadow" in checks.inner_agreement(shell(r_meas=0.2, r_meas_anom=r_meas_anom)).advice


def test_warnings_come_with_the_gravest_first():
    bad, look = checks.asymptotic_signal(2.0), checks.asymptotic_signal(6.0)
    good = checks.asymptotic_signal(30.0)
    assert checks.gravest_first(["one", "two", "one"], [good, look, bad]) == [bad.warning, "one", "two", look.warning]


def test_low_isa_and_unknown_isa():
    assert [checks.asymptotic_signal(isa).verdict for isa in (25.0, 6.0, 2.0)] == ["good", "look", "bad"]
    assert checks.asymptotic_signal(None) is None


def test_completeness_lost_in_the_corners_is_told_from_missing_rotation():
    inside, corner = shell(30.0, 2.0, 99.0), shell(2.0, 1.6, 40.0)
    whole = shell(30.0, 1.6, 65.0)
    check = checks.coverage(whole, [inside, corner], edge_d=2.0, rotation=180.0)
    assert check.verdict == "look"
    assert "scale.d_min=2.00" in check.warning
    check = checks.coverage(whole, [replace(inside, completeness=65.0), corner], edge_d=2.0, rotation=30.0)
    assert "30 degrees of rotation" in check.warning
    few = [replace(inside, completeness=65.0)]
    check = checks.coverage(whole, few, edge_d=None, rotation=180.0, lost=lost(*range(20, 60)))
    assert "images 20-59 of 150 had no beam" in check.warning
    assert "rotation" not in check.warning
    check = checks.coverage(whole, [replace(inside, completeness=65.0)], edge_d=None, rotation=180.0, lost=lost(7))
    assert "180 degrees of rotation do not cover the asymmetric unit, and image 7 of 150" in check.warning, "one of 150"


def test_completeness_of_nothing_measured_does_not_fail():
    empty = shell(completeness=0.0, n_unique=0)
    assert checks.coverage(empty, [empty], 1.0, 10.0).verdict == "bad"


def test_missing_low_resolution_is_told_from_low_completeness():
    assert checks.inner_coverage(shell(completeness=98.0), 99.0, 0.0, 99.0, 90.0).verdict == "good"
    assert "beam stop" in checks.inner_coverage(shell(completeness=70.0), 98.0, 0.0, None, 90.0).warning
    assert "attenuate" in checks.inner_coverage(shell(completeness=70.0), 98.0, 0.02, 98.0, 90.0).warning


def test_the_beam_stop_is_not_blamed_for_missing_rotation():
    assert checks.inner_coverage(shell(completeness=66.0), 81.0, 0.0, 80.0, 30.0) is None
    assert "attenuate" in checks.inner_coverage(shell(completeness=66.0), 81.0, 0.02, 80.0, 30.0).warning
    assert "45 degrees of rotation" in checks.inner_coverage(shell(completeness=66.0), 91.0, 0.0, 91.0, 45.0).warning
    corners = checks.inner_coverage(shell(completeness=60.0), 70.0, 0.0, 98.0, 180.0)
    assert "beam stop" in corners.warning, "whole rings are complete: it is not for want of rotation"


def test_a_geometry_unlike_the_headers_is_told_with_the_error():
    wrong = checks.geometry(120.0, 85.07, (0.2, -0.1), 0.99)
    assert wrong.verdict == "look"
    assert "distance 85.07 mm, stated 120.00" in wrong.warning
    assert "wrong by +34.9 mm (+41%)" in wrong.warning
    assert "beam centre" not in wrong.value
    moved = checks.geometry(85.0, 85.03, (4.0, -3.0), 0.99)
    assert moved.verdict == "look"
    assert "the header's beam centre is wrong by (-4.0, +3.0) px" in moved.warning
    assert checks.geometry(85.0, 85.9, (1.0, 1.0), 0.99).verdict == "good"


def test_a_header_is_not_blamed_for_where_a_wrong_lattice_leads():
    check = checks.geometry(85.0, 105.85, (-6.3, 4.3), 0.37)
    assert check.verdict == "look"
    assert "run away from the header" in check.warning
    assert "is wrong by" not in check.warning


def test_several_lattices_are_unusual():
    assert checks.lattices([21449, 16665]).verdict == "look"
    assert "2 (21449 and 16665 spots)" in checks.lattices([21449, 16665]).warning
    assert checks.lattices([100]).verdict == "good"


def test_low_multiplicity():
    assert checks.redundancy(1.4).verdict == "look"
    assert checks.redundancy(4.0).verdict == "good"


def test_an_outer_shell_without_signal_names_where_to_cut():
    shells = [shell(30, 3.0, i_over_sigma=20.0), shell(3.0, 2.2, i_over_sigma=3.0), shell(2.2, 2.0, i_over_sigma=-0.1)]
    check = checks.outer_signal(shells)
    assert check.verdict == "look"
    assert "scale.d_min=2.20" in check.warning
    assert "-0.1" in check.warning
    assert checks.outer_signal(shells[:2]).verdict == "good"
    assert checks.outer_signal([shell(i_over_sigma=None)]) is None


def test_no_cut_is_suggested_where_no_shell_has_signal():
    assert "d_min" not in checks.outer_signal([shell(i_over_sigma=0.1)]).warning


def test_data_that_end_at_the_detector_are_told_from_data_cut_by_the_user():
    assert checks.resolution_limit(1.8, (1.81, 0.1), False, 1.4).verdict == "good"
    assert "move the detector closer" in checks.resolution_limit(1.41, (1.45, 0.9), True, 1.4).warning
    assert "d_min was asked for" in checks.resolution_limit(2.5, (2.5, 0.9), True, 1.4).warning


def test_outliers():
    assert [checks.outliers(n, 1000).verdict for n in (0, 50, 500)] == ["good", "look", "bad"]
    assert checks.outliers(0, 0).verdict == "good"


def test_a_fall_of_b_names_the_images_to_keep():
    b = np.concatenate([np.zeros(50), -np.linspace(0, 12, 50)])
    check = checks.decay([b], [1])
    assert check.verdict == "look"
    first, last = check.warning.rsplit("=", 1)[1].split(",")
    assert int(first) == 1
    assert 60 < int(last) < 90


@pytest.mark.parametrize(
    ("change", "error", "verdict"),
    [(0.02, 0.001, "good"), (0.1, 0.01, "look"), (0.3, 0.02, "bad"), (0.3, 0.2, "good"), (-0.3, 0.01, "good")],
)
def test_a_change_of_the_intensities_counts_where_it_is_significant(change, error, verdict):
    check = checks.damage(Drift(change, error, 1000, 0.5), 12.0)
    assert check.verdict == verdict
    if verdict != "good":
        assert f"differ from those at the start by {change:.1%}" in check.warning
        assert "B grows by 12.0 A^2" in check.warning


def test_a_change_that_is_not_significant_is_told_with_what_could_hide():
    assert checks.damage(Drift(0.01, 0.01, 1000, 0.1), 0.0).value == "none of 2.2% or more"
    assert checks.damage(Drift(0.1, 0.2, 1000, 0.1), 0.0).value == "cannot be told: less than 44.7%"


def test_damage_that_cannot_be_told_is_no_check():
    assert checks.damage(None, 5.0) is None


def test_b_is_told_as_the_analysis_of_damage_has_it_where_there_is_one_lattice():
    falling = np.linspace(0, -5.9, 100)
    assert checks.decay([falling], [1], 5.3).value == "5.3 A^2"
    assert checks.decay([falling], [1], -0.01).value == "0.0 A^2"
    assert checks.decay([falling, np.zeros(100)], [1, 1], 5.3).value == "5.9 A^2, of the one, the most of 2"


def test_the_crystal_whose_b_grows_most_is_named():
    curves = [np.zeros(100), np.linspace(0, -5.9, 100)]
    check = checks.decay(curves, [1, 1], 2.3, ["xtal_4", "xtal_5"])
    assert check.value == "5.9 A^2, of xtal_5, the most of 2"
    assert check.advice.endswith("look at xtal_5 by itself")
    lattices = checks.decay(curves, [1, 1], 2.3, ["demo lattice 1", "demo lattice 2"])
    assert lattices.value == "5.9 A^2, of demo lattice 2, the most of 2"
    assert "import_sweep.image_range=1," in lattices.advice


def test_growth_of_b_is_no_decay():
    assert checks.decay([np.linspace(-20, 0, 100)], [1]).verdict == "good"
    assert checks.decay([], []) is None


def test_the_worst_lattice_counts_for_decay():
    assert checks.decay([np.zeros(10), np.linspace(0, -30, 10)], [1, 1]).verdict == "bad"


def test_twinning_needs_both_signs():
    assert checks.twinning(twin(0.38, 1.5)).verdict == "look"
    assert checks.twinning(twin(0.50, 2.0)).verdict == "good"
    assert checks.twinning(twin(0.42, 2.0)).verdict == "good"
    assert checks.twinning(None) is None


def test_a_patterson_peak_must_stand_above_chance():
    peak = PattersonPeak((0.5, 0.5, 0.0), 40.0, 0.45, 0.05)
    assert "pseudo-symmetry" in checks.pseudo_translation(peak).warning
    assert checks.pseudo_translation(replace(peak, noise=0.3)).verdict == "good"
    assert checks.pseudo_translation(replace(peak, height=0.1)).verdict == "good"
    assert checks.pseudo_translation(None) is None


def test_scaling_that_did_not_end():
    assert checks.convergence(True, 3).verdict == "good"
    assert checks.convergence(False, 20).verdict == "look"


def test_every_complaint_says_what_to_do():
    complaints = [
        checks.spots_indexed(0.1, 1), checks.spot_positions(5, 5, 5), checks.inner_agreement(shell(r_meas=0.9)),
        checks.asymptotic_signal(1.0), checks.redundancy(1.0), checks.outliers(9, 1), checks.twinning(twin(0.37, 1.5)),
        checks.outer_signal([shell(i_over_sigma=0.0)]), checks.resolution_limit(1.4, (1.4, 0.9), True, 1.4),
        checks.convergence(False, 9),
    ]  # fmt: skip
    assert all(len(check.advice) > 20 and check.advice in check.warning for check in complaints)


def test_the_verdict_is_the_worst():
    good, look, bad = checks.redundancy(5), checks.redundancy(1), checks.asymptotic_signal(1)
    assert checks.overall_verdict([]) == "good"
    assert checks.overall_verdict([good, look, good]) == "look"
    assert checks.overall_verdict([look, bad, good]) == "bad"


def test_a_space_group_that_the_intensities_deny_is_bad():
    assert checks.given_space_group("P 1 21/c 1", 0.001).verdict == "bad"
    assert "process without it" in checks.given_space_group("P 1 21/c 1", 0.001).warning
    assert checks.given_space_group("P 21 21 21", 0.98).verdict == "good"


@pytest.mark.parametrize(("n", "verdict"), [(0, "good"), (20, "good"), (130, "look")])
def test_reflections_left_out_for_a_shadow(n: int, verdict: str):
    assert checks.shadowed(n, 1000).verdict == verdict


@pytest.mark.parametrize(("fraction", "verdict"), [(0.0, "good"), (0.01, "good"), (0.05, "look"), (0.5, "bad")])
def test_overloaded_reflections(fraction: float, verdict: str):
    check = checks.overloads(fraction)
    assert check.verdict == verdict
    assert verdict == "good" or "attenuate" in check.warning


def test_completeness_that_overloads_cost_is_not_for_want_of_rotation():
    low = shell(completeness=34.0)
    warning = checks.coverage(low, [low], None, 90.0, overloaded=0.5).warning
    assert "50% of the observations are overloaded" in warning
    assert "rotation" not in warning


@pytest.mark.parametrize(
    ("check", "value"),
    [
        (checks.redundancy(1.97), "1.97"),
        (checks.redundancy(2.0), "2.0"),
        (checks.redundancy(3.04), "3.0"),
        (checks.ice(0.104), "10.4%"),
        (checks.spots_indexed(FEW_INDEXED - 1e-4, 1), f"{FEW_INDEXED - 1e-4:.2%}"),
        (checks.asymptotic_signal(7.98), "7.98"),
        (checks.inner_agreement(shell(r_meas=0.1503)), "0.1503"),
        (checks.outliers(2004, 97996), "2.004%"),
        (checks.outer_signal([shell(i_over_sigma=0.47)]), "0.47"),
        (checks.coverage(shell(completeness=84.97), [], None, 90.0), "84.97%"),
        (checks.decay([np.array([0.0, -5.02])], [1]), "5.02 A^2"),
        (checks.counting_errors(0.698), "0.698 of what counting gives"),
    ],
)
def test_a_value_shows_on_which_side_of_its_limit_it_is(check: checks.Check, value: str):
    assert check.value == value


def test_images_without_beam_come_before_more_rotation():
    eleven = checks.LostImages(tuple(range(20, 31)), 60)
    low = shell(completeness=83.5)
    warning = checks.coverage(low, [low], None, 60.0, eleven).warning
    assert "images 20-30 of 60 had no beam" in warning
    assert "rotation" not in warning
    few = checks.coverage(shell(completeness=60.0), [], None, 60.0, eleven).warning
    assert "60 degrees of rotation do not cover the asymmetric unit, and images 20-30 of 60" in few, "not with them"
    inner = checks.inner_coverage(shell(completeness=80.0), 91.0, 0.0, 91.0, 60.0, eleven).warning
    assert "images 20-30 of 60" in inner
    assert "rotation" not in inner


def test_a_faint_shell_whose_halves_agree_holds_signal():
    faint = [shell(i_over_sigma=3.0), shell(i_over_sigma=0.4, cc_half=0.5)]
    assert checks.outer_signal(faint, 0.3).verdict == "good"
    assert checks.outer_signal([faint[0], replace(faint[1], cc_half=0.1)], 0.3).verdict == "look"
    assert checks.outer_signal([faint[0], replace(faint[1], cc_half=None)], 0.3).verdict == "look"


def test_cc_half_is_said_where_it_is_known():
    assert "CC1/2 0.96 at 1.95 A" in checks.resolution_limit(1.85, (1.95, 0.96), True, 1.84).warning


def test_ice_rings_are_named():
    assert checks.ice_rings(()).verdict == "good"
    check = checks.ice_rings((PowderRing(3.67, 1.95), PowderRing(2.25, 2.84)))
    assert check.verdict == "look"
    assert check.value == "at 3.67, 2.25 A, up to 2.8 times the background beside them"
    assert "cryoprotectant" in check.warning


def test_a_data_set_that_was_set_aside_keeps_the_light_from_green():
    aside = checks.data_sets(4, {"xt_4": "its cell differs by 25.4%"})
    assert overall_verdict([aside]) == "look"
    assert "1 of 4: xt_4, for its cell differs by 25.4%" in aside.warning
    assert checks.data_sets(4, {}).verdict == "good"
    many = checks.data_sets(9, {f"x{n}": "it is not indexed" for n in range(5)})
    assert many.value.endswith("x2, for it is not indexed; and 2 more")


def test_a_group_is_judged_by_what_was_set_aside():
    rows = [DataSetRow(f"x{n}", 10, 5.0, 1.0, None, "it is another" if n == 2 else "") for n in range(3)]
    check, *_ = quality_checks(Processing(experiment(), data_sets=tuple(rows)))
    assert (check.name, check.verdict) == ("data sets set aside", "look")
    check, *_ = quality_checks(Processing(experiment(), data_sets=tuple(rows[:2])))
    assert check.verdict == "good"


def test_of_several_crystals_those_that_suffer_are_named():
    assert checks.suffering([], 1) is None
    assert checks.suffering([], 4).verdict == "good"
    few = checks.suffering(["x_2", "x_3"], 4)
    assert (few.value, few.verdict) == ("2 of 4: x_2, x_3", "look")
    assert checks.suffering([f"x_{n}" for n in range(9)], 9).value.endswith("x_4 and 4 more")


def statistics_of(*shells, agreement=None):
    return MergingStatistics(
        shell(**(shells[-1] if shells else {})), tuple(shell(**one) for one in shells), agreement=agreement
    )


def test_equivalents_that_do_not_agree_at_all_are_bad_with_the_reason():
    found = checks.any_agreement(statistics_of({}, {}, agreement=Agreement(-0.04, 400)))
    assert (found.name, found.verdict) == (checks.EQUIVALENTS, "bad")
    assert "they do not agree at all (CC1/2 -0.04 within shells of resolution)" in found.warning
    assert "search-beam-position" in found.warning
    assert checks.any_agreement(statistics_of({}, {}, agreement=Agreement(0.9, 400))) is None
    assert checks.any_agreement(statistics_of({}, {})) is None


def test_noise_at_low_resolution_too_is_bad_and_noise_at_the_end_is_not():
    noise = {"i_over_sigma": 0.1}
    found = checks.any_agreement(statistics_of(noise, noise, agreement=Agreement(0.3, 10)))
    assert found.verdict == "bad"
    assert "they are noise (mean I/sigma 0.1, at low resolution 0.1)" in found.warning
    assert checks.any_agreement(statistics_of({}, noise)) is None
