"""What a probe tells of simulated crystals is what they are."""

from __future__ import annotations

import gemmi
import numpy as np
import pytest
from probed import facts_alike, facts_of, found_spots, probe_params, probed
from simulated import simulated_frames
from synthetic_spots import beam_shifted, random_spots, setting, spots_of, sweep

from autoproc.config import Config
from autoproc.decisions.probe import dark_images, probe_verdict
from autoproc.geometry.asu import to_asu
from autoproc.models.image_facts import ImageFacts
from autoproc.stages.probe_sweep import probe_sweep

N = 20


def test_a_good_crystal():
    frames = simulated_frames(n_images=N)
    report = probed(frames, frames.header_experiment(), planned=90)
    assert report.lattice == "oP"
    np.testing.assert_allclose(report.unit_cell, frames.params.cell, rtol=0.005)
    assert report.indexed > 0.9
    assert report.others == ()
    assert report.mosaicity == pytest.approx(0.15, rel=0.2)
    assert report.d_min == pytest.approx(2.1, abs=0.2)
    assert report.shift < 0.5
    assert (report.rotation, report.planned, report.n_dark) == (20.0, 90.0, 0)
    assert 60 < report.complete_after <= 180
    verdict = probe_verdict(report)
    assert verdict.light == "good"
    assert "lattice oP 37.0 43.0 49.0" in verdict.words[0]


def test_two_lattices():
    frames = simulated_frames(n_images=N, second_lattice=(6.0, -4.0, 9.0), second_intensity=0.5)
    report = probed(frames, frames.header_experiment())
    assert len(report.others) == 1
    assert 0.2 < report.others[0] < 0.5 < report.indexed
    assert report.indexed + report.others[0] > 0.9
    verdict = probe_verdict(report)
    assert verdict.light == "look"
    assert any(words.startswith("second lattice, ") for words in verdict.words)


def test_a_wrong_header():
    frames = simulated_frames(n_images=N, beam_centre_error=(3.0, -2.0))
    report = probed(frames, frames.header_experiment())
    assert report.shift == pytest.approx(13**0.5, abs=0.4)
    assert any("beam centre is 3." in words for words in probe_verdict(report).words)


def test_no_crystal():
    frames = simulated_frames(n_images=N, strength=0.0)
    report = probed(frames, frames.header_experiment())
    assert report.lattice == ""
    assert probe_verdict(report).light == "stop"
    assert "hardly any spots" in probe_verdict(report).words[0]


def probed_spots(spots, experiment):
    n = experiment.scan.n_images
    return probe_sweep(experiment, found_spots(spots), facts_alike(n, len(spots) // n), None, probe_params()).report


def test_spots_on_no_lattice():
    experiment = sweep(n_images=30)
    report = probed_spots(random_spots(experiment, 2000), experiment)
    verdict = probe_verdict(report)
    assert verdict.light == "stop"
    assert "no lattice" in verdict.words[0]


def test_spots_to_a_header_that_is_wrong():
    experiment = sweep(n_images=30)
    spots = spots_of(experiment, setting((40.0, 50.0, 60.0, 90.0, 90.0, 90.0)), 2.5)
    report = probed_spots(spots, beam_shifted(experiment, (2.0, 1.5)))
    assert report.shift == pytest.approx(2.5, abs=0.2)
    assert report.lattice == "oP"


def n_dark_of(facts):
    return len(dark_images([one.level for one in facts], [one.n_spots for one in facts]))


def facts(levels):
    return [ImageFacts(number, 0, None, 0, 0, level) for number, level in enumerate(levels, 1)]


@pytest.mark.parametrize(
    ("levels", "n"),
    [([1.0, 1.1, 0.1, 0.9], 1), ([None, None], 2), ([1.0, None, 1.0], 1), ([], 0), ([1.0, 1.0], 0), ([0.0, 0.0], 2)],
)
def test_images_without_beam(levels, n):
    assert n_dark_of(facts(levels)) == n


def test_images_without_beam_are_told_from_weak_ones():
    frames = simulated_frames(n_images=12, blank_images=((5, 11),))
    levels = facts_of(frames, frames.header_experiment(), Config().find_spots)
    assert n_dark_of(levels) == 12 - sum(frames.beam_factor > 0)
    assert n_dark_of(levels) >= 6


def test_a_level_of_nothing_beside_spots_is_a_weak_background():
    assert n_dark_of([ImageFacts(number, 9, None, 0, 0, 0.0) for number in range(4)]) == 0


def test_completeness_is_that_of_the_reflections_that_were_simulated():
    short, planned = simulated_frames(n_images=N), simulated_frames()
    report = probed(short, short.header_experiment(), planned=planned.n_frames)
    seen = planned.observations(1)
    recorded = np.unique(to_asu(seen.hkl[seen.partiality > 0.5], gemmi.SpaceGroup("P 2 2 2"))[0], axis=0)
    cell = gemmi.UnitCell(*planned.params.cell)
    every = gemmi.make_miller_array(cell, gemmi.SpaceGroup("P 2 2 2"), report.d_min)
    d = cell.calculate_d_array(recorded)
    assert report.at_plan == pytest.approx(np.sum(d >= report.d_min) / len(every), abs=0.02)
