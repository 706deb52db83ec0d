"""Parts of the detector that count more, or less, than the rest: by what they make of the same reflections.

A module with another threshold or flat field, a panel of another gain, something thin before a part: each makes its
reflections too strong or too weak by one factor, which equivalents elsewhere on the detector tell. Scales, decay and
above all the surface of absorption bend to follow it, and what they leave says little of where it is and how much. So
a factor is asked for that they cannot give: that of a rectangle, fitted together with them, one rectangle after the
other, to first order about the scales that were found. What depends on the scattering angle alone is the same for all
equivalents, and cannot be told.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from autoproc.merging.groups import EquivalentGroups
from autoproc.scaling.absorption import n_harmonics
from autoproc.scaling.held_out import HeldOutTest, held_out_test
from autoproc.scaling.model import PhysicalModel
from autoproc.scaling.result import ScaleResult
from autoproc.scaling.solve import ABSORPTION

MAX_OBSERVATIONS = 40000
MAX_NUMBERS = 20_000_000
"""Of observations times parameters of all models, 160 megabytes: with many sweeps together fewer observations tell."""
MIN_OBSERVATIONS = 400
"""With repeats: fewer tell of four cells at most, and of these by a tenth of the intensity."""
MIN_I_OVER_SIGMA = 3.0
"""Expected: a weaker reflection says little of a factor, and its logarithm has a bias."""
MIN_IN_CELL = 25
"""Observations in a rectangle, and outside it, from which its factor can be told."""
USUAL_IN_CELL = 60
"""Observations a cell, to which the grid is cut: with 15% of scatter 2% of a factor, before any are joined."""
FINEST = 8
"""Cells each way at most: the modules of the common detectors are that large, and their rectangles are 1296."""
CUT = 3.0
"""Standard deviations at which a deviation is cut."""
STABLE = 1e-6
"""Of the largest diagonal element, added to all, so that what the data do not tell of the scales stays as it was."""


@dataclass(frozen=True, slots=True)
class DetectorResponse:
    """The rectangle of a detector that differs the most from the rest of it.

    factor : what it counts over what the rest does; sigma : its standard uncertainty
    fast, slow : px, the first and the one after the last; panel : index
    """

    factor: float
    sigma: float
    fast: tuple[int, int]
    slow: tuple[int, int]
    panel: int


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """Cells of a panel, n x n: number (N,) of each observation's, -1 on other panels; edges (2, n + 1), px."""

    panel: int
    number: np.ndarray
    edges: np.ndarray

    @property
    def n(self) -> int:
        """Cells each way."""
        return self.edges.shape[1] - 1


@dataclass(frozen=True, slots=True, eq=False)
class StrongObservations:
    """Observations (N,) that tell of what the scales leave: rows of a test on what was held out that are strong enough.

    deviation, sigma : relative, from the mean of equivalents; model : (N, k) derivatives of ln g by all parameters,
    with the finest surface whatever the scaling had
    """

    held_out_test: HeldOutTest
    rows: np.ndarray
    groups: EquivalentGroups
    deviation: np.ndarray
    sigma: np.ndarray
    model: np.ndarray


def strong_observations(scaled: ScaleResult) -> StrongObservations | None:
    """The observations of a scaling that tell of what it leaves; None where they are too few."""
    most = max(degree for degree, _ in ABSORPTION.values())
    n_parameters = sum(len(model.with_degree(most).parameters) for model in scaled.start.models)
    of = held_out_test(scaled, max_observations=min(MAX_OBSERVATIONS, MAX_NUMBERS // n_parameters))
    deviation, sigma = relative_deviations(of)
    rows = np.flatnonzero(sigma < 1.0 / MIN_I_OVER_SIGMA)
    if len(rows) < MIN_OBSERVATIONS:
        return None
    return StrongObservations(of, rows, of.groups.subset(rows), deviation[rows], sigma[rows], _model_columns(of)[rows])


def detector_responses(scaled: ScaleResult, of: StrongObservations | None) -> list[DetectorResponse]:
    """The rectangle that differs the most, of each panel of each sweep whose equivalents can tell."""
    if of is None:
        return []
    table = scaled.reflections
    rows = of.held_out_test.rows[of.rows]
    position = table["xyz_cal_px"] if "xyz_cal_px" in table else table["xyz_obs_px"]
    xy, panel = position[rows, :2], table["panel"][rows].astype(np.intp)
    scans = [id(e.scan) for e in scaled.experiments]
    sweep = np.array([scans.index(scan) for scan in scans])[table["experiment_id"][rows].astype(np.intp)]
    found = []
    for number, one in np.unique(np.column_stack([sweep, panel]), axis=0).tolist():
        here = (sweep == number) & (panel == one)
        if np.count_nonzero(here) < MIN_IN_CELL:
            continue
        best = most_different(of.groups, of.deviation, of.sigma, of.model, grid_of(one, xy, here))
        found += [best] if best is not None else []
    return found


def relative_deviations(of: HeldOutTest) -> tuple[np.ndarray, np.ndarray]:
    """(N,) deviation of each observation from the mean of its equivalents, over that mean, and its uncertainty.

    The uncertainty is infinite where equivalents expect nothing.
    """
    g = np.ones(len(of))
    for part, model in zip(of.parts, finest(of), strict=True):
        g[part.rows] = model.factors(part.design)
    value, variance = of.intensity / g, of.variance / g**2
    mean, _ = of.groups.weighted_mean(value, variance)
    expected = np.nan_to_num(mean)[of.groups.group]
    known = expected > 0
    safe = np.where(known, expected, 1.0)
    return np.where(known, value / safe - 1, 0.0), np.where(known, np.sqrt(variance) / safe, np.inf)


def finest(of: HeldOutTest) -> list[PhysicalModel]:
    """The models of a test with as many coefficients of a surface as their designs have."""
    return [
        model.with_degree(next(n for n, _ in ABSORPTION.values() if n_harmonics(n) == part.design.basis.shape[1]))
        for part, model in zip(of.parts, of.models, strict=True)
    ]


def _model_columns(of: HeldOutTest) -> np.ndarray:
    """(N, parameters of all models) derivatives of ln g."""
    columns = []
    for part, model in zip(of.parts, finest(of), strict=True):
        derivatives = model.log_derivatives(part.design)
        block = np.zeros((len(of), derivatives.shape[1]))
        block[part.rows] = derivatives
        columns.append(block)
    return np.concatenate(columns, axis=1)


def grid_of(panel: int, xy: np.ndarray, here: np.ndarray) -> Grid:
    """The cells of a panel for positions (N, 2), px, of which some are `here` (N,) bool."""
    n = int(np.clip(np.sqrt(np.count_nonzero(here) / USUAL_IN_CELL), 1, FINEST))
    low, high = np.floor(xy[here].min(axis=0)), np.floor(xy[here].max(axis=0)) + 1
    edges = np.rint(np.linspace(low, high, n + 1)).T
    at = [np.clip(np.searchsorted(edges[k], xy[:, k], side="right") - 1, 0, n - 1) for k in (0, 1)]
    return Grid(panel, np.where(here, at[1] * n + at[0], -1), edges)


def most_different(
    groups: EquivalentGroups, deviation: np.ndarray, sigma: np.ndarray, model: np.ndarray, grid: Grid
) -> DetectorResponse | None:
    """The rectangle of cells whose own factor explains the most of relative deviations (N,); None if none can be told.

    sigma : (N,) their standard uncertainties; model : (N, k) derivatives of ln g by what else may explain them
    """
    information, right, rest = _beside_model(groups, deviation, sigma, model, grid)
    count = np.bincount(grid.number[grid.number >= 0], minlength=grid.n**2)
    boxes = rectangles(grid.n)
    inside = np.zeros((len(boxes), grid.n**2))
    for n, box in enumerate(boxes):
        inside[n, _inside(grid.n, box)] = 1.0
    of_each = np.rint(inside @ count).astype(int), np.einsum("ij,ij->i", inside @ information, inside), inside @ right
    found = []
    for box, n_inside, here, value in zip(boxes, *(values.tolist() for values in of_each), strict=True):
        if here > 0 and min(n_inside, len(deviation) - n_inside) >= MIN_IN_CELL:
            # A band and what is beside it explain the same: the smaller one is the part.
            found.append((float(f"{value**2 / here:.6g}"), 2 * n_inside <= len(deviation), value / here, here, box))
    if not found:
        return None
    gain, _, log_factor, here, (x0, x1, y0, y1) = max(found)
    n_free = max(1, len(deviation) - len(np.unique(groups.group)) - model.shape[1])
    factor, excess = float(np.exp(log_factor)), max(1.0, (rest - gain) / n_free)
    fast, slow = grid.edges.astype(int).tolist()
    sigma_factor = factor * float(np.sqrt(excess / here))
    return DetectorResponse(factor, sigma_factor, (fast[x0], fast[x1]), (slow[y0], slow[y1]), grid.panel)


def _beside_model(
    groups: EquivalentGroups, deviation: np.ndarray, sigma: np.ndarray, model: np.ndarray, grid: Grid
) -> tuple[np.ndarray, np.ndarray, float]:
    """Normal matrix (cells, cells) and right side (cells,) of ln factors of cells, and chi^2 without them.

    Common intensities and the model's parameters are fitted with them, and eliminated.
    """
    k, weight = model.shape[1], 1.0 / sigma**2
    on = np.flatnonzero(grid.number >= 0)
    cells = np.zeros((len(deviation), grid.n**2))
    cells[on, grid.number[on]] = 1.0
    y = np.clip(deviation, -CUT * sigma, CUT * sigma)
    columns = within_groups(groups, np.column_stack([model, cells, y]), weight) / sigma[:, None]
    free = eliminated(columns.T @ columns, k)
    return free[:-1, :-1], free[:-1, -1], float(free[-1, -1])


def eliminated(normal: np.ndarray, k: int) -> np.ndarray:
    """A normal matrix (n, n) without its first k parameters, which are fitted to what the others leave."""
    a = normal[:k, :k] + STABLE * max(float(normal.diagonal()[:k].max(initial=0.0)), 1e-12) * np.eye(k)
    return np.asarray(normal[k:, k:] - normal[k:, :k] @ np.linalg.solve(a, normal[:k, k:]))


def within_groups(groups: EquivalentGroups, columns: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Columns (N, k) without the weighted mean of each group."""
    total = np.maximum(groups.sum(weight), 1e-300)
    rows = np.array(columns.T, order="C")  # along which memory is read
    for n, row in enumerate(rows):
        rows[n] = row - (groups.sum(weight * row) / total)[groups.group]
    return rows.T


def rectangles(n: int) -> list[tuple[int, int, int, int]]:
    """Cells x0 to x1 - 1 and y0 to y1 - 1 of n x n, in all ways but that of the whole."""
    spans = list(combinations(range(n + 1), 2))
    return [(*x, *y) for y in spans for x in spans if (x, y) != ((0, n), (0, n))]


def _inside(n: int, box: tuple[int, int, int, int]) -> np.ndarray:
    """Numbers of the cells of a rectangle."""
    x0, x1, y0, y1 = box
    return (np.arange(y0, y1)[:, None] * n + np.arange(x0, x1)).ravel()
