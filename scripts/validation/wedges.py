"""Merged data of wedges, and of one sweep of the same multiplicity, beside the true intensities."""

from __future__ import annotations

from dataclasses import dataclass

import gemmi
import numpy as np

from autoproc.geometry.asu import to_asu
from autoproc.models.merged import Merged
from autoproc.models.space_group import rotations_of
from autoproc.scaling.params import ScaleParams
from autoproc.simulation.wedges import Wedges, WedgesParams, simulate_wedges
from autoproc.stages.combine import CombineParams, CombineResult, combine
from autoproc.stages.merge import MergeParams, merge
from autoproc.stages.scale import scale
from autoproc.symmetry.params import SymmetryParams

N_SHELLS = 5
"""Of equal numbers of unique reflections."""


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """True intensities of the unique reflections hkl (N, 3): plus, minus (N,) of each hand; d (N,) Angstrom."""

    group: gemmi.SpaceGroup
    hkl: np.ndarray
    plus: np.ndarray
    minus: np.ndarray
    d: np.ndarray

    @classmethod
    def of(cls, wedges: Wedges, params: WedgesParams) -> Truth:
        """Of all indices of the sphere."""
        group = gemmi.SpaceGroup(params.space_group)
        asu, isym = to_asu(np.asarray(wedges.hkl, np.int32), group)
        hkl, row = np.unique(asu, axis=0, return_inverse=True)
        hands = []
        for hand in (isym % 2 == 1, isym % 2 == 0):
            count = np.bincount(row, hand, len(hkl))
            hands.append(np.bincount(row, hand * wedges.intensity, len(hkl)) / np.where(count, count, np.nan))
        plus, minus = (np.where(np.isnan(a), b, a) for a, b in (hands, hands[::-1]))
        return cls(group, hkl, plus, minus, gemmi.UnitCell(*params.cell).calculate_d_array(hkl))

    def rows(self, hkl: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(N,) place of each reflection, -1 for none, and whether it is of the minus hand."""
        asu, isym = to_asu(np.rint(hkl).astype(np.int32), self.group)
        place = {tuple(h): n for n, h in enumerate(self.hkl.tolist())}
        return np.array([place.get(tuple(h), -1) for h in asu.tolist()]), isym % 2 == 0

    def shells(self) -> list[np.ndarray]:
        """Rows of each shell, low resolution first."""
        return np.array_split(np.argsort(-self.d, kind="stable"), N_SHELLS)


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """Of each unique reflection of the truth (N,): the merged intensity, NaN where there is none, what it should be,
    each hand as often as it was measured, and the number n of observations."""

    merged: np.ndarray
    true: np.ndarray
    n: np.ndarray

    def cc(self, rows: np.ndarray) -> float:
        """Of some reflections with the truth."""
        return float(np.corrcoef(self.merged[rows], self.true[rows])[0, 1]) if len(rows) > 2 else float("nan")


def placed(truth: Truth, hkl: np.ndarray, intensity: np.ndarray, counts: tuple[np.ndarray, np.ndarray]) -> Measured:
    """hkl (M, 3) in the truth's basis with merged intensities (M,) and observations of either hand, (M,) each."""
    row, is_minus = truth.rows(hkl)
    there = row >= 0
    row, is_minus = row[there], is_minus[there]
    n_plus, n_minus = (np.where(is_minus, b[there], a[there]) for a, b in (counts, counts[::-1]))
    merged, true, n = (np.full(len(truth.hkl), np.nan) for _ in range(3))
    merged[row], n[row] = intensity[there], n_plus + n_minus
    true[row] = (n_plus * truth.plus[row] + n_minus * truth.minus[row]) / (n_plus + n_minus)
    return Measured(merged, true, n)


def by_the_chain(wedges: Wedges, truth: Truth) -> tuple[CombineResult, Measured]:
    """Combined, scaled and merged as by the commands, with nothing known beforehand."""
    combined = combine(wedges.experiments, wedges.reflections, CombineParams(), SymmetryParams())
    scaled = scale(combined.experiments, combined.reflections, ScaleParams())
    merged = merge(scaled.experiments, scaled.reflections, MergeParams())
    return combined, measured(merged, truth, common_change(truth, wedges, combined))


def measured(merged: Merged, truth: Truth, change: np.ndarray) -> Measured:
    """change : (3, 3) from the truth's basis to that of the merged data."""
    hkl = merged.hkl @ np.linalg.inv(change).T
    return placed(truth, hkl, merged.intensity, (merged.n_plus, merged.n_minus))


def by_the_true_scales(wedges: Wedges, truth: Truth) -> Measured:
    """What the best of all chains would get: the true settings, scales and errors."""
    ids = wedges.reflections["experiment_id"]
    own = ~wedges.is_impostor[ids]
    back = np.linalg.inv(np.array(wedges.operators))
    hkl = np.einsum("nij,nj->ni", back[ids[own]], wedges.reflections["hkl"][own])
    row, is_minus = truth.rows(hkl)
    factor, n = wedges.factor[own], len(truth.hkl)
    weight = factor**2 / wedges.reflections["variance_prf"][own]
    total = np.bincount(row, weight, n)
    with np.errstate(invalid="ignore"):
        mean = np.bincount(row, weight * wedges.reflections["intensity_prf"][own] / factor, n) / total
    seen = total > 0
    counts = np.bincount(row, ~is_minus, n)[seen], np.bincount(row, is_minus, n)[seen]
    return placed(truth, truth.hkl[seen], mean[seen], counts)


def common_change(truth: Truth, wedges: Wedges, result: CombineResult) -> np.ndarray:
    """(3, 3) from the truth's basis to the one in which most of the true wedges are."""
    changes = changes_of_true_ones(wedges, result)
    own = rotations_of(truth.group)
    return max(changes, key=lambda a: sum(is_alike(a, b, own) for b in changes))


def changes_of_true_ones(wedges: Wedges, result: CombineResult) -> list[np.ndarray]:
    """(3, 3) from the truth's basis to that in which each of the true wedges that were kept is."""
    kept = [f for f in result.data_sets if f.change_of_basis is not None and not wedges.is_impostor[f.number]]
    return [f.change_of_basis @ wedges.operators[f.number] for f in kept]


def is_alike(a: np.ndarray, b: np.ndarray, own: np.ndarray) -> bool:
    """Whether two changes of basis differ by one of the crystal's own rotations only."""
    return any(np.allclose(np.linalg.inv(a) @ b, w.T, atol=0.01) for w in own)


def one_sweep(params: WedgesParams, wedges: Wedges) -> Wedges:
    """One crystal of the same structure turned as far as the wedges together, as strong as they are on average."""
    scans = zip(wedges.experiments, wedges.is_impostor, strict=True)
    degrees = float(sum(e.scan.n_images for e, is_impostor in scans if not is_impostor))
    scale, decay = (sum(ends) / 2 for ends in (params.scales, params.decays))
    changes = {
        "n_wedges": 1, "n_impostors": 0, "degrees": (degrees, degrees), "scales": (scale, scale),
        "decays": (decay, decay),
    }  # fmt: skip
    return simulate_wedges(params.model_copy(update=changes))
