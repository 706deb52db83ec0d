"""What is told of a sweep so far is what its images have, by their truth."""

from __future__ import annotations

import gemmi
import numpy as np
import pytest
from probed import facts_of, probe_params
from simulated import simulated_frames

from autoproc.config import Config
from autoproc.decisions.probe import ProbeReport
from autoproc.decisions.provisional import DISAGREE
from autoproc.geometry.asu import to_asu
from autoproc.integration.predict import predict
from autoproc.stages.find_spots import find_spots
from autoproc.stages.probe_sweep import Probe, probe_sweep
from autoproc.stages.provisional_statistics import provisional_statistics

N = 40


def so_far(probe=None, **overrides):
    frames = simulated_frames(n_images=N, **overrides)
    experiment, params = frames.header_experiment(), Config().find_spots
    found = find_spots(experiment, frames, frames.mask, params, 1)
    facts = facts_of(frames, experiment, params)
    probe = probe or probe_sweep(experiment, found, facts, 80, probe_params())
    return provisional_statistics(experiment, found, facts, 0.5, probe), probe


def test_a_crystal_of_the_symmetry_of_its_lattice():
    report, probe = so_far()
    assert (report.part, report.n_images, report.rotation, report.laue) == (0.5, N, N, "mmm")
    predicted = predict(probe.best.experiments[0], report.d_min)
    asu, _ = to_asu(predicted.hkl, probe.best.space_group)
    n_unique, n_all = len(np.unique(asu, axis=0)), len(predicted.hkl)
    cell = gemmi.UnitCell(*probe.best.unit_cell)
    every = len(gemmi.make_miller_array(cell, probe.best.space_group, report.d_min))
    assert report.completeness == pytest.approx(n_unique / every, abs=0.01)
    assert report.multiplicity == pytest.approx(n_all / n_unique, rel=0.02)
    assert report.n_strong > 0.8 * len(predicted.hkl) * 0.5
    assert 0.01 < report.r_meas < 0.12
    assert report.i_over_sigma > 10


def test_a_lattice_that_looks_higher_than_the_crystal_is():
    report, _ = so_far(cell=(37.0, 37.0, 49.0, 90.0, 90.0, 90.0))
    assert report.laue == "4/mmm"
    assert report.r_meas > DISAGREE


def test_without_a_lattice_it_says_so():
    report, _ = so_far(Probe(ProbeReport(15.0, None, 15, 0, 0.0)))
    assert report.why_not == "no lattice is known"
    assert report.completeness is None
