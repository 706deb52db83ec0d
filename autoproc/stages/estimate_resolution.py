"""Estimate how far the data are useful: where CC1/2 falls to a limit (0.3 by default)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import scipy

from autoproc.errors import NoReflections, ProcessingError
from autoproc.linear_algebra import single_threaded_blas
from autoproc.merging.merging_statistics import HalfSetShell, HalfSetTables, scaled_observations
from autoproc.merging.params import EstimateResolutionParams
from autoproc.models.experiment import Experiment
from autoproc.models.reflections import Reflections
from autoproc.wording import angstrom

MIN_SHELLS = 3
SHARP = 1.0
"""A fall narrower than this many shells is an edge."""
MIN_IN_SHELL = 30
TABLE_SHELLS = 20
MAX_STEPS_INWARDS = 5
LEAST_SIGNAL = 0.5
"""I/sigma below which a shell of too few repeats for a CC1/2 is taken for noise. Chosen: a simulated corner beyond the
last reflections has -0.1 of 20 observations, whose mean is uncertain by 0.2."""
WITHIN = 1 - 1e-6
"""Of the last reflection's resolution, so that rounding does not leave it out."""
LEAST_WIDTH = 1e-3
"""Of the fall, as a part of the range in 1/d^2: a sharper one cannot be told from this."""
MOST_TRIALS = 40
"""Of parameters of the fall, in its fit. Falls over a few shells come to rest within 20 (simulated); one between two
shells leaves its width and place free, and is sought in vain for hundreds."""


class NoAgreement(ProcessingError):
    """Equivalent reflections have nothing in common."""

    what = "equivalent reflections do not agree in any shell (CC1/2 at most {best:.2f}): these are no data"
    hint = (
        "the lattice or the geometry is wrong, or there is no signal: look at an image; then compare the header with "
        "the beamline's log, and give import_sweep.beam_centre=FAST,SLOW (px), import_sweep.distance=MM, or a known "
        "index.unit_cell=A,B,C,ALPHA,BETA,GAMMA"
    )


@dataclass(frozen=True, slots=True, eq=False)
class ResolutionEstimate:
    """The limit and what it was read from.

    d_min : Angstrom; edge : that of the data, Angstrom; limited_by_data : CC1/2 is still above the
        limit at the edge of the data, so that d_min = edge
    s2 : (n,) 1/d^2 of the shells; cc_half : (n,); n_unique : (n,); fitted : (n,)
    by_misigma : the mean of I/sigma that was asked for, and where the data fall to it, Angstrom; None if it was not
    ended_by : what set the limit: the fitted curve; a fall within a shell, which no curve follows; shells without
        signal just inside the fitted limit; the mean of I/sigma. Where limited_by_data none of them did
    """

    d_min: float
    edge: float
    limited_by_data: bool
    cc_limit: float
    s2: np.ndarray
    cc_half: np.ndarray
    n_unique: np.ndarray
    fitted: np.ndarray
    by_misigma: tuple[float, float] | None = None
    ended_by: Literal["fit", "abrupt", "noise", "misigma"] = "fit"

    @property
    def fitted_at_limit(self) -> float:
        """CC1/2 of the fitted curve at the limit."""
        return float(np.interp(self.d_min**-2.0, self.s2, self.fitted)) if len(self.s2) else float("nan")

    @property
    def why(self) -> str:
        """What set the limit, with the value there: a clause for wherever the limit is told."""
        there = f"the fitted CC1/2 is {self.fitted_at_limit:.2f}"
        if self.limited_by_data:
            still = ", still above" if self.fitted_at_limit > self.cc_limit else "; the limit asked for is"
            return f"the end of the data, where {there}{still} {self.cc_limit:g}"
        if self.ended_by == "abrupt":
            return f"where the signal ends abruptly{self._on_both_sides}"
        if self.ended_by == "noise":
            return f"where shells without signal begin ({there} there)"
        if self.ended_by == "misigma" and self.by_misigma is not None:
            return f"where the mean I/sigma falls to {self.by_misigma[0]:g} ({there} there)"
        return f"where the fitted CC1/2 falls to {self.cc_limit:g}"

    @property
    def _on_both_sides(self) -> str:
        inside = self.s2 < self.d_min**-2.0
        if not inside.any() or inside.all():
            return ""
        return f": CC1/2 {self.cc_half[inside][-1]:.2f} in the last shell, {self.cc_half[~inside][0]:.2f} beyond it"


@single_threaded_blas
def estimate_resolution(
    experiments: Sequence[Experiment], scaled: Reflections, params: EstimateResolutionParams
) -> ResolutionEstimate:
    """Fit CC1/2 = p (1 - tanh((s - s0)/r))/2, s = 1/d^2, to the shells and read it off at the limit.

    The plateau p, 1 for perfect data, lets the fit follow the fall itself where systematic errors keep
    CC1/2 below 1 at low resolution. The shells' extreme reflections count for no more than the next, so that no single
    one decides where data are cut.

    Raises NoReflections where there are too few for shells, NoAgreement if no shell correlates at all.
    """
    observations = scaled_observations(experiments, scaled)
    n_shells = int(np.clip(len(observations.d) // params.reflections_per_shell, MIN_SHELLS, params.max_shells))
    tables = HalfSetTables(observations)
    shells, edge = tables.shells(n_shells), float(tables.d.min())
    estimate = without_empty_shells(resolution_from_shells(shells, edge, params.cc_half), tables)
    if params.misigma is not None:
        estimate = _also_by_misigma(estimate, shells, params.misigma)
    if estimate.limited_by_data:
        return estimate
    within = tables.d[tables.d >= estimate.d_min * WITHIN]
    return replace(estimate, d_min=float(within.min()) * WITHIN)


def _also_by_misigma(estimate: ResolutionEstimate, shells: Sequence[HalfSetShell], limit: float) -> ResolutionEstimate:
    d_min = misigma_limit(shells, estimate.edge, limit)
    is_lower = d_min > estimate.d_min
    limited = estimate.limited_by_data and not is_lower
    found = replace(estimate, d_min=max(d_min, estimate.d_min), limited_by_data=limited, by_misigma=(limit, d_min))
    return replace(found, ended_by="misigma") if is_lower else found


def misigma_limit(shells: Sequence[HalfSetShell], edge: float, limit: float) -> float:
    """Where the mean of I/sigma of merged reflections, which may only fall with resolution, falls to a limit.

    Angstrom; `edge`, that of the data, where it is never so low. Raises NoReflections where it is so low everywhere.
    """
    shells = [s for s in shells if s.i_over_sigma is not None and s.n_unique > 0]
    s2 = np.array([0.5 * (1 / s.d_max**2 + 1 / s.d_min**2) for s in shells])
    mean = np.array([s.i_over_sigma for s in shells], float)
    weight = np.array([s.n_unique for s in shells], float)
    falling = scipy.optimize.isotonic_regression(mean, weights=weight, increasing=False).x if shells else mean
    above = np.flatnonzero(falling > limit)
    if not len(above):
        raise NoReflections(
            f"ask for less: estimate_resolution.misigma={limit / 2:g}",
            stage="the resolution estimate",
            reason=f"the mean of I/sigma is nowhere above {limit:g}",
        )
    last = int(above[-1])
    if last == len(shells) - 1:
        return edge
    part = (falling[last] - limit) / (falling[last] - falling[last + 1])
    return float((s2[last] + part * (s2[last + 1] - s2[last])) ** -0.5)


def without_empty_shells(estimate: ResolutionEstimate, tables: HalfSetTables) -> ResolutionEstimate:
    """Move the limit inwards while the outermost shell of table 1 is below it by itself.

    Where the data end sharply the fit is good to half a shell only, and would leave a shell of noise. Where the corners
    of the detector see each reflection once the shells of the fit end before the data do, and I/sigma tells.
    """
    for _ in range(MAX_STEPS_INWARDS):
        shells = tables.shells(TABLE_SHELLS, estimate.d_min * (1 - 1e-9))
        outer = shells[-1]
        if len(shells) < MIN_SHELLS or not _is_noise(outer, estimate.cc_limit):
            break
        estimate = replace(estimate, d_min=outer.d_max, limited_by_data=False, ended_by="noise")
    return estimate


def _is_noise(shell: HalfSetShell, cc_limit: float) -> bool:
    if shell.cc_half is None or shell.n_unique < MIN_IN_SHELL:
        return shell.i_over_sigma is not None and shell.i_over_sigma < LEAST_SIGNAL
    return shell.cc_half < cc_limit


def resolution_from_shells(shells: Sequence[HalfSetShell], edge: float, cc_limit: float) -> ResolutionEstimate:
    """The limit that the shells' CC1/2 suggest; edge : that of the data, Angstrom."""
    shells = [s for s in shells if s.cc_half is not None and s.n_unique > 3]
    if len(shells) < MIN_SHELLS:
        have = {0: "no shell has", 1: "only 1 shell has"}.get(len(shells), f"only {len(shells)} shells have")
        raise NoReflections(stage="the resolution estimate", reason=f"{have} a CC1/2")
    s2 = np.array([0.5 * (1 / s.d_max**2 + 1 / s.d_min**2) for s in shells])
    cc = np.array([s.cc_half for s in shells], float)
    n = np.array([s.n_unique for s in shells])
    if not np.any(cc > cc_limit):
        raise NoAgreement(cc_limit=cc_limit, best=float(np.max(cc)))
    plateau, centre, width = fit_tanh(s2, cc, n)
    fitted = plateau * tanh_curve(s2, centre, width)
    limit_s2 = centre + width * np.arctanh(1 - 2 * cc_limit / max(plateau, 2 * cc_limit))
    boundary = _last_boundary(s2, cc, cc_limit) if width < SHARP * float(np.median(np.diff(s2))) else np.inf
    is_abrupt, limit_s2 = bool(boundary < limit_s2), min(limit_s2, boundary)
    limited = bool(limit_s2 >= 1 / edge**2)
    d_min = edge if limited else float(1 / np.sqrt(max(limit_s2, s2[0])))
    return ResolutionEstimate(d_min, edge, limited, cc_limit, s2, cc, n, fitted, None, "abrupt" if is_abrupt else "fit")


def _last_boundary(s2: np.ndarray, cc: np.ndarray, cc_limit: float) -> float:
    """1/d^2 between the last shell above the limit that follows others above it, and the next.

    Where data end within a shell's width, the fit cannot say where: this errs to the side of signal.
    """
    below = np.flatnonzero(cc < cc_limit)
    first = int(below[0]) if len(below) else len(cc)
    if first in (0, len(cc)):
        return np.inf
    return float(0.5 * (s2[first - 1] + s2[first]))


def tanh_curve(s2: np.ndarray, centre: float | np.ndarray, width: float | np.ndarray) -> np.ndarray:
    """CC1/2 at s = 1/d^2 (Evans & Murshudov 2013, Acta D69, 1204)."""
    return 0.5 * (1 - np.tanh((s2 - centre) / width))


def fit_tanh(s2: np.ndarray, cc: np.ndarray, n: np.ndarray) -> tuple[float, float, float]:
    """Plateau, centre and width (1/Angstrom^2) of the fall, weighted by sigma = 1/sqrt(n - 3), robustly.

    Started from the best of a grid, since a sharp edge makes a rough target.
    """
    weight = np.sqrt(np.maximum(n - 3, 1))
    span = s2[-1] - s2[0]

    def residuals(p: np.ndarray) -> np.ndarray:
        return weight * (p[2] * tanh_curve(s2, p[0], np.exp(p[1])) - cc)

    def slopes(p: np.ndarray) -> np.ndarray:
        width = np.exp(p[1])
        curve = tanh_curve(s2, p[0], width)
        by_centre = 2 * p[2] * curve * (1 - curve) / width
        return weight[:, None] * np.stack([by_centre, by_centre * (s2 - p[0]), curve], axis=1)

    start = _best_of_grid(s2, cc, weight, span)
    bounds = ([-np.inf, np.log(LEAST_WIDTH * span), 0.3], [np.inf, np.inf, 1.0])
    best = scipy.optimize.least_squares(residuals, start, slopes, loss="soft_l1", bounds=bounds, max_nfev=MOST_TRIALS).x
    return float(best[2]), float(best[0]), float(np.exp(best[1]))


def _best_of_grid(s2: np.ndarray, cc: np.ndarray, weight: np.ndarray, span: float) -> tuple[float, float, float]:
    """Centre, logarithm of the width, and plateau of the lowest target (soft_l1) among many."""
    centre = np.linspace(s2[0], s2[-1] + 0.5 * span, 90)
    width = span * np.geomspace(3 * LEAST_WIDTH, 0.5, 10)
    plateau = np.linspace(0.35, 0.98, 8)
    curves = tanh_curve(s2, centre[:, None, None], width[:, None])
    squares = (weight * (plateau[:, None, None, None] * curves - cc)) ** 2
    target = (np.sqrt(1 + squares) - 1).sum(axis=-1)
    p, c, w = np.unravel_index(int(np.argmin(target)), target.shape)
    return float(centre[c]), float(np.log(width[w])), float(plateau[p])


def format_resolution(estimate: ResolutionEstimate) -> str:
    """The estimate in words, with its shells."""
    lines = ["  d (A)   n unique   CC1/2   fitted"]
    for s2, n, cc, fitted in zip(estimate.s2, estimate.n_unique, estimate.cc_half, estimate.fitted, strict=True):
        lines.append(f"{angstrom(s2**-0.5):>7} {n:10d} {cc:7.3f} {fitted:8.3f}")
    if estimate.by_misigma is not None:
        limit, d_min = estimate.by_misigma
        lines.append(f"The mean of I/sigma of merged reflections falls to {limit:g} at {angstrom(d_min)} A")
    lines.append(f"Resolution limit: {angstrom(estimate.d_min)} A, {estimate.why}")
    return "\n".join(lines)
