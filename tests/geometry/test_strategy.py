"""Completeness against rotation, counted one reflection at a time."""

from __future__ import annotations

import gemmi
import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from synthetic_spots import sweep

from autoproc.geometry.reciprocal import ewald_angles
from autoproc.geometry.strategy import Completeness, completeness_by_rotation
from autoproc.models.crystal import b_matrix

CELLS = {
    "P 1": (21.0, 24.0, 27.0, 81.0, 95.0, 103.0),
    "P 1 2 1": (21.0, 25.0, 29.0, 90.0, 104.0, 90.0),
    "P 2 2 2": (23.0, 27.0, 31.0, 90.0, 90.0, 90.0),
    "P 4": (27.0, 27.0, 33.0, 90.0, 90.0, 90.0),
    "P 6": (27.0, 27.0, 33.0, 90.0, 90.0, 120.0),
    "I 2 3": (41.0, 41.0, 41.0, 90.0, 90.0, 90.0),
}
D_MIN = 4.0


def crossings(cell, group, U, d_min=D_MIN):
    """(N, 3) hkl with both Friedel mates, and (N,) the degrees after the first image of each crossing of a turn."""
    box = gemmi.UnitCell(*cell)
    hkl = gemmi.make_miller_array(box, gemmi.SpaceGroup("P 1"), d_min)
    there = ~gemmi.SpaceGroup(group).operations().systematic_absences(hkl)
    hkl = np.concatenate([hkl[there], -hkl[there]])
    experiment = sweep()
    angles = np.degrees(ewald_angles(experiment.goniometer, experiment.beam, hkl @ (U @ b_matrix(cell)).T)) % 360.0
    rows = np.concatenate([hkl, hkl])
    turned = angles.T.reshape(-1)
    seen = np.isfinite(turned)
    return rows[seen], turned[seen]


def counted(hkl, turned, cell, group, rotation, d_min=D_MIN):
    """Unique reflections recorded, by a set of what gemmi maps each to, over all there are."""
    space_group = gemmi.SpaceGroup(group)
    asu, operations = gemmi.ReciprocalAsu(space_group), space_group.operations()
    recorded = {tuple(asu.to_asu(list(map(int, h)), operations)[0]) for h in hkl[turned <= rotation]}
    every = gemmi.make_miller_array(gemmi.UnitCell(*cell), space_group, d_min)
    return len(recorded) / len(every)


@pytest.mark.parametrize("group", CELLS)
def test_every_reflection_counted(group):
    cell = CELLS[group]
    hkl, turned = crossings(cell, group, Rotation.random(random_state=3).as_matrix())
    how = completeness_by_rotation(hkl, turned, gemmi.UnitCell(*cell), gemmi.SpaceGroup(group), D_MIN)
    for rotation in (0, 7, 30, 60, 90, 180, 360):
        assert how.at(rotation) == pytest.approx(counted(hkl, turned, cell, group, rotation), abs=1e-12)
        assert how.n_recorded_at(rotation) == np.sum(turned <= rotation)
    assert np.all(np.diff(how.after) >= 0)
    for part in (0.5, 0.9):
        assert how.at(how.reaching(part)) >= part * how.at(360)
        assert how.at(how.reaching(part) - 1) < part * how.at(360)
    whole = counted(hkl, turned, cell, group, 360)
    assert how.blind == pytest.approx(1 - whole, abs=1e-12)
    assert counted(hkl, turned, cell, group, how.enough) >= 0.99 * whole
    assert counted(hkl, turned, cell, group, how.enough - 1) < 0.99 * whole


def test_the_blind_cone_about_the_spindle():
    """Dauter (1999): what lies within theta of the axis is never recorded; symmetry away from it fills the cone."""
    cell, fixed = (50.0, 60.0, 70.0, 90.0, 90.0, 90.0), np.eye(3)
    hkl, turned = crossings(cell, "P 1", fixed)
    parts = {
        group: completeness_by_rotation(hkl, turned, gemmi.UnitCell(*cell), gemmi.SpaceGroup(group), D_MIN).blind
        for group in ("P 1", "P 2 2 2")
    }
    every = gemmi.make_miller_array(gemmi.UnitCell(*cell), gemmi.SpaceGroup("P 1"), D_MIN)
    q = every @ b_matrix(cell).T  # Angstrom^-1, the spindle along x
    assert parts["P 1"] == pytest.approx(never_recorded(q).mean(), abs=1e-9)
    assert parts["P 1"] > 0.005
    # a two-fold along the spindle keeps a reflection in the cone, one across it takes it to the other side's
    assert parts["P 2 2 2"] > 0.5 * parts["P 1"]
    tilted = Rotation.from_rotvec([0.3, 0.5, 0.2]).as_matrix()
    hkl, turned = crossings(cell, "P 1", tilted)
    box, group = gemmi.UnitCell(*cell), gemmi.SpaceGroup("P 2 2 2")
    assert completeness_by_rotation(hkl, turned, box, group, D_MIN).blind == 0.0


def never_recorded(q):
    """Points that no turn about x brings onto the sphere of radius 1 about -s0, which is across x: q s0 = -q^2 / 2."""
    return np.hypot(q[:, 1], q[:, 2]) < 0.5 * np.einsum("ij,ij->i", q, q)


def test_between_two_angles():
    how = Completeness(np.array([0.0, 1.0, 2.0]), np.array([0.0, 0.5, 0.6]), np.array([0, 10, 30]), 20, 2.0)
    assert how.at(0.5) == 0.25
    assert how.at(9.0) == 0.6
    assert how.blind == pytest.approx(0.4)
    assert how.enough == 2.0
