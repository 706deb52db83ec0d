"""How well each rotation of the lattice relates the intensities (Evans 2006, 2011)."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from autoproc.robust import without_extremes
from autoproc.symmetry.lattice_symmetry import rotation_axis, rotation_order
from autoproc.threads import map_in_order

N_UNRELATED = 20000
SD_PRESCALED = 0.07
SD_UNSCALED = 0.1
"""Least sd of a CC: systematic errors that more pairs do not reduce. 0.1 is Evans's for unscaled data; taking smooth
errors out first leaves true elements within 0.03 of one another, so that a pseudo-symmetry of CC 0.8 shows."""
SD_FROM_SIGMAS = 0.05
"""Of the CC that the sigmas make expect."""
FEW = 5000
"""Fewer unique reflections are done sooner than threads are begun."""


@dataclass(frozen=True, slots=True, eq=False)
class FriedelMerged:
    """Observations gathered into unique reflections of point group -1 (Friedel mates are one).

    hkl : (G, 3) of the half of reciprocal space kept; key : (G,) sorted int64
    count, total, squares : (G,) number of observations, sum of E^2, sum of its square
    inverse : (N,) the row of each observation's reflection
    """

    hkl: np.ndarray
    key: np.ndarray
    count: np.ndarray
    total: np.ndarray
    squares: np.ndarray
    inverse: np.ndarray


@dataclass(frozen=True, slots=True)
class PairSums:
    """Sums over pairs (x, y) from which a correlation follows, symmetric in x and y.

    n_pairs : pairs of observations; n_unique : pairs of unique reflections
    """

    n_pairs: float = 0.0
    n_unique: int = 0
    sum: float = 0.0
    sum_squares: float = 0.0
    sum_products: float = 0.0

    def __add__(self, other: PairSums) -> PairSums:
        return PairSums(*(getattr(self, f) + getattr(other, f) for f in self.__dataclass_fields__))

    @property
    def cc(self) -> float:
        """Pearson correlation of x with y; 0 where it is not defined."""
        if self.n_pairs < 2:
            return 0.0
        mean = self.sum / (2 * self.n_pairs)
        variance = self.sum_squares / (2 * self.n_pairs) - mean**2
        covariance = self.sum_products / self.n_pairs - mean**2
        return float(np.clip(covariance / variance, -1, 1)) if variance > 0 else 0.0


@dataclass(frozen=True, slots=True, eq=False)
class ElementScore:
    """One symmetry element: a rotation and its inverse.

    members : indices of its rotations in the lattice group; order 1, 2, 3, 4 or 6
    axis : direction in the reduced primitive basis
    likelihood : probability that the element is present, of its CC alone
    """

    members: tuple[int, ...]
    order: int
    axis: tuple[int, int, int]
    sums: PairSums
    cc: float
    sd: float
    likelihood: float

    @property
    def z_cc(self) -> float:
        """CC / sd(CC)."""
        return self.cc / self.sd

    @property
    def stars(self) -> str:
        """Evans's marks: *** above 0.9, ** above 0.7, * above 0.5."""
        return "*" * sum(self.likelihood > limit for limit in (0.5, 0.7, 0.9))


def hkl_key(hkl: np.ndarray, span: int) -> np.ndarray:
    """(N,) int64 key, the same for hkl and -h -k -l; |indices| < span."""
    hkl = np.asarray(hkl, np.int64)
    width = 2 * span
    key = (hkl[:, 0] * width + hkl[:, 1]) * width + hkl[:, 2]
    return np.abs(key)


def span_of(hkl: np.ndarray) -> int:
    """A bound for the indices and for what lattice rotations of a reduced cell make of them."""
    return 4 * int(np.abs(hkl).max(initial=0)) + 2


def merge_friedel(hkl: np.ndarray, values: np.ndarray) -> FriedelMerged:
    """Gather observations of hkl (N, 3) with values (N,) into unique reflections."""
    key = hkl_key(hkl, span_of(hkl))
    unique, first, inverse = np.unique(key, return_index=True, return_inverse=True)
    n = len(unique)
    return FriedelMerged(
        np.asarray(hkl)[first],
        unique,
        np.bincount(inverse, minlength=n).astype(float),
        np.bincount(inverse, values, n),
        np.bincount(inverse, values**2, n),
        inverse,
    )


def pairs_within(merged: FriedelMerged) -> PairSums:
    """Pairs of different observations of the same reflection (the identity element)."""
    n, s, q = merged.count, merged.total, merged.squares
    return PairSums(
        float((n * (n - 1)).sum() / 2),
        int((n > 1).sum()),
        float(((n - 1) * s).sum()),
        float(((n - 1) * q).sum()),
        float((s * s - q).sum() / 2),
    )


def pairs_related(merged: FriedelMerged, rotation: np.ndarray) -> PairSums:
    """Pairs of observations of reflections that a rotation W (acting on coordinates) relates."""
    left, right = related_rows(merged, rotation)
    return pairs_between(merged, left, right)


def related_rows(merged: FriedelMerged, rotation: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows (i, j) of unique reflections with hkl_j = +-W^T hkl_i, i != j, each pair once."""
    turned = hkl_key(merged.hkl @ rotation, span_of(merged.hkl))
    place = np.minimum(np.searchsorted(merged.key, turned), len(merged.key) - 1)
    rows = np.arange(len(merged.key))
    place = np.where(merged.key[place] == turned, place, rows)
    found = (place > rows) | ((place < rows) & (place[place] != rows))
    return rows[found], place[found]


def pairs_between(merged: FriedelMerged, left: np.ndarray, right: np.ndarray) -> PairSums:
    """All pairs of an observation of reflection left[i] with one of right[i]."""
    n, s, q = merged.count, merged.total, merged.squares
    return PairSums(
        float((n[left] * n[right]).sum()),
        len(left),
        float((n[right] * s[left] + n[left] * s[right]).sum()),
        float((n[right] * q[left] + n[left] * q[right]).sum()),
        float((s[left] * s[right]).sum()),
    )


def elements_of(rotations: np.ndarray) -> list[tuple[int, ...]]:
    """Rotations grouped with their inverses: the symmetry elements, identity first, high orders before low."""
    seen: dict[tuple[int, bytes], list[int]] = {}
    for i, w in enumerate(rotations):
        seen.setdefault((rotation_order(w), rotation_axis(w).tobytes() if i else b""), []).append(i)
    ranked = sorted(seen, key=lambda key: (key[0] != 1, -key[0]))
    return [tuple(seen[key]) for key in ranked]


@dataclass(frozen=True, slots=True)
class CorrelationModel:
    """What CC to expect of a symmetry element that is there, and how far it scatters.

    cc_true : expected CC; cc_from_sigmas, cc_identity : its two estimates (identity None without repeats)
    cc_unrelated, n_unrelated : CC of pairs that no rotation of the lattice relates
    sd_factor, min_sd : sd(CC) = sd_factor / sqrt(pairs), but not below min_sd
    """

    cc_true: float
    cc_from_sigmas: float
    cc_identity: float | None
    cc_unrelated: float
    n_unrelated: int
    sd_factor: float
    min_sd: float

    def sd(self, n_pairs: int) -> float:
        """Sd of a CC of that many pairs."""
        return max(self.min_sd, self.sd_factor / np.sqrt(max(n_pairs, 1)))

    def likelihood(self, cc: float, n_pairs: int) -> float:
        """P(element | CC) with even prior odds; 0.5 without pairs (Evans 2011, equations 6 to 9)."""
        if n_pairs < 3:
            return 0.5
        width = self.sd(n_pairs)
        present = float(truncated_cauchy(cc, np.array(self.cc_true), width))
        m = (np.arange(200) + 0.5) / 200
        weight = np.sqrt(1 - m**2)
        absent = float((weight * truncated_cauchy(cc, m, width)).sum() / weight.sum())
        return present / (present + absent)


def truncated_cauchy(x: float, centre: np.ndarray, width: float) -> np.ndarray:
    """Density at x of Cauchy distributions about `centre`, confined to [-1, 1]."""
    area = np.arctan((1 - centre) / width) + np.arctan((1 + centre) / width)
    return 1 / (width * area * (1 + ((x - centre) / width) ** 2))


def correlation_model(
    merged: FriedelMerged, rotations: np.ndarray, e2: np.ndarray, sigma: np.ndarray, min_sd: float = SD_UNSCALED
) -> CorrelationModel:
    """Expected CC and its scatter. e2, sigma : (N,) of the observations that made `merged`."""
    x, y = unrelated_pairs(merged, rotations, e2)
    identity = pairs_within(merged)
    variance = float(np.var(e2))
    from_sigmas = max(0.0, 1 - float(np.mean(without_extremes(sigma**2))) / variance) if variance > 0 else 0.0
    factor = _sd_factor(x, y)
    cc_true = from_sigmas
    if identity.n_unique >= 10:
        weights = np.array([1 / SD_FROM_SIGMAS**2, identity.n_unique / factor**2])
        cc_true = float(np.average([from_sigmas, identity.cc], weights=weights))
    cc_unrelated = float(np.corrcoef(x, y)[0, 1]) if len(x) > 2 else 0.0
    repeats = identity.cc if identity.n_unique >= 3 else None
    return CorrelationModel(float(np.clip(cc_true, 0.2, 1)), from_sigmas, repeats, cc_unrelated, len(x), factor, min_sd)


def for_weak_data(model: CorrelationModel, n_repeated: int) -> CorrelationModel:
    """The model where data are compared as far out as they say anything, so that the CC to expect may be low.

    It is that of repeats then, where n_repeated reflections tell it better than the sigmas do, however low it is; and
    systematic errors are a part of it, as they are of the intensities, beside its own uncertainty.
    """
    sd = model.sd_factor / np.sqrt(max(n_repeated, 1))
    if model.cc_identity is None or sd > SD_FROM_SIGMAS / 2:
        return model
    cc = float(np.clip(model.cc_identity, 2 * sd, 1))
    return replace(model, cc_true=cc, min_sd=min(model.min_sd, float(np.hypot(model.min_sd * cc, sd))))


def unrelated_pairs(merged: FriedelMerged, rotations: np.ndarray, e2: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """E^2 of up to 20000 pairs of observations that no rotation of the lattice relates."""
    span = span_of(merged.hkl)
    orbit = np.min([hkl_key(merged.hkl @ w, span) for w in rotations], axis=0)[merged.inverse]
    order = np.random.default_rng(1).permutation(len(e2))
    left, right = order, np.roll(order, 1)
    keep = orbit[left] != orbit[right]
    return e2[left[keep][:N_UNRELATED]], e2[right[keep][:N_UNRELATED]]


def _sd_factor(x: np.ndarray, y: np.ndarray) -> float:
    """Sd(CC) sqrt(n), from the scatter of the CC of small samples of unrelated pairs."""
    factors = []
    for size in (5, 10, 20, 50, 100, 200):
        n = len(x) // size
        if n < 10:
            break
        a, b = x[: n * size].reshape(n, size), y[: n * size].reshape(n, size)
        a, b = a - a.mean(1, keepdims=True), b - b.mean(1, keepdims=True)
        norm = np.sqrt((a * a).sum(1) * (b * b).sum(1))
        factors.append(np.std((a * b).sum(1) / np.where(norm > 0, norm, 1)) * np.sqrt(size))
    return float(np.mean(factors)) if factors else 1.0


def score_elements(merged: FriedelMerged, rotations: np.ndarray, model: CorrelationModel) -> tuple[ElementScore, ...]:
    """Score every element of the lattice's rotation group, the identity first."""

    def score(members: tuple[int, ...]) -> ElementScore:
        rotation = rotations[members[0]]
        order = rotation_order(rotation)
        sums = pairs_within(merged) if order == 1 else pairs_related(merged, rotation)
        cc = sums.cc
        axis = np.zeros(3, int) if order == 1 else rotation_axis(rotation)
        likelihood = model.likelihood(cc, sums.n_unique)
        return ElementScore(members, order, tuple(axis.tolist()), sums, cc, model.sd(sums.n_unique), likelihood)

    return tuple(map_in_order(score, elements_of(rotations), 1 if len(merged.key) < FEW else 0))
