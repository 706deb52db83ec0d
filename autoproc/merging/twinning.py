"""Twinning from the distribution of merged intensities: the L test and the second moment.

Padilla & Yeates (2003), Acta D59, 1124. <|L|> of acentric reflections is 0.5 for a single crystal and 0.375 for a
perfect twin; <I^2>/<I>^2 is 2 and 1.5. Intensities are normalised in every direction first: an anisotropic fall-off
spreads them as no twin does, and would hide one.
"""

from __future__ import annotations

from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np

from autoproc.geometry.shells import shells_of_equal_number
from autoproc.merging.normalised import NormalisedIntensities, normalised
from autoproc.models.merged import Merged
from autoproc.robust import without_largest

STEPS = np.array([(2, 0, 0), (0, 2, 0), (0, 0, 2), (2, 2, 0), (2, -2, 0), (2, 0, 2), (2, 0, -2), (0, 2, 2), (0, 2, -2)])
"""Neighbours in reciprocal space; even steps, so that pseudo-centring does not count as twinning's opposite."""
MIN_I_OVER_SIGMA = 5.0
"""Shells weaker than this hide a twin in their noise."""
LARGEST_ERROR = 0.5
"""Of E^2, beyond which a reflection tells more of its error than of the distribution; without errors it is 0 to 10."""
PER_SHELL = 100
MIN_PAIRS = 200


@dataclass(frozen=True, slots=True, eq=False)
class TwinningTest:
    """What the intensities say.

    n_pairs, mean_abs_l, mean_l2 : of the L test; second_moment : <I^2>/<I>^2 of acentric reflections
    abs_l, cumulative : (n,) its distribution; d_min : the limit of the reflections used, Angstrom
    """

    n_pairs: int
    mean_abs_l: float
    mean_l2: float
    second_moment: float
    abs_l: np.ndarray
    cumulative: np.ndarray
    d_min: float


_KNOWN: WeakKeyDictionary[Merged, TwinningTest | None] = WeakKeyDictionary()
"""Of data that are still in use: the checks and the report ask for the same."""


def l_test(merged: Merged) -> TwinningTest | None:
    """The L test over strong acentric reflections; None where there are too few. Done once for merged data."""
    if merged not in _KNOWN:
        _KNOWN[merged] = _l_test(merged)
    return _KNOWN[merged]


def _l_test(merged: Merged) -> TwinningTest | None:
    d_min = strong_limit(merged)
    known = np.isfinite(merged.intensity) & np.isfinite(merged.sigma) & (merged.sigma > 0)
    rows = np.flatnonzero(~merged.is_centric & known & (merged.d >= d_min))
    left, right = neighbours(merged.hkl[rows])
    if len(left) < MIN_PAIRS:
        return None
    seen = normalised(merged, rows)
    intensity = seen.e2
    total = intensity[left] + intensity[right]
    usable = total > 0
    if usable.sum() < MIN_PAIRS:
        return None
    left, right = left[usable], right[usable]
    abs_l = np.minimum(np.abs(intensity[left] - intensity[right]) / total[usable], 1.0)
    grid = np.linspace(0, 1, 41)
    cumulative = np.searchsorted(np.sort(abs_l), grid, side="right") / len(abs_l)
    return TwinningTest(
        len(abs_l), float(abs_l.mean()), float(np.mean(abs_l**2)), second_moment(seen), grid, cumulative, float(d_min)
    )


def strong_limit(merged: Merged) -> float:
    """The resolution, Angstrom, to which shells of 100 reflections have a mean I/sigma of at least 5."""
    ratio = np.nan_to_num(merged.intensity / merged.sigma)
    limit = np.inf
    for shell in shells_of_equal_number(merged.d**-2.0, PER_SHELL):
        if not len(shell) or ratio[shell].mean() < MIN_I_OVER_SIGMA:
            break
        limit = float(merged.d[shell].min())
    return limit


def neighbours(hkl: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows (i, j) of reflections hkl (N, 3) that are a step apart."""
    span = 2 * int(np.abs(hkl).max(initial=0)) + 8
    place = np.array([span * span, span, 1], np.int64)
    key = hkl.astype(np.int64) @ place
    order = np.argsort(key, kind="stable")
    found = []
    for step in STEPS.astype(np.int64) @ place:
        at = np.minimum(np.searchsorted(key[order], key + step), max(len(key) - 1, 0))
        rows = np.flatnonzero(key[order][at] == key + step) if len(key) else np.empty(0, np.intp)
        found.append((rows, order[at[rows]] if len(key) else rows))
    return np.concatenate([a for a, _ in found]), np.concatenate([b for _, b in found])


def second_moment(seen: NormalisedIntensities) -> float:
    """<I^2>/<I>^2 of normalised acentric intensities, without what their errors add.

    Only where these are small: in weak directions they are not, within the limit of resolution. The largest counts as
    the next: one wild intensity would make a single crystal of a twin.
    """
    known = seen.sigma < LARGEST_ERROR
    if known.sum() < MIN_PAIRS:
        known = np.full(len(known), True)
    e2, error = without_largest(seen.e2[known]), without_largest(seen.sigma[known])
    return float((np.mean(e2**2) - np.mean(error**2)) / np.mean(e2) ** 2)
