from __future__ import annotations

from dataclasses import replace

import gemmi
import numpy as np
import pytest
from scaled_for_tests import Recipe, Synthetic, synthetic
from shared_data import shared

from autoproc.errors import NoCrystal, NoReflections
from autoproc.formats.dials.expt import read_expt
from autoproc.formats.dials.refl import read_refl
from autoproc.merging.agreement import group_agreement
from autoproc.merging.merging_statistics import scaled_observations
from autoproc.models.reflections import Flag, Reflections
from autoproc.stages.scale import ScaleParams, ScaleResult, format_scale, scale, scale_to_judge


def run(made: Synthetic, **params: object) -> ScaleResult:
    return scale([made.experiment], made.reflections, ScaleParams(**params))


def factor_error(result: ScaleResult, made: Synthetic) -> float:
    """Rms relative difference of fitted and true factors, but for one overall factor and B, which nothing tells."""
    kept = result.reflections.has_flag(Flag.SCALED)
    ratio = np.log(result.reflections["inverse_scale"][kept] / made.factor[kept])
    free = np.column_stack([np.ones(len(ratio)), made.reflections["d"][kept] ** -2.0])
    return float(np.std(ratio - free @ np.linalg.lstsq(free, ratio)[0]))


def merged_chi2(result: ScaleResult, made: Synthetic) -> float:
    """Mean squared deviation of merged from true intensities in their standard uncertainties."""
    observations = scaled_observations(result.experiments, result.reflections)
    merged = group_agreement(observations.groups, observations.intensity, observations.sigma)
    kept = result.reflections.has_flag(Flag.SCALED)
    true = np.zeros(len(observations.groups))
    true[observations.groups.group] = made.intensity[kept]
    strong = (merged.mean > 10 * merged.sigma) & (true > 0)
    free = np.column_stack([np.ones(len(true)), observations.d**-2.0])
    fit = np.linalg.lstsq(free[strong], np.log(merged.mean[strong] / true[strong]))[0]
    return float(np.mean(((merged.mean - np.exp(free @ fit) * true) / merged.sigma) ** 2))


@pytest.fixture(scope="module")
def decaying() -> Synthetic:
    return synthetic(Recipe(b_end=15.0, scale_amplitude=0.4))


@pytest.fixture(scope="module")
def decaying_scaled(decaying: Synthetic) -> ScaleResult:
    return run(decaying)


def test_scale_and_decay_are_recovered(decaying: Synthetic, decaying_scaled: ScaleResult) -> None:
    assert factor_error(decaying_scaled, decaying) < 0.015
    drop = decaying_scaled.images[0].b
    assert drop[-1] - drop[0] == pytest.approx(-15.0, abs=2.0)


@pytest.mark.parametrize("n_threads", [1, 2, 4])
def test_the_number_of_threads_changes_no_bit(
    monkeypatch: pytest.MonkeyPatch, decaying: Synthetic, decaying_scaled: ScaleResult, n_threads: int
) -> None:
    monkeypatch.setattr("autoproc.threads.available_cores", lambda: n_threads)
    found = run(decaying)
    assert found.error_model == decaying_scaled.error_model
    assert found.statistics == decaying_scaled.statistics
    for name in ("inverse_scale", "inverse_scale_variance", "variance_scale", "flags"):
        assert found.reflections[name].tobytes() == decaying_scaled.reflections[name].tobytes()


def test_sigmas_of_merged_intensities_are_honest(decaying: Synthetic, decaying_scaled: ScaleResult) -> None:
    assert merged_chi2(decaying_scaled, decaying) == pytest.approx(1.0, abs=0.15)


def test_error_model_finds_the_relative_error() -> None:
    made = synthetic(Recipe(noise=0.05, strength=1000.0))
    model = run(made).error_model
    assert model.a == pytest.approx(1.0, abs=0.08)
    assert model.b == pytest.approx(0.05, abs=0.008)


def test_error_model_off_keeps_variances() -> None:
    made = synthetic(Recipe(n_observations=3000))
    result = run(made, error_model=False, intensity_choice="profile")
    kept = result.reflections.has_flag(Flag.SCALED)
    raw = made.reflections["variance_prf"][kept]
    expected = result.error_model.variance(raw, np.zeros(kept.sum()))
    assert np.all(result.reflections["variance_scale"][kept] >= expected * (1 - 1e-9))
    assert result.error_model.a == 1.0


def test_absorption_is_corrected_and_restrained() -> None:
    made = synthetic(Recipe(absorption=0.15, scale_amplitude=0.0, n_observations=20000))
    errors = {level: factor_error(run(made, absorption_level=level), made) for level in ("off", "medium", "high")}
    assert errors["medium"] < 0.7 * errors["off"]
    assert errors["high"] < 0.2 * errors["off"]
    assert errors["off"] > 0.05


def test_two_sweeps_of_different_strength_share_intensities() -> None:
    strong, weak = synthetic(Recipe(seed=1)), synthetic(Recipe(seed=2, strength=15.0), experiment_id=1)
    both = Reflections.concatenate([strong.reflections, weak.reflections])
    result = scale([strong.experiment, weak.experiment], both, ScaleParams())
    true = np.concatenate([strong.factor, 0.05 * weak.factor])
    kept = result.reflections.has_flag(Flag.SCALED)
    assert np.std(np.log(result.reflections["inverse_scale"][kept] / true[kept])) < 0.03
    assert kept.mean() > 0.98


def test_outliers_are_rejected_and_few_others() -> None:
    made = synthetic(Recipe())
    random = np.random.default_rng(5)
    wrong = random.choice(len(made.reflections), 100, replace=False)
    value = made.reflections["intensity_prf"].copy()
    value[wrong] += 2000.0
    variance = np.maximum(value, 0) + 20
    spoilt = replace(made, reflections=made.reflections.replace(intensity_prf=value, variance_prf=variance))
    result = run(spoilt, intensity_choice="profile")
    is_outlier = result.reflections.has_flag(Flag.OUTLIER_IN_SCALING)
    assert is_outlier[wrong].mean() > 0.85  # the others have no two equivalents
    assert np.delete(is_outlier, wrong).mean() < 0.002


def test_a_shadow_on_the_detector_is_left_out() -> None:
    made = synthetic(Recipe(n_observations=20000))
    position = made.reflections["xyz_cal_px"]
    dark = (np.abs(position[:, 0] - 500) < 25) & (position[:, 1] > 400)
    dimmed = np.where(dark, 0.3, 1.0)
    columns = {n: made.reflections[n] * dimmed for n in ("intensity_prf", "intensity_sum")}
    result = run(replace(made, reflections=made.reflections.replace(**columns)), intensity_choice="profile")
    gone = ~result.reflections.has_flag(Flag.SCALED)
    assert gone[dark].mean() > 0.8
    far = np.abs(position[:, 0] - 500) > 60
    assert gone[far].mean() < 0.002


def test_blank_images_are_left_out_and_named() -> None:
    made = synthetic(Recipe(n_observations=20000))
    frame = made.reflections["xyz_obs_px"][:, 2]
    blank = (frame >= 60) & (frame < 72)
    noise = np.random.default_rng(3).normal(size=len(frame)) * np.sqrt(20.0)
    columns = {n: np.where(blank, noise, made.reflections[n]) for n in ("intensity_prf", "intensity_sum")}
    columns |= {n: np.where(blank, 20.0, made.reflections[n]) for n in ("variance_prf", "variance_sum")}
    spoilt = replace(made, reflections=made.reflections.replace(**columns))
    result = run(spoilt)
    named = {image for _, image in result.blank_images}
    assert set(range(62, 72)) <= named <= set(range(60, 74))
    (said,) = [w for w in result.warnings if "no signal" in w]
    assert said.startswith(f"images {min(named)}-{max(named)} have no signal and have been left out; was the beam off")
    assert result.statistics.overall.r_meas < 0.12
    scales = result.reflections["inverse_scale"][result.reflections.has_flag(Flag.SCALED)]
    assert scales.min() > 0.3
    assert scales.max() < 2.0


def test_nothing_measured_with_next_to_no_uncertainty_where_the_beam_was_off_is_believed() -> None:
    made = synthetic(Recipe(n_observations=20000))
    xyz = made.reflections["xyz_obs_px"].copy()
    # Reflections last for three images; of those at the edges of the stretch without beam a part is lost.
    z = xyz[:, 2]
    lost = np.clip(np.minimum(z + 1.5, 75) - np.maximum(z - 1.5, 60), 0, 3) / 3
    rng = np.random.default_rng(4)
    columns = {}
    for kind in ("prf", "sum"):
        value, variance = made.reflections[f"intensity_{kind}"], made.reflections[f"variance_{kind}"]
        left = value * (1 - lost)
        columns[f"variance_{kind}"] = np.where(lost > 0, np.maximum(left, 0.0) + 1.0, variance)
        columns[f"intensity_{kind}"] = np.where(lost == 1, 0.1 * rng.normal(size=len(z)), left)
    low = np.floor(z - 1.5).astype(int)
    box = np.zeros((len(z), 6), int)
    box[:, 4], box[:, 5] = np.maximum(low, 0), np.minimum(low + 4, 180)
    spoilt = replace(made, reflections=made.reflections.replace(bbox=box, **columns))
    result = run(spoilt)
    kept = result.reflections.has_flag(Flag.SCALED)
    assert kept[lost > 0.3].mean() < 0.02
    assert {image for _, image in result.blank_images} >= set(range(63, 74))
    assert kept[(z < 55) | (z > 80)].mean() > 0.99
    assert result.statistics.overall.r_meas < 0.12


@pytest.mark.parametrize(("n_images", "n"), [(8, 800), (1, 300), (180, 60), (180, 8)])
def test_narrow_sweeps_and_few_reflections_do_not_break_it(n_images: int, n: int) -> None:
    made = synthetic(Recipe(n_images=n_images, n_observations=n, scale_amplitude=0.0))
    result = run(made)
    kept = result.reflections.has_flag(Flag.SCALED)
    assert kept.any()
    scales = result.reflections["inverse_scale"][kept]
    assert np.all((scales > 0.3) & (scales < 3.0))
    assert format_scale(result)


def test_a_stretch_without_reflections_has_a_sane_scale() -> None:
    made = synthetic(Recipe(scale_amplitude=0.0))
    frame = made.reflections["xyz_obs_px"][:, 2]
    gap = (frame < 40) | (frame > 130)
    result = scale([made.experiment], made.reflections[gap], ScaleParams())
    assert np.all(np.abs(result.images[0].scale - 1) < 0.25)


def test_the_order_of_reflections_does_not_matter() -> None:
    made = synthetic(Recipe(n_observations=4000))
    order = np.random.default_rng(1).permutation(len(made.reflections))
    plain, shuffled = run(made), scale([made.experiment], made.reflections[order], ScaleParams())
    np.testing.assert_allclose(
        shuffled.reflections["inverse_scale"], plain.reflections["inverse_scale"][order], rtol=1e-6
    )
    assert shuffled.statistics.overall.cc_half == pytest.approx(plain.statistics.overall.cc_half, abs=1e-9)


def test_friedel_mates_may_differ() -> None:
    made = synthetic(Recipe(anomalous=0.10, strength=1000.0, n_observations=20000))
    apart, together = run(made, anomalous=True), run(made, anomalous=False)
    assert apart.error_model.b == pytest.approx(0.02, abs=0.008)
    assert together.error_model.b > 2 * apart.error_model.b
    assert apart.n_outliers < 0.002 * len(made.reflections)
    assert all(0.85 < b.after < 1.15 for b in apart.error_bins), "the difference between mates is no error"


def test_all_flags_are_consistent(decaying_scaled: ScaleResult) -> None:
    r = decaying_scaled.reflections
    scaled, outlier = r.has_flag(Flag.SCALED), r.has_flag(Flag.OUTLIER_IN_SCALING)
    excluded = r.has_flag(Flag.EXCLUDED_FOR_SCALING)
    assert np.all(scaled.astype(int) + outlier + excluded == 1)
    assert decaying_scaled.n_scaled == scaled.sum()
    assert np.all(r["variance_scale"][scaled] > 0)
    assert np.all(r["inverse_scale"] > 0)


def test_resolution_limits_hold() -> None:
    made = synthetic(Recipe(n_observations=4000))
    result = run(made, d_min=3.0, d_max=10.0)
    d = made.reflections["d"][result.reflections.has_flag(Flag.SCALED)]
    assert d.min() >= 3.0
    assert d.max() <= 10.0


@pytest.mark.parametrize("limits", [{"d_min": 50.0}, {"d_max": 1.0}])
def test_nothing_left_says_so(limits: dict[str, float]) -> None:
    made = synthetic(Recipe(n_observations=500))
    with pytest.raises(NoReflections, match="scaling"):
        run(made, **limits)


def test_no_reflections_at_all() -> None:
    made = synthetic(Recipe(n_observations=500))
    with pytest.raises(NoReflections):
        scale([made.experiment], made.reflections[:0], ScaleParams())


def test_experiments_without_crystals_say_so() -> None:
    made = synthetic(Recipe(n_observations=500))
    with pytest.raises(NoCrystal, match="no crystal in 1 experiment$|no crystal in 1 experiment:"):
        scale([replace(made.experiment, crystal=None)], made.reflections, ScaleParams())


def test_summation_is_used_where_there_are_no_profiles() -> None:
    made = synthetic(Recipe(n_observations=3000))
    table = made.reflections.without("intensity_prf", "variance_prf")
    result = scale([made.experiment], table, ScaleParams())
    kept = result.reflections.has_flag(Flag.SCALED)
    np.testing.assert_allclose(result.reflections["intensity_scale"][kept], table["intensity_sum"][kept])


def test_scaling_model_is_written_as_dials_does(decaying_scaled: ScaleResult) -> None:
    model = decaying_scaled.experiments[0].scaling
    assert model["__id__"] == "physical"
    for name in ("scale", "decay", "absorption"):
        assert len(model[name]["parameters"]) == model[name]["n_parameters"] == len(model[name]["est_standard_devs"])
    assert model["configuration_parameters"]["corrections"] == ["scale", "decay", "absorption"]


def test_l_cysteine_of_four_sweeps() -> None:
    """Real data, integrated by DIALS 3.12, which scales them to Rmerge 0.033 and CC1/2 1.000."""
    folder = shared("real/l_cysteine_integrated")
    experiments, tables = [], []
    for n, path in enumerate(sorted(folder.glob("*.expt"))):
        (experiment,) = read_expt(path)
        crystal = replace(experiment.crystal, space_group=gemmi.SpaceGroup("P 21 21 21"))
        experiments.append(replace(experiment, crystal=crystal))
        table = read_refl(path.with_suffix(".refl"))
        numbers = np.full(len(table), n)
        indexed = np.where(table["experiment_id"] >= 0, numbers, -1)
        tables.append(table.replace(experiment_id=indexed, imageset_id=numbers))
    result = scale(experiments, Reflections.concatenate(tables), ScaleParams())
    overall = result.statistics.overall
    assert overall.r_merge <= 0.035
    assert overall.cc_half >= 0.999
    assert overall.completeness > 95
    assert overall.n_observations > 11600
    # The last sweep has lost a part of the beam, 50 images apart: intensities fall to a third there.
    images = {image for _, image, _ in result.odd_images}
    assert {660, 760} <= images <= set(range(650, 730)) | set(range(745, 775))
    assert 740 not in images  # good ones between the two
    assert result.statistics.outer.d_min < 0.60


def test_the_report_tells_the_story(decaying_scaled: ScaleResult) -> None:
    text = format_scale(decaying_scaled)
    for words in (
        "n_parameters",
        "Error model formula",
        "estimated I/sigma",
        "Summary of merging statistics",
        "Rmeas(I+/-)",
    ):
        assert words in text


def test_scaling_again_within_narrower_limits_begins_where_the_first_ended(
    decaying: Synthetic, decaying_scaled: ScaleResult
) -> None:
    params = ScaleParams(d_min=2.6)
    afresh = scale([decaying.experiment], decaying.reflections, params)
    again = scale([decaying.experiment], decaying.reflections, params, decaying_scaled)
    assert again.n_cycles < afresh.n_cycles
    kept = again.reflections.has_flag(Flag.SCALED) & afresh.reflections.has_flag(Flag.SCALED)
    assert kept.sum() > 0.99 * afresh.n_scaled
    for name, tolerance in (("inverse_scale", 0.01), ("variance_scale", 0.05)):
        ratio = again.reflections[name][kept] / afresh.reflections[name][kept]
        assert np.std(ratio / np.median(ratio)) < tolerance


def test_a_previous_scaling_of_another_kind_is_not_used(decaying: Synthetic, decaying_scaled: ScaleResult) -> None:
    params = ScaleParams(d_min=2.6, decay=False)
    afresh = scale([decaying.experiment], decaying.reflections, params)
    again = scale([decaying.experiment], decaying.reflections, params, decaying_scaled)
    np.testing.assert_array_equal(again.reflections["inverse_scale"], afresh.reflections["inverse_scale"])


def test_variances_of_the_scale_are_those_of_a_good_fit(decaying_scaled: ScaleResult) -> None:
    table = decaying_scaled.reflections
    scaled = table.has_flag(Flag.SCALED)
    error = np.sqrt(table["inverse_scale_variance"][scaled]) / table["inverse_scale"][scaled]
    assert np.all((error > 1e-5) & (error < 1.0))
    assert 1e-4 < np.median(error) < 0.1


def test_what_is_put_off_is_found_when_it_is_asked_for(decaying: Synthetic, decaying_scaled: ScaleResult) -> None:
    judged = scale_to_judge([decaying.experiment], decaying.reflections, ScaleParams())
    variances = judged.reflections["inverse_scale_variance"]
    assert not variances.any()
    assert judged.whole.reflections is judged.reflections  # of which other stages know the observations
    assert judged.whole.rest is None
    kept = judged.reflections.has_flag(Flag.SCALED)
    assert np.all(variances[kept] > 0)
    for name in judged.reflections:
        np.testing.assert_array_equal(judged.reflections[name], decaying_scaled.reflections[name])
