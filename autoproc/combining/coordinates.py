"""Coordinates of the copies of data sets whose scalar products are their correlations (Brehm & Diederichs 2014).

The coordinates minimise sum w (r - x . x')^2 over all pairs of copies. That sum is the same when all copies are turned
by one rotation of the lattice, and so is the best solution: x of copy (i, a) is the function g -> y_i(g a) on the
group. The unknowns are then one function a data set instead of one point a copy, and a sum over D^2 S pairs does for
the (D S)^2 of the original. Where the crystals have the symmetry group H, y_i(h g) = y_i(g): the number of dimensions
is that of the settings that H tells apart, and the H to assume is the one whose coordinates best predict correlations
that were held out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from autoproc.combining.correlations import LEAST_SD, PairCorrelations
from autoproc.combining.rotation_group import RotationGroup

N_STARTS = 4
"""Starting points for the coordinates; the best end counts. With four, all of 24 simulated sets of 6 to 60 wedges came
into one setting."""
HELD_OUT = 0.1
"""Part of the pairs that is predicted at a time."""
ENOUGH_HELD_OUT = 50
"""Pairs that must have been predicted, one part after the other, unless that is all of them: of the 23 of two data sets
of P 3 a tenth may hold one alone that tells a wrong symmetry, whose mean error then is no more than its standard error
(simulated: 2 of 4 draws of the reflections of two wedges, called C 2/m)."""
PART_OF_GAIN = 0.1
"""Of what the best number of dimensions explains, that fewer may lack. Simulated wedges of I 2 3 with 5 photons
a reflection, and of P 4 twinned by 42%, have two dimensions by it, and had one where LEAST_SD alone was allowed for."""
MAX_CYCLES = 100
START_LENGTH = 0.9
"""Of coordinate vectors before minimisation: a good data set's at the end."""


@dataclass(frozen=True, slots=True, eq=False)
class SettingCoordinates:
    """y : (D, K), a function on the K settings that `members` tell apart; settings : (K,) their rotations.

    members : symmetry elements that were assumed; residual : the functional over the sum of weights
    moved : (S, K) index into the settings of setting k times a rotation
    """

    members: tuple[int, ...]
    settings: np.ndarray
    moved: np.ndarray
    y: np.ndarray
    residual: float

    @property
    def n_dimensions(self) -> int:
        """K."""
        return len(self.settings)

    def predicted(self) -> np.ndarray:
        """(D, S, D) correlations by the coordinates."""
        return _products(self.y, self.moved)


@dataclass(frozen=True, slots=True)
class Dimension:
    """One number of dimensions that was tried: the symmetry assumed, and the error of what it predicts."""

    members: tuple[int, ...]
    n: int
    held_out: float
    standard_error: float


def find_coordinates(
    pairs: PairCorrelations, group: RotationGroup, members: Sequence[int], weight: np.ndarray | None = None
) -> SettingCoordinates:
    """The best coordinates where `members` are symmetry elements, from several starts, the same each time."""
    settings = group.settings(members)
    place = np.zeros(len(group), int)
    place[settings] = np.arange(len(settings))
    moved = place[group.coset_of(members)[group.product[settings]]].T
    w = _usable(pairs, group) if weight is None else weight
    r, total = pairs.r.astype(float), max(float(w.sum()), 1e-30)
    best = (np.inf, np.zeros((len(r), len(settings))))
    for start in range(N_STARTS):
        y = np.random.default_rng(start).normal(size=(len(r), len(settings)))
        y *= START_LENGTH / np.linalg.norm(y, axis=1, keepdims=True)
        found = minimize(
            _functional, y.ravel(), (r, w / total, moved), "L-BFGS-B", jac=True, options={"maxiter": MAX_CYCLES}
        )
        best = min(best, (float(found.fun), found.x.reshape(y.shape)), key=lambda pair: pair[0])
    return SettingCoordinates(tuple(members), settings, moved, best[1], best[0])


def choose_dimensions(pairs: PairCorrelations, group: RotationGroup) -> tuple[Dimension, ...]:
    """What each number of dimensions predicts of pairs that it did not see; the one to take comes first.

    That is the fewest whose mean square error is not worse than the least by more than the standard error of the
    difference, or by what systematic errors of correlations amount to; of weak data, whose correlations are all low,
    that is a part of what the coordinates explain.
    """
    w = _usable(pairs, group)
    parts = _held_out(w, group)
    unseen = w * np.any(parts, axis=0)
    if not unseen.any():
        return (Dimension((0,), len(group), np.nan, np.nan),)
    errors = [(members, _error_of_unseen(pairs, group, members, w, parts)) for members in group.subgroups()]
    means = [float(np.average(e, weights=unseen)) for _, e in errors]
    least = errors[int(np.argmin(means))][1]
    n_seen = max(int(np.count_nonzero(unseen)) / 2, 1)
    rows = []
    for (members, error), mean in zip(errors, means, strict=True):
        scatter = float(np.sqrt(np.average((error - least) ** 2, weights=unseen) / n_seen))
        rows.append(Dimension(members, len(group.settings(members)), mean, scatter))
    systematic = min(LEAST_SD**2, PART_OF_GAIN * (max(means) - min(means)))
    good = [row for row in rows if row.held_out <= min(means) + max(row.standard_error, systematic)]
    first = min(good, key=lambda row: (row.n, row.held_out))
    return (first, *(row for row in rows if row is not first))


def _usable(pairs: PairCorrelations, group: RotationGroup) -> np.ndarray:
    """Weights, without those of a data set with itself where it is not turned."""
    w = pairs.weight
    own = np.arange(len(w))
    w[own, 0, own] = 0.0
    return w


def _held_out(weight: np.ndarray, group: RotationGroup) -> list[np.ndarray]:
    """Parts of the pairs, each (D, S, D) bool, about a tenth, a pair and its inverse alike; as few as are enough."""
    drawn = np.random.default_rng(7).random(weight.shape)
    lower = np.minimum(drawn, drawn.transpose(2, 1, 0)[:, group.inverse])
    rank = 1 - (1 - lower) ** 2  # of the lower of two numbers: even between 0 and 1
    part = np.floor(rank / HELD_OUT).astype(int)
    parts: list[np.ndarray] = []
    n_pairs = 0
    while len(parts) <= part.max() and n_pairs < ENOUGH_HELD_OUT:
        parts.append(part == len(parts))
        n_pairs += int(np.count_nonzero(weight * parts[-1])) // 2
    return parts


def _error_of_unseen(
    pairs: PairCorrelations, group: RotationGroup, members: Sequence[int], weight: np.ndarray, parts: list[np.ndarray]
) -> np.ndarray:
    """(D, S, D) square error of the pairs of each part by coordinates that did not see it; 0 elsewhere."""
    error = np.zeros(weight.shape)
    for held in parts:
        found = find_coordinates(pairs, group, members, weight * ~held)
        error = np.where(held, (pairs.r - found.predicted()) ** 2, error)
    return error


def _products(y: np.ndarray, moved: np.ndarray) -> np.ndarray:
    turned = y[:, moved].transpose(1, 0, 2).reshape(-1, y.shape[1])
    return (y @ turned.T).reshape(len(y), len(moved), len(y))


def _functional(flat: np.ndarray, r: np.ndarray, w: np.ndarray, moved: np.ndarray) -> tuple[float, np.ndarray]:
    """Sum of w (r - x . x')^2 and its gradient; r and w are those of the inverse rotation the other way round."""
    n, n_rotations, _ = r.shape
    y = flat.reshape(n, -1)
    turned = y[:, moved].transpose(1, 0, 2).reshape(-1, y.shape[1])
    missing = r - (y @ turned.T).reshape(n, n_rotations, n)
    weighted = w * missing
    gradient = -4 * (weighted.reshape(n, -1) @ turned)
    return float((weighted * missing).sum()), gradient.ravel()
