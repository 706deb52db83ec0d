from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from simulated import simulated_frames
from simulated_spots import pairs, strong_spots

from autoproc.errors import TooFewSpots
from autoproc.geometry.corrections import lorentz_polarisation, sensor_efficiency
from autoproc.integration.shadow import ShadowParams
from autoproc.models.experiment import Detector
from autoproc.models.reflections import Flag
from autoproc.stages.integrate import IntegrateParams, format_integrate, integrate

SWEEP = {"n_images": 40}
TWO = {"n_images": 30, "width": 0.5, "distance": 60.0, "second_lattice": (5.0, 20.0, -13.0)}


@pytest.fixture(scope="module")
def integrated():
    sweep = simulated_frames(**SWEEP)
    return sweep, integrate(sweep.experiments(), strong_spots(sweep), sweep, n_threads=2)


def test_intensities_are_those_simulated_and_sigmas_cover_the_difference(integrated):
    sweep, result = integrated
    ours, seen, theirs = pairs(sweep, result.reflections)
    complete = seen.partiality[theirs] > 0.98
    rows, true = result.reflections[ours[complete]], seen.counts[theirs[complete]]
    assert len(rows) > 3000
    for kind in ("sum", "prf"):
        value, variance = rows[f"intensity_{kind}"], rows[f"variance_{kind}"]
        z = (value - true) / np.sqrt(variance + (0.01 * true) ** 2)
        assert np.corrcoef(value, true)[0, 1] > 0.999
        assert 0.7 < np.mean(np.clip(z, -6, 6) ** 2) < 1.4
        assert np.mean(np.abs(z) > 5) < 0.003
        bright = true > 300
        assert np.median(value[bright] / true[bright]) == pytest.approx(1.0, abs=0.015)


def test_hardly_any_reflection_away_from_edges_is_missing(integrated):
    sweep, result = integrated
    _, seen, theirs = pairs(sweep, result.reflections)
    found = np.zeros(len(seen.counts), bool)
    found[theirs] = True
    size = np.array(sweep.shape[::-1])
    wanted = (
        (seen.partiality > 0.98)
        & (seen.counts > 100)
        & np.all((seen.xyz[:, :2] > 6) & (seen.xyz[:, :2] < size - 6), axis=1)
    )
    shadowed = (
        sweep.shadow[seen.xyz[:, 1].astype(int).clip(0, size[1] - 1), seen.xyz[:, 0].astype(int).clip(0, size[0] - 1)]
        < 0.99
    )
    assert found[wanted & ~shadowed].mean() > 0.95
    assert found[wanted & shadowed].mean() < 0.3


def test_corrections_are_those_of_the_simulation(integrated):
    sweep, result = integrated
    ours, seen, theirs = pairs(sweep, result.reflections)
    complete = seen.partiality[theirs] > 0.98
    rows, there = result.reflections[ours[complete]], theirs[complete]
    np.testing.assert_allclose(rows["lp"] * seen.lorentz[there] * seen.polarization[there], 1.0, rtol=0.1)
    np.testing.assert_allclose(rows["qe"], seen.efficiency[there], rtol=0.01)


def test_models_flags_and_columns(integrated):
    sweep, result = integrated
    rows = result.reflections
    assert result.experiments[0].profile.sigma_m == pytest.approx(sweep.params.mosaicity, rel=0.4)
    assert rows.has_any_flag(Flag.INTEGRATED_SUM | Flag.INTEGRATED_PRF).all()
    assert rows.has_flag(Flag.STRONG).sum() > 1200
    assert rows.has_flag(Flag.REFERENCE_SPOT).any()
    assert (rows["partiality"] <= 1).all()
    assert rows["partiality"].min() < 0.9
    assert (rows["bbox"][:, 4] >= 0).all()
    assert (rows["bbox"][:, 5] <= sweep.n_frames).all()
    assert "sigma_b" in format_integrate(result)
    assert result.untrusted.n_hot >= 5


def test_result_does_not_depend_on_threads(integrated):
    sweep, result = integrated
    again = integrate(sweep.experiments(), strong_spots(sweep), sweep, n_threads=1)
    for name in result.reflections:
        np.testing.assert_array_equal(result.reflections[name], again.reflections[name])


def test_without_the_search_for_shadows_shadowed_reflections_come_out_wrong(integrated):
    sweep, result = integrated
    params = IntegrateParams(shadow=ShadowParams(is_enabled=False), d_min=4.0)
    blind = integrate(sweep.experiments(), strong_spots(sweep), sweep, params, n_threads=2)

    def worst(table):
        ours, seen, theirs = pairs(sweep, table)
        strong = (seen.partiality[theirs] > 0.98) & (seen.counts[theirs] > 300)
        return np.mean(table["intensity_prf"][ours[strong]] < 0.8 * seen.counts[theirs[strong]])

    low = result.reflections[result.reflections["d"] >= 4.0]
    assert worst(blind.reflections) > 5 * max(worst(low), 0.002)


def test_two_lattices_that_overlap():
    sweep = simulated_frames(**TWO)
    result = integrate(sweep.experiments(), strong_spots(sweep, 2, 2500), sweep, n_threads=2)
    rows = result.reflections
    assert set(rows["experiment_id"]) == {0, 1}
    shared = rows.has_flag(Flag.OVERLAPPED_FG)
    assert 0.02 < shared.mean() < 0.7
    ours, seen, theirs = pairs(sweep, rows)
    whole = seen.partiality[theirs] > 0.98
    error = rows["intensity_prf"][ours] - seen.counts[theirs]
    z = error / np.sqrt(rows["variance_prf"][ours] + (0.015 * seen.counts[theirs]) ** 2)
    for which in (shared[ours], ~shared[ours]):
        assert np.mean(np.clip(z[which & whole], -6, 6) ** 2) < 1.7


class Stored:
    """A simulated sweep whose frames seem to be in a file, and are counted as they are read."""

    def __init__(self, sweep, file):
        self._sweep, self._file, self.n_read = sweep, file, 0
        self.n_frames, self.shape, self.mask = sweep.n_frames, sweep.shape, sweep.mask
        self.min_trusted, self.max_trusted = sweep.min_trusted, sweep.max_trusted

    def path(self, frame):
        return self._file

    def read(self, frame):
        self.n_read += 1
        return self._sweep.read(frame)


def _refined_once_more(experiments, by):
    """The lattices on a detector that has moved by so many mm, as it does when a lattice joins."""
    panel = replace(experiments[0].detector[0], origin=experiments[0].detector[0].origin + by)
    return [replace(e, detector=Detector((panel,))) for e in experiments]


@pytest.mark.parametrize("n_threads", [1, 2])
def test_a_second_lattice_is_integrated_as_if_the_images_had_not_been_seen_before(tmp_path, n_threads):
    sweep = simulated_frames(**{**TWO, "n_images": 20, "d_min": 2.8})
    (tmp_path / "images").touch()
    spots = strong_spots(sweep, 2, 2500)
    of_first = spots["experiment_id"] == 0
    with_one = spots.replace(
        experiment_id=np.where(of_first, 0, -1), hkl=np.where(of_first[:, None], spots["hkl"], 0)
    )  # fmt: skip
    two = _refined_once_more(sweep.experiments(), 1e-4)
    first = integrate(sweep.experiments()[:1], with_one, Stored(sweep, tmp_path / "images"), n_threads=n_threads)
    fresh, again = Stored(sweep, tmp_path / "images"), Stored(sweep, tmp_path / "images")
    without = integrate(two, spots, fresh, n_threads=n_threads)
    result = integrate(two, spots, again, n_threads=n_threads, earlier=first)
    assert (again.n_read, fresh.n_read) == (1 + sweep.n_frames, 1 + 2 * sweep.n_frames)
    assert result.look is first.look
    assert set(result.reflections["experiment_id"]) == {0, 1}
    for name in without.reflections:
        np.testing.assert_array_equal(result.reflections[name], without.reflections[name], err_msg=name)
    assert (result.shapes, result.ice_rings) == (without.shapes, without.ice_rings)
    assert format_integrate(result) == format_integrate(without)


def test_too_few_spots_are_an_error(integrated):
    sweep, _ = integrated
    with pytest.raises(TooFewSpots):
        integrate(sweep.experiments(), strong_spots(sweep, brightest=5), sweep, n_threads=1)


def test_lorentz_polarisation_in_a_known_place(integrated):
    sweep, _ = integrated
    one = sweep.experiments()[0]
    beam = replace(one.beam, wavelength=1.0, polarization_fraction=0.5)
    two_theta = 0.6
    s1 = np.array([[0.0, np.sin(two_theta), -np.cos(two_theta)]])
    expected = np.sin(two_theta) / (0.5 * (1 + np.cos(two_theta) ** 2))
    assert lorentz_polarisation(beam, one.goniometer, s1)[0] == pytest.approx(expected)
    panel = replace(one.detector[0], thickness=0.0, mu=0.0)
    assert sensor_efficiency(panel, s1)[0] == 1.0


def test_reflections_on_frames_without_beam_are_not_measured_and_those_that_reach_into_them_stay_right():
    sweep = simulated_frames(**SWEEP)
    factor = sweep.beam_factor.copy()
    factor[15:22], factor[22] = 0.0, 0.4
    off = replace(sweep, beam_factor=factor)
    result = integrate(off.experiments(), strong_spots(off), off, n_threads=2)
    rows = result.reflections
    frame = rows["xyz_cal_px"][:, 2]
    assert not np.any((frame > 15.3) & (frame < 22.7))
    assert "7 of 40 images had no beam" in result.beam_warning
    assert "1 of 40 images had not the full beam" in format_integrate(result)
    assert result.beam_warning in result.warnings
    ours, seen, theirs = pairs(sweep, rows)
    near = (np.abs(frame[ours] - 18.5) < 6) & (seen.counts[theirs] > 300)
    ratio = rows["intensity_prf"][ours[near]] / seen.counts[theirs[near]]
    assert near.sum() > 100
    assert np.percentile(ratio, 5) > 0.75
    assert np.percentile(ratio, 95) < 1.25


def test_all_frames_with_beam_are_measured(integrated):
    assert integrated[1].beam_warning == ""
