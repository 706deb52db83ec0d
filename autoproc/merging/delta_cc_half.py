"""What each part of the data, an image group or a data set, does to CC1/2.

CC1/2 without random halves, from the spread of the means and that of the observations about them, and how it changes
where a part is left out (Assmann, Brehm & Diederichs 2016, J. Appl. Cryst. 49, 1021).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from autoproc.merging.groups import EquivalentGroups

MIN_REFLECTIONS = 10
"""Of a resolution shell; the variances of fewer say nothing."""


@dataclass(frozen=True, slots=True, eq=False)
class PartEffects:
    """CC1/2 with and without each of M parts, over the same reflections, a mean over shells.

    with_it, without : (M,), NaN where a part shares too few reflections with the rest
    n_shared : (M,) unique reflections that a part has in common with the rest
    """

    with_it: np.ndarray
    without: np.ndarray
    n_shared: np.ndarray

    @property
    def delta(self) -> np.ndarray:
        """(M,) what a part adds to CC1/2: below 0 it does harm."""
        return self.with_it - self.without


@dataclass(frozen=True, slots=True, eq=False)
class _Moments:
    """Sums over observations of reflections: their number, weights, and weighted first and second moments."""

    n: np.ndarray
    weight: np.ndarray
    first: np.ndarray
    second: np.ndarray

    def __sub__(self, other: _Moments) -> _Moments:
        return _Moments(
            self.n - other.n, self.weight - other.weight, self.first - other.first, self.second - other.second
        )

    def __getitem__(self, rows: np.ndarray) -> _Moments:
        return _Moments(self.n[rows], self.weight[rows], self.first[rows], self.second[rows])

    def mean_and_error(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean of each reflection, and the variance of that of half its observations, from their scatter."""
        with np.errstate(divide="ignore", invalid="ignore"):
            mean = self.first / self.weight
            scatter = np.maximum(self.second - self.first * mean, 0.0)
            return mean, 2 * scatter / ((self.n - 1) * self.weight)


def _moments(place: np.ndarray, n_places: int, value: np.ndarray, weight: np.ndarray) -> _Moments:
    return _Moments(
        *(
            np.bincount(place, values, n_places)
            for values in (np.ones(len(value)), weight, weight * value, weight * value**2)
        )
    )


def cc_half_by_block(
    groups: EquivalentGroups, value: np.ndarray, variance: np.ndarray, block: np.ndarray, shell: np.ndarray
) -> np.ndarray:
    """(B,) CC1/2 of blocks of reflections, each a mean over resolution shells, for the scatter of what it says.

    value, variance : (N,) scaled observations; block, shell : (G,) of each unique reflection, -1 for none
    """
    mean, error = _moments(groups.group, len(groups), value, 1.0 / variance).mean_and_error()
    known = np.isfinite(mean) & np.isfinite(error) & (groups.count > 1) & (block >= 0) & (shell >= 0)
    n_blocks, n_shells = int(block.max(initial=-1)) + 1, int(shell.max(initial=-1)) + 1
    place = np.where(known, block * n_shells + shell, -1)
    each = _cc_of_places(place[known], n_blocks * n_shells, mean[known], error[known])
    return _mean_over_shells(*(values.reshape(n_blocks, n_shells) for values in each))


def part_effects(
    groups: EquivalentGroups, value: np.ndarray, variance: np.ndarray, part: np.ndarray, shell: np.ndarray
) -> PartEffects:
    """CC1/2 with and without each part.

    value, variance : (N,) scaled observations; part : (N,) from 0; shell : (G,) resolution shell of each unique
    reflection, -1 for those that are not to be looked at
    """
    n_parts, n_shells, n_groups = int(part.max(initial=-1)) + 1, int(shell.max(initial=-1)) + 1, len(groups)
    weight = 1.0 / variance
    # about each reflection's mean, so that little is lost in the differences of sums
    centre = np.nan_to_num(_moments(groups.group, n_groups, value, weight).mean_and_error()[0])
    value = value - centre[groups.group]
    total = _moments(groups.group, n_groups, value, weight)
    pairs, place = np.unique(part * n_groups + groups.group, return_inverse=True)
    own = _moments(place, len(pairs), value, weight)
    of_part, of_group = np.divmod(pairs, n_groups)
    rest = total[of_group] - own
    seen = shell >= 0
    shared = (rest.n > 1.5) & seen[of_group]
    mean, error = total.mean_and_error()
    usable = seen & (total.n > 1.5)
    base = _shell_sums(shell[usable], n_shells, (mean + centre)[usable], error[usable])
    # all of a part's own reflections leave; those that the rest has as well come back, with it and without it
    own_places = of_part * n_shells + shell[of_group]
    had = usable[of_group]
    n_places = n_parts * n_shells

    def sums(rows: np.ndarray, mean_: np.ndarray, error_: np.ndarray) -> np.ndarray:
        return _shell_sums(own_places[rows], n_places, (mean_ + centre[of_group])[rows], error_[rows])

    gone = sums(had, mean[of_group], error[of_group])
    back = sums(shared, mean[of_group], error[of_group])
    mean_rest, error_rest = rest.mean_and_error()
    back_without = sums(shared, mean_rest, error_rest)
    others = np.tile(base, (1, n_parts)) - gone
    results = []
    for returned in (back, back_without):
        cc, n = _cc_of_sums(others + returned)
        results.append(_mean_over_shells(cc.reshape(n_parts, n_shells), n.reshape(n_parts, n_shells)))
    n_shared = np.bincount(of_part[shared], minlength=n_parts)
    known = n_shared >= MIN_REFLECTIONS
    return PartEffects(np.where(known, results[0], np.nan), np.where(known, results[1], np.nan), n_shared)


def _shell_sums(place: np.ndarray, n_places: int, mean: np.ndarray, error: np.ndarray) -> np.ndarray:
    """(4, n_places) number of reflections, sums of their means, of the squares of these, and of the errors."""
    columns = (np.ones(len(mean)), mean, mean**2, error)
    return np.array([np.bincount(place, column, n_places) for column in columns])


def _cc_of_sums(sums: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """CC1/2 from such sums, NaN of too few; and the number of reflections.

    (V - E / 2) / (V + E / 2), V the variance of the means and E the mean of the errors.
    """
    n, first, second, error = sums
    with np.errstate(divide="ignore", invalid="ignore"):
        variance, half = second / n - (first / n) ** 2, 0.5 * error / n
        cc = (variance - half) / (variance + half)
    return np.where(n > MIN_REFLECTIONS - 0.5, cc, np.nan), np.rint(n)


def _cc_of_places(place: np.ndarray, n_places: int, mean: np.ndarray, error: np.ndarray) -> tuple[np.ndarray, ...]:
    return _cc_of_sums(_shell_sums(place, n_places, mean, error))


def _mean_over_shells(cc: np.ndarray, n: np.ndarray) -> np.ndarray:
    """(M,) mean of cc (M, S) over the shells where it is known, weighted by their reflections (M, S)."""
    weight = np.where(np.isfinite(cc), n, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.sum(weight * np.nan_to_num(cc), axis=1) / np.sum(weight, axis=1)
