"""A sweep integrated in stretches: every reflection once, the same intensities, and the same whatever came when."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from simulated import simulated_frames
from simulated_spots import pairs

from autoproc.integration.milestones import change_of_setting, milestones
from autoproc.integration.stretch import SoFar
from autoproc.models.reflections import Flag
from autoproc.stages.find_spots import FindSpotsParams, find_spots
from autoproc.stages.index import index
from autoproc.stages.integrate import MEASURED_ANEW, IntegrateParams, format_integrate, integrate
from autoproc.stages.integrate_stretches import (
    Integrating,
    StretchesParams,
    integrate_stretches,
    next_milestone,
)
from autoproc.stages.refine import refine

HOW = {"first": 12.0, "growth": 1.4, "min_images": 20, "min_images_more": 10, "surveyed_first": 30, "surveyed_more": 20}
INTEGRATE = IntegrateParams(stretches=HOW, block_width=8.0)
PARAMS = StretchesParams(integrate=INTEGRATE)


def reached(experiment):
    return milestones(experiment.scan.n_images, experiment.scan.oscillation[1], INTEGRATE.stretches)


class Sweep:
    """Of 60 images, with its spots, and models of all of it."""

    def __init__(self, **how):
        self.frames = simulated_frames(width=0.6, **how)
        (known,) = self.frames.experiments()[:1]
        self.experiment = replace(known, crystal=None)
        found = find_spots(
            self.experiment, self.frames, self.frames.mask, FindSpotsParams(), 2,
            milestones=reached(self.experiment),
        )  # fmt: skip
        self.until = list(found.by_milestone)
        indexed = index([self.experiment], found.reflections, PARAMS.index)
        refined = refine(indexed.experiments, indexed.reflections, PARAMS.refine)
        self.models, self.spots = refined.experiments, refined.reflections

    def so_far(self, until=None, done=None, n_threads=2):
        return integrate_stretches(
            self.experiment, self.until if until is None else until, self.frames, PARAMS, n_threads, done
        )

    def integrated(self, so_far=None, models=None, n_threads=2):
        return integrate(models or self.models, self.spots, self.frames, INTEGRATE, n_threads, so_far=so_far)


@pytest.fixture(scope="module")
def sweep():
    return Sweep()


@pytest.fixture(scope="module")
def so_far(sweep):
    return sweep.so_far()


@pytest.fixture(scope="module")
def both(sweep, so_far):
    """In stretches, and at once."""
    return sweep.integrated(so_far), sweep.integrated()


def same_tables(one, other):
    assert sorted(one) == sorted(other)
    for name in one:
        np.testing.assert_array_equal(one[name], other[name], name)


def crossings(table):
    return list(zip(table["experiment_id"].tolist(), *table["hkl"].T.tolist(), table["entering"].tolist(), strict=True))


def test_milestones_are_told_in_the_results(sweep, so_far, both):
    assert [n for n, _ in sweep.until] == [20, 39, 55] == list(reached(sweep.experiment))
    assert len(so_far.stretches) == both[0].n_stretches == 3
    assert both[1].n_stretches == 0
    assert so_far.n_images == 55
    assert both[0].notes == both[1].notes == ()
    assert "3 parts of the rotation measured with models of the images until then" in format_integrate(both[0])
    assert "models of the images until then" not in format_integrate(both[1])


def test_every_reflection_is_there_once(both):
    in_stretches, at_once = (crossings(result.reflections) for result in both)
    assert len(set(in_stretches)) == len(in_stretches)
    common = set(in_stretches) & set(at_once)
    assert len(at_once) > 4000
    assert len(common) > 0.997 * len(at_once)
    assert len(in_stretches) < 1.015 * len(at_once)  # 20 images do not tell all that lies in shadow


def test_intensities_are_the_same_within_a_fraction_of_their_errors(both):
    one, other = (result.reflections for result in both)
    rows = {key: row for row, key in enumerate(crossings(other))}
    pairs_of = [(row, rows[key]) for row, key in enumerate(crossings(one)) if key in rows]
    mine, theirs = np.array(pairs_of).T
    for kind in ("sum", "prf"):
        good = (one[f"variance_{kind}"][mine] > 0) & (other[f"variance_{kind}"][theirs] > 0)
        value, true = one[f"intensity_{kind}"][mine][good], other[f"intensity_{kind}"][theirs][good]
        sigma = np.sqrt(other[f"variance_{kind}"][theirs][good])
        assert np.corrcoef(value, true)[0, 1] > 0.9995
        assert np.sqrt(np.mean(np.clip((value - true) / sigma, -5, 5) ** 2)) < 0.3
        assert abs(np.mean(np.clip((value - true) / sigma, -5, 5))) < 0.03


def test_they_are_as_near_the_truth(sweep, both):
    chi2, (known,) = [], sweep.frames.experiments()[:1]
    change = change_of_setting(sweep.models[0], known)
    for result in both:
        table = result.reflections.replace(hkl=result.reflections["hkl"] @ change)
        ours, seen, theirs = pairs(sweep.frames, table)
        complete = seen.partiality[theirs] > 0.98
        rows, true = table[ours[complete]], seen.counts[theirs[complete]]
        z = (rows["intensity_prf"] - true) / np.sqrt(rows["variance_prf"] + (0.01 * true) ** 2)
        chi2.append(np.mean(np.clip(z[rows["variance_prf"] > 0], -6, 6) ** 2))
    assert chi2[0] < chi2[1] + 0.05


def test_flags_and_models_are_those_of_the_whole_sweep(sweep, both):
    one, other = both
    assert one.reflections.has_flag(Flag.STRONG).sum() == pytest.approx(
        other.reflections.has_flag(Flag.STRONG).sum(), rel=0.01
    )
    assert one.reflections.has_flag(Flag.REFERENCE_SPOT).any()
    np.testing.assert_array_equal(one.experiments[0].crystal.A, sweep.models[0].crystal.A)
    assert one.shapes[0].sigma_b == pytest.approx(other.shapes[0].sigma_b, rel=0.1)
    assert one.shapes[0].sigma_m == pytest.approx(other.shapes[0].sigma_m, rel=0.15)
    assert one.profiles.coefficients.shape[0] == len(one.profiles.ends) == one.n_blocks
    assert (np.diff(one.profiles.ends) > -8).all()
    assert one.n_references == pytest.approx(other.n_references, rel=0.05)


@pytest.mark.parametrize("n_first", [1, 2])
def test_begun_earlier_and_gone_on_with_it_is_the_same_to_the_bit(sweep, both, n_first):
    done = Integrating()
    for n_images, spots in sweep.until[:n_first]:
        done = next_milestone(done, sweep.experiment, n_images, spots, sweep.frames, PARAMS, 1)
    result = sweep.integrated(sweep.so_far(sweep.until[n_first:], done))
    same_tables(result.reflections, both[0].reflections)


def test_any_number_of_threads_gives_the_same_bits(sweep, both):
    same_tables(sweep.integrated(sweep.so_far(n_threads=1), n_threads=3).reflections, both[0].reflections)


def test_only_the_images_of_a_milestone_are_read(sweep):
    read = []

    class Watched:
        n_frames, shape, mask = sweep.frames.n_frames, sweep.frames.shape, sweep.frames.mask
        min_trusted, max_trusted = sweep.frames.min_trusted, sweep.frames.max_trusted
        path = sweep.frames.path

        def read(self, frame):
            read.append(frame)
            return sweep.frames.read(frame)

    n_images, spots = sweep.until[0]
    next_milestone(Integrating(), sweep.experiment, n_images, spots, Watched(), PARAMS, 1)
    assert max(read) == n_images - 1
    assert set(read) == set(range(n_images))


@pytest.mark.parametrize("how", ["turned", "larger cell", "another lattice"])
def test_models_that_do_not_bear_it_out_measure_the_whole_sweep(sweep, so_far, how):
    (model,) = sweep.models
    A = model.crystal.A
    if how == "turned":
        angle = np.radians(0.4)
        turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
        changed = replace(model.crystal, A=turn @ A, A_at_scan_points=None)
    elif how == "larger cell":
        changed = replace(model.crystal, A=A * 0.99, A_at_scan_points=None)
    else:
        changed = replace(model.crystal, A=A @ np.diag([0.5, 1, 1]), A_at_scan_points=None)
    models = [replace(model, crystal=changed)]
    assert so_far.borne_out(models, INTEGRATE.stretches).stretches == ()
    with_stretches, without = sweep.integrated(so_far, models), sweep.integrated(None, models)
    assert with_stretches.n_stretches == 0
    assert with_stretches.notes == (MEASURED_ANEW,)
    assert MEASURED_ANEW in format_integrate(with_stretches)
    assert without.notes == ()
    same_tables(with_stretches.reflections, without.reflections)


def test_another_setting_of_the_same_lattice_takes_it_with_its_own_indices(sweep, so_far, both):
    (model,) = sweep.models
    turn = np.array([[0, 1, 0], [0, 0, 1], [1, 0, 0]])
    crystal = model.crystal
    points = None if crystal.A_at_scan_points is None else crystal.A_at_scan_points @ turn.T
    models = [replace(model, crystal=replace(crystal, A=crystal.A @ turn.T, A_at_scan_points=points))]
    agreed = so_far.borne_out(models, INTEGRATE.stretches)
    assert len(agreed.stretches) == 3
    for own, other in zip(so_far.stretches, agreed.stretches, strict=True):
        np.testing.assert_array_equal(other.predictions.hkl, own.predictions.hkl @ turn.T)
        np.testing.assert_array_equal(other.predictions.xyz, own.predictions.xyz)


def test_a_second_lattice_at_the_end_measures_the_whole_sweep(sweep, so_far):
    assert so_far.borne_out([*sweep.models, *sweep.models], INTEGRATE.stretches).stretches == ()


def test_nothing_comes_of_a_milestone_without_a_lattice_and_the_next_goes_on(sweep, both):
    n_images, spots = sweep.until[0]
    rng = np.random.default_rng(0)
    xyz = rng.uniform([0, 0, 0], [250, 300, n_images], (len(spots), 3))
    nonsense = spots.replace(xyz_obs_px=xyz)
    done = next_milestone(Integrating(), sweep.experiment, n_images, nonsense, sweep.frames, PARAMS, 2)
    assert done.so_far.stretches == ()
    so_far = sweep.so_far(sweep.until[1:], done)
    assert len(so_far.stretches) == 2
    result = sweep.integrated(so_far)
    (note,) = result.notes
    assert note.startswith("nothing was measured with models of the first 20 images: ")
    assert note in format_integrate(result)
    found = crossings(result.reflections)
    assert len(set(found)) == len(found)
    assert len(set(found) & set(crossings(both[1].reflections))) > 0.997 * len(found)


def test_frames_without_beam_are_left_out_as_ever(sweep):
    class Dark:
        n_frames, shape, mask = sweep.frames.n_frames, sweep.frames.shape, sweep.frames.mask
        min_trusted, max_trusted = sweep.frames.min_trusted, sweep.frames.max_trusted
        path = sweep.frames.path

        def read(self, frame):
            image = sweep.frames.read(frame)
            return np.zeros_like(image) if frame in (7, 45) else image

    so_far = integrate_stretches(sweep.experiment, sweep.until, Dark(), PARAMS, 2)
    result = integrate(sweep.models, sweep.spots, Dark(), INTEGRATE, 2, so_far=so_far)
    assert result.n_stretches == 3
    assert result.n_without_beam == 2
    assert "2 of 60 images had no beam" in result.beam_warning
    assert "8, 46" in result.beam_warning


def test_nothing_so_far_is_nothing():
    empty = SoFar()
    assert (empty.reached, empty.depth(3.0), empty.stretches) == (0, 0.0, ())
