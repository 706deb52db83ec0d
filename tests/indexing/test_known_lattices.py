"""Lattices that are known give more spots their indices, however the crystal has moved meanwhile."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from models_for_tests import crystal, experiment
from scipy.spatial.transform import Rotation

from autoproc.indexing.known_lattices import indexed_by
from autoproc.indexing.params import IndexParams
from autoproc.integration.predict import predict
from autoproc.models.reflections import Flag, Reflections

N_IMAGES = 60


def wobbling(made, degrees):
    """A crystal that turns by so much over the scan, its mean orientation between."""
    turns = np.linspace(-0.5, 0.5, N_IMAGES + 1)[:, None] * np.radians(degrees) * np.array([0.3, 0.8, 0.5])
    moved = Rotation.from_rotvec(turns).as_matrix() @ made.A
    return replace(made, A_at_scan_points=moved)


def spots_of(experiments, d_min=2.5, noise=0.02):
    """Predicted reflections of all lattices, as spots; their true hkl and lattice."""
    rng = np.random.default_rng(1)
    rows = [predict(one, d_min, 0.0, n, 1) for n, one in enumerate(experiments)]
    steep = [row[np.abs(row.zeta) > 0.2] for row in rows]
    xyz = np.concatenate([row.xyz for row in steep]) + rng.normal(0, noise, (sum(map(len, steep)), 3))
    n = len(xyz)
    spots = Reflections(
        {
            "xyz_obs_px": xyz, "xyz_obs_px_variance": np.full((n, 3), noise**2), "panel": np.zeros(n, np.uint64),
            "flags": np.full(n, int(Flag.STRONG)),
        }
    )  # fmt: skip
    return spots, np.concatenate([row.hkl for row in steep]), np.concatenate([row.experiment for row in steep])


@pytest.mark.parametrize("degrees", [0.0, 1.5])
def test_all_are_indexed_though_the_crystal_moves(degrees):
    one = experiment(wobbling(crystal(), degrees), n_images=N_IMAGES)
    spots, hkl, _ = spots_of([one])
    table = indexed_by([one], spots, IndexParams())
    assert len(table) == len(spots) > 500
    assert (table["experiment_id"] == 0).mean() > 0.99
    known = table["experiment_id"] == 0
    np.testing.assert_array_equal(table["hkl"][known], hkl[known])
    np.testing.assert_array_equal(table.has_flag(Flag.INDEXED), known)
    assert (table["hkl"][~known] == 0).all()
    assert table.identifiers == {0: one.identifier}


def test_the_movement_matters():
    """Without it the same spots are not all indexed: the test above could fail."""
    moving = experiment(wobbling(crystal(), 1.5), n_images=N_IMAGES)
    spots, hkl, _ = spots_of([moving])
    still = replace(moving, crystal=moving.crystal.static())
    table = indexed_by([still], spots, IndexParams())
    right = (table["experiment_id"] == 0) & (table["hkl"] == hkl).all(axis=1)
    assert right.mean() < 0.97


def test_of_two_lattices_each_gets_its_own():
    first = experiment(crystal(seed=0), n_images=N_IMAGES)
    second = replace(first, crystal=crystal(seed=5))
    spots, hkl, lattice = spots_of([first, second])
    table = indexed_by([first, second], spots, IndexParams())
    known = table["experiment_id"] >= 0
    assert known.mean() > 0.98
    assert (table["experiment_id"][known] == lattice[known]).mean() > 0.98
    same = known & (table["experiment_id"] == lattice)
    np.testing.assert_array_equal(table["hkl"][same], hkl[same])


def test_what_is_of_no_lattice_stays_without_index():
    one = experiment(n_images=N_IMAGES)
    spots, _, _ = spots_of([one])
    rng = np.random.default_rng(2)
    strange = Reflections({name: spots[name][:300] for name in spots}).replace(
        xyz_obs_px=rng.uniform([0, 0, 0], [487, 619, N_IMAGES], (300, 3))
    )
    both = Reflections.concatenate([spots, strange])
    table = indexed_by([one], both, IndexParams())
    assert (table["experiment_id"][: len(spots)] == 0).mean() > 0.98
    assert (table["experiment_id"][len(spots) :] == 0).mean() < 0.2
