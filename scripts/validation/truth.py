"""The known answer of a simulated sweep, and how far merged intensities are from it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import gemmi
import numpy as np
from scipy.optimize import least_squares

from autoproc.geometry.asu import to_asu
from autoproc.models.space_group import rotations_of

N_SHELLS = 10
LATTICE_TOLERANCE = 0.03
FULLEST = 0.6745  # the median of |z| of a normal distribution


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """cell : mean over the sweep; U : (lattices, 3, 3); plus, minus : true I(+), I(-) of asu indices hkl."""

    cell: gemmi.UnitCell
    group: gemmi.SpaceGroup
    U: np.ndarray
    hkl: np.ndarray
    plus: np.ndarray
    minus: np.ndarray


@dataclass(frozen=True, slots=True)
class Shell:
    """Merged against true intensities between two resolutions; n of n_true unique reflections were measured.

    chi2 : mean of ((I - truth) / sigma)^2; robust_z : the median of |z| over that of a normal distribution
    """

    d_min: float
    n: int
    n_true: int
    cc: float
    chi2: float
    robust_z: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """Merged data beside the truth.

    cell : ours, in the truth's setting; cell_error : largest of its axes, percent; angle_error : degrees
    operator : (3, 3) rows that take our hkl to the truth's; cc : over all reflections
    n : unique reflections compared; r : sum |I - truth| / sum truth after one scale and one B are fitted
    """

    group: gemmi.SpaceGroup
    cell: gemmi.UnitCell
    cell_error: float
    angle_error: float
    operator: np.ndarray
    cc: float
    shells: tuple[Shell, ...]
    n: int = 0
    r: float = float("nan")


class NotTheLattice(Exception):
    """The merged data's cell is another lattice than the truth's."""


def read_truth(path: Path) -> Truth:
    """Read what `autoproc simulate` and the example data keep beside a sweep."""
    with np.load(path) as archive:
        params = json.loads(str(archive["params"]))
        drift = params.get("cell_drift", params.get("damage_cell", 0.0))
        cell, name = params["cell"], params.get("space_group") or params["sg"]
        group = gemmi.SpaceGroup(name)
        mean_cell = gemmi.UnitCell(*(x * (1 + drift / 2) for x in cell[:3]), *cell[3:])
        hkl, isym = to_asu(archive["hkl"], group)
        plus, minus = archive["ip"], archive["im"]
        swapped = isym % 2 == 0
        plus, minus = np.where(swapped, minus, plus), np.where(swapped, plus, minus)
        return Truth(mean_cell, group, archive["U"], hkl, plus, minus)


def compare(truth: Truth, path: Path) -> Comparison:
    """Compare merged.mtz with the truth, in the indexing that agrees best with it. Raises NotTheLattice."""
    mtz = gemmi.read_mtz_file(str(path))
    operators = lattice_operators(mtz.cell, mtz.spacegroup, truth)
    if not operators:
        raise NotTheLattice("cell " + " ".join(f"{x:.2f}" for x in mtz.cell.parameters))
    merged = {column.label: np.asarray(column.array, float) for column in mtz.columns}
    hkl = np.asarray(mtz.make_miller_array(), np.int32)
    candidates = [(*expected(truth, hkl @ T, merged), T) for T in operators]
    intensity = merged["IMEAN"]
    true, where, operator = max(candidates, key=lambda c: correlation(intensity[c[1] >= 0], c[0][c[1] >= 0]))
    used = (where >= 0) & np.isfinite(intensity) & (merged["SIGIMEAN"] > 0)
    sigma, true, intensity = merged["SIGIMEAN"][used], true[used], intensity[used]
    s2 = np.asarray(truth.cell.calculate_1_d2_array(truth.hkl))
    z = normalised_difference(intensity, sigma, true, s2[where[used]])
    cell = in_setting(mtz.cell, operator)
    axes = np.array(cell.parameters) / np.array(truth.cell.parameters)
    return Comparison(
        group=mtz.spacegroup,
        cell=cell,
        cell_error=float(100 * np.abs(axes[:3] - 1).max()),
        angle_error=float(np.abs(np.subtract(cell.parameters[3:], truth.cell.parameters[3:])).max()),
        operator=operator,
        cc=correlation(intensity, true),
        shells=tuple(_shells(s2, where[used], intensity, true, z)),
        n=len(true),
        r=float(np.abs(z * sigma).sum() / np.abs(intensity).sum()),
    )


def expected(truth: Truth, hkl: np.ndarray, merged: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """True means (N,) of reflections given in the truth's basis, and their row in the truth, -1 for none.

    Friedel mates weigh as much as their sigmas made them weigh in the mean; DIALS's and ours are alike in this.
    """
    asu, isym = to_asu(np.rint(hkl).astype(np.int32), truth.group)
    rows = {tuple(h): row for row, h in enumerate(truth.hkl.tolist())}
    where = np.array([rows.get(tuple(h), -1) for h in asu.tolist()])
    plus, minus = truth.plus[where], truth.minus[where]
    swapped = isym % 2 == 0
    plus, minus = np.where(swapped, minus, plus), np.where(swapped, plus, minus)
    with np.errstate(divide="ignore"):
        weights = [np.nan_to_num(merged[f"SIGI({sign})"] ** -2.0, nan=0.0, posinf=0.0) for sign in "+-"]
    total = weights[0] + weights[1]
    share = np.divide(weights[0], total, out=np.full(len(total), 0.5), where=total > 0)
    return share * plus + (1 - share) * minus, where


def normalised_difference(intensity: np.ndarray, sigma: np.ndarray, true: np.ndarray, s2: np.ndarray) -> np.ndarray:
    """(I - truth) / sigma after one scale and one B, which no data fix, are fitted."""

    def residual(x: np.ndarray) -> np.ndarray:
        return (intensity - np.exp(x[0] - x[1] * s2) * true) / np.hypot(sigma, 0.05 * np.abs(intensity))

    start = np.log(max(intensity @ true, 1e-9) / (true @ true))
    fit = least_squares(residual, [start, 0.0], loss="soft_l1")
    return (intensity - np.exp(fit.x[0] - fit.x[1] * s2) * true) / sigma


def _shells(s2: np.ndarray, row: np.ndarray, intensity: np.ndarray, true: np.ndarray, z: np.ndarray) -> list[Shell]:
    """Shells of equal numbers of the truth's unique reflections, low resolution first."""
    shells = []
    for members in np.array_split(np.argsort(s2), N_SHELLS):
        inside = np.isin(row, members)
        shells.append(
            Shell(
                d_min=float(s2[members].max() ** -0.5),
                n=int(inside.sum()),
                n_true=len(members),
                cc=correlation(intensity[inside], true[inside]),
                chi2=float(np.mean(z[inside] ** 2)) if inside.any() else np.nan,
                robust_z=float(np.median(np.abs(z[inside])) / FULLEST) if inside.any() else np.nan,
            )
        )
    return shells


def correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Pearson's coefficient; NaN of fewer than three pairs."""
    kept = np.isfinite(a) & np.isfinite(b)
    return float(np.corrcoef(a[kept], b[kept])[0, 1]) if kept.sum() > 2 else float("nan")


def lattice_operators(cell: gemmi.UnitCell, group: gemmi.SpaceGroup, truth: Truth) -> list[np.ndarray]:
    """All (3, 3) T with hkl_truth = hkl @ T that lay one lattice on the other, one for each class of the truth's mates.

    Both lattices are reduced first: so settings (I 1 2 1 and C 1 2 1, R and H) are no obstacle, and indexing
    ambiguities are among the operators.
    """
    ours, our_metric = reduced(cell, group)
    theirs, true_metric = reduced(truth.cell, truth.group)
    mates = rotations_of(truth.group)
    found: list[np.ndarray] = []
    for P in unimodular():
        if np.abs(P @ true_metric @ P.T - our_metric).max() > LATTICE_TOLERANCE * our_metric.max():
            continue
        T = ours @ P @ np.linalg.inv(theirs)
        if not any(np.allclose(T, other @ R) for other in found for R in mates):
            found.append(T)
    return found


def reduced(cell: gemmi.UnitCell, group: gemmi.SpaceGroup) -> tuple[np.ndarray, np.ndarray]:
    """(3, 3) M with hkl_reduced = hkl @ M, and the reduced cell's reciprocal metric."""
    gruber = gemmi.GruberVector(cell, group.centring_type(), track_change_of_basis=True)
    gruber.niggli_reduce()
    change = gruber.change_of_basis
    M = np.array(change.rot) / gemmi.Op.DEN
    return M, reciprocal_metric(gruber.get_cell())


def reciprocal_metric(cell: gemmi.UnitCell) -> np.ndarray:
    """(3, 3) G with 1 / d^2 = h G h^T."""
    fractional = np.array(cell.frac.mat.tolist())
    return fractional @ fractional.T


def in_setting(cell: gemmi.UnitCell, T: np.ndarray) -> gemmi.UnitCell:
    """The cell in the basis in which hkl' = hkl @ T."""
    inverse = np.linalg.inv(T)
    real = np.linalg.inv(inverse @ reciprocal_metric(cell) @ inverse.T)
    a, b, c = np.sqrt(np.diag(real))
    cosines = real[1, 2] / (b * c), real[0, 2] / (a * c), real[0, 1] / (a * b)
    return gemmi.UnitCell(a, b, c, *np.degrees(np.arccos(cosines)))


def unimodular() -> np.ndarray:
    """(N, 3, 3) all matrices of -1, 0, 1 with determinant 1."""
    every = np.array(list(product((-1, 0, 1), repeat=9)), float).reshape(-1, 3, 3)
    return every[np.isclose(np.linalg.det(every), 1)]
