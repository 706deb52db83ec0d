"""The words below the titles of figures: what the figure's own data show, or what is true of every such figure."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from autoproc.geometry.edge import Reach
from autoproc.integration.shadow import Untrusted
from autoproc.merging.by_image import ImageAgreement
from autoproc.merging.merging_statistics import MergingStatistics
from autoproc.merging.twinning import TwinningTest
from autoproc.models.experiment import Experiment
from autoproc.refinement.by_image import crystal_by_image
from autoproc.reports.checks import HIGH_INNER_R_MEAS, SAME_RESOLUTION
from autoproc.reports.intensity_plots import HIGHEST_R
from autoproc.reports.maps import MIN_SPOTS, MOST_POINTS
from autoproc.reports.resolution_plots import HIGHEST_R_FACTOR, column
from autoproc.stages.anisotropy import Anisotropy
from autoproc.stages.estimate_resolution import ResolutionEstimate
from autoproc.wording import angstrom, counted

MULTIPLICITY = "Mean number of observations of a unique reflection."
ICE_BUMPS = (3.7, 2.25)
"""Angstrom, where the strongest rings of ice lie close together, or alone, and show in a Wilson plot."""
STRAIGHT_FROM = 4.0
"""Angstrom, beyond which the Wilson plot of a macromolecule is about a straight line."""


def cc_half(statistics: MergingStatistics, estimate: ResolutionEstimate | None) -> str:
    """What the fitted curve has to do with where the data end."""
    used = statistics.overall.d_min
    if estimate is None:
        return "Of random halves of the observations."
    if abs(used / estimate.d_min - 1) > SAME_RESOLUTION - 1:
        fall = f"The estimated limit is {angstrom(estimate.d_min)} \u00c5, {estimate.why}"
        return f"{fall}; the data are used to {angstrom(used)} \u00c5."
    return f"The resolution limit is {estimate.why}."


def i_over_sigma(statistics: MergingStatistics) -> str:
    """From where on there is less signal than noise."""
    values = column(statistics, "i_over_sigma")
    weak = np.flatnonzero(np.isfinite(values) & (values < 1))
    if not len(weak):
        return "Of merged intensities; above 1 in every shell."
    if len(weak) == len(values) - weak[0]:
        return f"Of merged intensities; below 1 beyond {angstrom(statistics.shells[weak[0]].d_max)} \u00c5."
    return f"Of merged intensities; below 1 in {len(weak)} of {len(values)} shells."


def completeness(statistics: MergingStatistics, reach: Reach | None) -> str:
    """How much of the rings the detector sees."""
    if reach is None or reach.inscribed is None:
        return "Of all reflections, and of pairs of Friedel mates."
    if reach.inscribed > statistics.overall.d_min * SAME_RESOLUTION:
        return f"The detector holds whole rings to {angstrom(reach.inscribed)} \u00c5, and parts of them beyond."
    return "The detector holds whole rings, but for its gaps, to the resolution limit."


def r_factors(statistics: MergingStatistics) -> str:
    """Rmeas of the strong reflections beside what is usual, and what is cut off."""
    inner = statistics.inner.r_meas
    words = "Of observations about the means of their equivalents."
    if inner is not None:
        words = f"Rmeas at low resolution is {inner:.3f}; below {HIGH_INNER_R_MEAS:g} is usual."
    every = np.concatenate([column(statistics, field) for field in ("r_meas", "r_merge", "r_pim")])
    return f"{words} Cut off at {HIGHEST_R_FACTOR:g}." if np.any(every > HIGHEST_R_FACTOR) else words


def wilson(statistics: MergingStatistics, is_macromolecular: bool) -> str:
    """What to expect of the curve as far as it reaches."""
    low, high = statistics.shells[0].d_max, statistics.overall.d_min
    words = "Logarithm of the mean intensity."
    if is_macromolecular and high < 0.75 * STRAIGHT_FROM:
        words += f" Beyond {STRAIGHT_FROM:g} \u00c5 a nearly straight fall is usual."
    bumps = [f"{d:g}" for d in ICE_BUMPS if high < d < low]
    return f"{words} Ice would make a bump near {' or '.join(bumps)} \u00c5." if bumps else words


def l_test(test: TwinningTest) -> str:
    """The mean of what is drawn, beside those of the two lines."""
    mean = f"Mean |L| {test.mean_abs_l:.3f}; 0.5 is not twinned, 0.375 a perfect twin."
    return f"To {angstrom(test.d_min)} \u00c5. {mean}"


def spots_per_image(n_indexed: int | None, n_found: int) -> str:
    """What was counted; n_indexed : None where nothing was indexed."""
    words = "Spots whose centroid lies on each image"
    if n_indexed is None:
        return f"{words}."
    return f"{words}; all of them were indexed." if n_indexed == n_found else f"{words}, and those that were indexed."


def cell_lengths(experiment: Experiment) -> str:
    """By how much they change."""
    cell = crystal_by_image(experiment).cell[:, :3]
    change = float(np.ptp(100 * cell / cell.mean(axis=0), axis=0).max())
    return f"As refined: {change:.2f}% between least and greatest at most."


def cell_angles(experiment: Experiment) -> str:
    """By how much they change."""
    change = float(np.ptp(crystal_by_image(experiment).cell[:, 3:], axis=0).max())
    return f"As refined: {change:.2f} degrees between least and greatest at most."


def orientation(experiment: Experiment) -> str:
    """By how much it changes."""
    turned = float(np.abs(crystal_by_image(experiment).rotation).max())
    return f"Against the first image: up to {turned:.2f} degrees. A crystal that slips would make a steep change."


def deviations_map(grid: np.ndarray) -> str:
    """What the colours are; grid : of the map, NaN where nothing is drawn."""
    if not np.isfinite(grid).any():
        return f"No part of the detector has {MIN_SPOTS} spots that refinement used."
    words = "Root mean square distance of spots from their predictions"
    return f"{words}." if np.isfinite(grid).all() else f"{words}; empty where there are fewer than {MIN_SPOTS} spots."


def untrusted(found: Untrusted) -> str:
    """What was found from the sweep itself."""
    if not found.n_hot and not found.is_shadowed.any():
        return "Nothing was found in shadow, and no hot pixel."
    hot = counted(found.n_hot, "hot pixel") if found.n_hot else "no hot pixel"
    shown = f", of which {MOST_POINTS} are drawn" if found.n_hot > MOST_POINTS else ""
    share = f"{found.shadowed_fraction:.2%} of the pixels" if found.is_shadowed.any() else "nothing"
    return f"Found from the sweep itself, and not used: {share} in shadow, {hot}{shown}."


def decay(values: Sequence[np.ndarray]) -> str:
    """Whether there is a B at all; values : by image, of each lattice."""
    if not any(np.ptp(b) > 0 for b in values if len(b)):
        return "None was fitted."
    return "As fitted; radiation damage would make it fall steadily."


def agreement(by_image: Sequence[ImageAgreement]) -> str:
    """What to look for, and what is cut off."""
    words = "An image that stands out does not fit the others."
    is_cut = any(np.any(one.r_merge[np.isfinite(one.r_merge)] > HIGHEST_R) for one in by_image)
    return f"{words} Values above {HIGHEST_R:g} are drawn there." if is_cut else words


def error_model(is_fitted: bool) -> str:
    """What is drawn; is_fitted : there were repeats enough."""
    if not is_fitted:
        return "Squares of normalised deviations; too few repeated observations to fit a model."
    return "Squares of normalised deviations, before and after: 1 is right at every intensity."


def directions(found: Anisotropy, used: float) -> str:
    """How the limits differ, and what was done about it."""
    if not found.is_notable:
        apart = angstrom(used) not in (angstrom(found.best), angstrom(found.worst))
        ends = f" merged.mtz ends at {angstrom(used)} A in all." if apart or found.differs else ""
        return f"{found.comparison}{found.untold}.{ends}"
    return (
        f"{found.comparison}{found.untold}. merged.mtz "
        f"ends at {angstrom(used)} A in all; merged_anisotropic.mtz where the curve does, with {found.n_inside} of "
        f"{found.n_unique} unique reflections."
    )
