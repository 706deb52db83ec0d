"""The conventional cell of a rotation group on a primitive lattice (International Tables A, section 3.1)."""

from __future__ import annotations

import itertools
from typing import Literal

import gemmi
import numpy as np

from autoproc.symmetry.lattice_symmetry import averaged_metric, rotation_axis, rotation_order

MonoclinicSetting = Literal["best", "C2", "I2"]
Setting = Literal["best", "standard", "abc", "C2", "I2"]
AROUND = np.array(list(itertools.product(range(-4, 5), repeat=3)))
"""(729, 3) points of a primitive lattice: they reach all of a conventional cell."""
CENTRED = {"best": "CI", "C2": "C", "I2": "I"}
"""Centrings that a monoclinic setting allows, the preferred first."""


def conventional_basis(rotations: np.ndarray, metric: np.ndarray, monoclinic: MonoclinicSetting = "best") -> np.ndarray:
    """(3, 3) int, right-handed basis change to the conventional cell of a group of rotations.

    rotations : (n, 3, 3) int, in the primitive basis of `metric` (Angstrom^2), which is reduced.
    Monoclinic: b unique, beta >= 90; "best" takes the a and c of the least oblique cell (which may be
    I-centred), "C2" and "I2" the least oblique C- or I-centred one. Orthorhombic: a <= b <= c, C for a centred face.
    Otherwise: c along the unique axis; rhombohedral in hexagonal axes, obverse.
    """
    system = crystal_system(rotations)
    build = {
        "triclinic": lambda: np.eye(3, dtype=int),
        "monoclinic": lambda: _monoclinic(rotations, metric, monoclinic),
        "orthorhombic": lambda: _orthorhombic(rotations, metric),
        "tetragonal": lambda: _uniaxial(rotations, metric, 4),
        "trigonal": lambda: _uniaxial(rotations, metric, 3),
        "hexagonal": lambda: _uniaxial(rotations, metric, 6),
        "cubic": lambda: _cubic(rotations),
    }
    return build[system]()


def crystal_system(rotations: np.ndarray) -> str:
    """The crystal system of a group of rotations."""
    orders = [rotation_order(w) for w in rotations]
    if orders.count(3) > 2:
        return "cubic"
    for order, name in ((6, "hexagonal"), (4, "tetragonal"), (3, "trigonal")):
        if order in orders:
            return name
    return {1: "triclinic", 2: "monoclinic", 4: "orthorhombic"}[len(orders)]


def right_handed(basis: np.ndarray) -> np.ndarray:
    """The basis itself, or inverted through the origin if it is left-handed."""
    return basis if np.linalg.det(basis) > 0 else -basis


def centring(basis: np.ndarray) -> str:
    """P, A, B, C, I, F or R (obverse, or "reverse") of a cell given in terms of a primitive one."""
    vectors = lattice_points(basis)
    half = {tuple(v) for v in np.rint(2 * vectors).astype(int)}
    names = {(0, 1, 1): "A", (1, 0, 1): "B", (1, 1, 0): "C", (1, 1, 1): "I"}
    if len(vectors) == 1:
        return "P"
    if len(vectors) == 2:
        return names[next(iter(half - {(0, 0, 0)}))]
    if len(vectors) == 4:
        return "F"
    thirds = {tuple(v) for v in np.rint(3 * vectors).astype(int)}
    return "R" if (2, 1, 1) in thirds else "reverse"


def lattice_points(basis: np.ndarray) -> np.ndarray:
    """(n, 3) fractional coordinates of the primitive lattice's points in a cell with `basis`."""
    fractions = AROUND @ np.linalg.inv(basis)
    millionths = np.rint((fractions - np.floor(fractions + 1e-6)) * 1e6).astype(np.int64)
    places = (millionths[:, 0] * 10**6 + millionths[:, 1]) * 10**6 + millionths[:, 2]
    return millionths[np.unique(places, return_index=True)[1]] / 1e6


def in_basis(rotations: np.ndarray, basis: np.ndarray) -> np.ndarray:
    """(n, 3, 3) int rotations after a change of basis: W' = M^-T W M^T."""
    inverse = np.linalg.inv(basis).T
    return np.rint(inverse @ rotations @ basis.T).astype(int)


def normalises(rotation: np.ndarray, group: np.ndarray) -> bool:
    """A rotation (3, 3) takes a group (n, 3, 3) to itself: W G W^-1 = G."""
    turned = np.rint(rotation @ group @ np.linalg.inv(rotation)).astype(int)
    return {w.tobytes() for w in turned} == {np.asarray(w, int).tobytes() for w in group}


def group_operations(rotations: np.ndarray, basis: np.ndarray) -> gemmi.GroupOps:
    """The symmorphic group of rotations, with the centring, in the cell of `basis`."""
    operations = []
    for w in in_basis(rotations, basis):
        for shift in lattice_points(basis):
            op = gemmi.Op()
            op.rot = (w * gemmi.Op.DEN).tolist()
            op.tran = np.rint(shift * gemmi.Op.DEN).astype(int).tolist()
            operations.append(op)
    return gemmi.GroupOps(operations)


def _perpendicular_plane(rotations: np.ndarray, metric: np.ndarray, axis: np.ndarray) -> np.ndarray:
    """(n, 3) int lattice vectors perpendicular to an axis of the group, from the shortest on."""
    indices = np.array(list(itertools.product(range(-3, 4), repeat=3)))
    mean = averaged_metric(metric, rotations)
    flat = np.abs(indices @ mean @ axis) < 1e-6 * np.trace(mean)
    indices = indices[flat & np.any(indices != 0, axis=1)]
    lengths = np.einsum("ni,ij,nj->n", indices, mean, indices)
    negative = (indices < 0).sum(axis=1)
    return indices[np.lexsort((*indices.T, negative, np.round(lengths, 6)))]


def _monoclinic(rotations: np.ndarray, metric: np.ndarray, setting: MonoclinicSetting) -> np.ndarray:
    two_fold = next(w for w in rotations if rotation_order(w) == 2)
    b = rotation_axis(two_fold)
    plane = _perpendicular_plane(rotations, metric, b)
    p = plane[0]
    q = next(v for v in plane if np.any(np.cross(p, v)))
    if p @ metric @ q > 0:
        q = -q
    choices = []
    for a, c in itertools.permutations([p, q, -(p + q)], 2):
        basis = right_handed(np.array([a, b, c]))
        kind = centring(basis)
        cosine = abs(a @ metric @ c) / np.sqrt((a @ metric @ a) * (c @ metric @ c))
        if kind in "P" + CENTRED[setting]:
            choices.append((round(cosine, 7), kind != "C", round(a @ metric @ a, 6), _obtuse(basis, metric)))
    return min(choices, key=lambda choice: choice[:3])[3]


def _obtuse(basis: np.ndarray, metric: np.ndarray) -> np.ndarray:
    """Signs of a, b, c so that beta >= 90, the hand is right and most indices are positive."""
    options = [np.diag(s) @ basis for s in itertools.product((1, -1), repeat=3)]
    options = [m for m in options if np.linalg.det(m) > 0 and m[0] @ metric @ m[2] <= 1e-9 * np.trace(metric)]
    return max(options, key=lambda m: (m.sum(), tuple(m.ravel())))


def _orthorhombic(rotations: np.ndarray, metric: np.ndarray) -> np.ndarray:
    axes = [rotation_axis(w) for w in rotations if rotation_order(w) == 2]
    axes.sort(key=lambda u: float(u @ metric @ u))
    basis = _positive(np.array(axes))
    turned = {"A": [1, 2, 0], "B": [0, 2, 1]}.get(centring(basis))
    return basis if turned is None else _positive(basis[turned])


def _positive(basis: np.ndarray) -> np.ndarray:
    """Signs of the axes so that the hand is right and most indices are positive."""
    options = [np.diag(s) @ basis for s in itertools.product((1, -1), repeat=3)]
    options = [m for m in options if np.linalg.det(m) > 0]
    return max(options, key=lambda m: (m.sum(), tuple(m.ravel())))


def _uniaxial(rotations: np.ndarray, metric: np.ndarray, order: int) -> np.ndarray:
    """Take c along the axis, a the shortest vector across it, b = W a with W the rotation by 90 or 120 degrees."""
    turn = next(w for w in rotations if rotation_order(w) == order)
    c = rotation_axis(turn)
    a = _perpendicular_plane(rotations, metric, c)[0]
    by = turn @ turn if order == 6 else turn
    options = [right_handed_uniaxial(s * a, by, t * c) for s in (1, -1) for t in (1, -1)]
    obverse = [m for m in options if centring(m) != "reverse"]
    return max(obverse, key=lambda m: (m.sum(), tuple(m.ravel())))


def right_handed_uniaxial(a: np.ndarray, turn: np.ndarray, c: np.ndarray) -> np.ndarray:
    """Basis a, b, c with b = W a or W^-1 a, whichever gives a right-handed cell."""
    basis = np.array([a, turn @ a, c])
    if np.linalg.det(basis) > 0:
        return basis
    return np.array([a, np.rint(np.linalg.inv(turn)).astype(int) @ a, c])


def _cubic(rotations: np.ndarray) -> np.ndarray:
    four_folds = [w for w in rotations if rotation_order(w) == 4]
    along = four_folds or [w for w in rotations if rotation_order(w) == 2]
    axes = {tuple(rotation_axis(w)) for w in along}
    return _positive(np.array(sorted(axes, reverse=True)))
