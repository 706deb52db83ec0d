"""Each data set against the others, merged, until none changes its setting and those of another structure are out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from autoproc.combining.agreement import MIN_COMMON, AgreementWithRest, MergedSettings
from autoproc.combining.datasets import DataSets

MAX_ROUNDS = 20
EXPECTED_PART = 0.5
"""Of the CC to expect of a data set from its errors and from what the others reach, below which it is of another
structure. Simulated impostors of the same cell reach less than 0.2 of it, true wedges of 10 degrees over 0.9."""
BY_CHANCE = 3.0
"""Standard errors within which a CC may be anything: below them it does not show that a data set agrees with the
others, nor, as far below what is to be expected, that it does not. Of 12 simulated wedges with 3 photons a reflection
one to six were taken for other structures without it."""
LEAST_TYPICAL = 0.5
"""CC, without errors of measurement, that data sets of one structure are taken to reach at least, however few agree."""
LEAST_SIGNAL = 0.04
"""Of the variance: with less, nothing is to be expected of a data set."""


@dataclass(frozen=True, slots=True)
class Placed:
    """What is known of one data set.

    experiment : which it is; setting : index of its rotation; n : its reflections; n_common : those others have too
    cc : with the others, merged, in this setting; next_best : in the best other one, NaN where there is none
    margin : of cc over next_best, in standard errors; inf where there is one setting only
    expected : CC to expect of it; is_other : it surely agrees with the others in no setting
    """

    experiment: int
    setting: int
    n: int
    n_common: int
    cc: float
    next_best: float
    margin: float
    expected: float
    is_other: bool

    @property
    def is_alone(self) -> bool:
        """Too few reflections in common with the others for anything to be known."""
        return self.n_common < MIN_COMMON

    @property
    def chance(self) -> float:
        """CC up to which chance may be all that there is to it."""
        return float(BY_CHANCE / np.sqrt(max(self.n_common, 1)))

    @property
    def is_too_weak(self) -> bool:
        """Neither agrees with the others by more than chance, nor surely disagrees."""
        return not self.is_alone and not self.is_other and self.cc < self.chance

    @property
    def is_plain_other(self) -> bool:
        """It has nothing in common with the others but chance, where much is to be expected."""
        return self.is_other and self.cc < self.chance

    @property
    def agrees(self) -> bool:
        """With the others, in the best setting at least."""
        return not (self.is_alone or self.is_other or self.is_too_weak)


def place(data: DataSets, members: Sequence[int], setting: np.ndarray) -> tuple[Placed, ...]:
    """The settings of all data sets. setting : (d,) of the first ones, to begin with; members : the symmetry."""
    n = len(data)
    merged = MergedSettings(data, members, np.r_[setting, np.zeros(n - len(setting), int)], np.arange(n) < len(setting))
    _settle(merged)
    for k in np.flatnonzero(merged.inside & ~merged.largest_form(np.sqrt(_signal(data)))):
        merged.leave_out(int(k))
    for _ in range(MAX_ROUNDS):
        changed = _settle(merged)
        found = [merged.agreement(k) for k in range(n)]
        outside = _others(found, data, merged)
        if not changed and np.array_equal(outside, ~merged.inside):
            break
        for k in np.flatnonzero(outside == merged.inside):
            (merged.leave_out if outside[k] else merged.let_in)(int(k))
    expected = _expected(found, data, merged)
    rows = zip(data.ids, found, data.n_values, expected, outside, strict=True)
    placed = [
        Placed(
            experiment, int(a.settings[a.best]), int(count), int(a.n[a.best]), float(a.cc[a.best]), a.next_best,
            a.margin, float(likely), bool(other),
        )
        for experiment, a, count, likely, other in rows
    ]  # fmt: skip
    return tuple(replace(p, is_other=p.is_other and EXPECTED_PART * p.expected - p.cc > p.chance) for p in placed)


def as_given(data: DataSets, members: Sequence[int], placed: Sequence[Placed]) -> tuple[np.ndarray, tuple[int, ...]]:
    """Settings (D,) that leave the most reflections in the basis in which they are, and the symmetry in that basis.

    The common basis may be turned as a whole: by g all settings s become g s, and the symmetry g H g^-1. Data sets that
    agree with the others in no setting stay as they are.
    """
    group = data.group
    settings = np.array([p.setting for p in placed])
    coset = group.coset_of(members)[settings]
    counts = np.bincount(coset, [p.n if p.agrees or p.is_alone else 0 for p in placed], len(group))
    turn = int(group.inverse[int(np.argmax(counts))])
    turned = group.product[group.product[turn, list(members)], group.inverse[turn]]
    new = tuple(sorted(map(int, turned)))
    common = group.coset_of(new)[group.product[turn, settings]]
    return np.where([p.agrees for p in placed], common, 0), new


def _settle(merged: MergedSettings) -> bool:
    """Put each data set in turn where it agrees best, until none moves; whether any did."""
    moved_ever = False
    for _ in range(MAX_ROUNDS):
        moved = False
        for n in range(len(merged.data)):
            found = merged.agreement(n)
            here = int(np.searchsorted(found.settings, merged.coset(int(merged.setting[n]))))
            if found.cc[found.best] > found.cc[here]:
                merged.take(n, int(found.settings[found.best]))
                moved = moved or bool(merged.inside[n])
        moved_ever = moved_ever or moved
        if not moved:
            break
    return moved_ever


def _others(found: Sequence[AgreementWithRest], data: DataSets, merged: MergedSettings) -> np.ndarray:
    """(D,) bool: agrees with the others far less than is to be expected; never all of them."""
    cc = np.array([a.cc[a.best] for a in found])
    common = np.array([a.n[a.best] for a in found])
    others = (common >= MIN_COMMON) & (cc < EXPECTED_PART * _expected(found, data, merged))
    others[0] &= not others.all()
    return others


def _expected(found: Sequence[AgreementWithRest], data: DataSets, merged: MergedSettings) -> np.ndarray:
    """(D,) CC to expect: what is typical without errors of measurement, times what those leave of both sides."""
    inside = merged.inside
    noise_of_others = float(np.mean(data.noise[inside])) / merged.multiplicity if inside.any() else 0.0
    signal = np.sqrt(_signal(data) / (1 + noise_of_others))
    cc = np.array([a.cc[a.best] for a in found])
    known = np.array([a.n[a.best] >= MIN_COMMON for a in found])
    typical = float(np.median((cc / signal)[known & inside])) if (known & inside).any() else 1.0
    return np.asarray(np.clip(typical, LEAST_TYPICAL, 1.0) * signal)


def _signal(data: DataSets) -> np.ndarray:
    """(D,) part of the variance of the values that is not noise, that of E^2 itself being 1 (acentric)."""
    return np.asarray(np.clip(1 / (1 + data.noise), LEAST_SIGNAL, 1.0))
