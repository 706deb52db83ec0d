"""Anisotropy: how far scaled data are useful in each direction, and how differently they fall off."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import gemmi
import numpy as np

from autoproc.anisotropy.params import AnisotropyParams
from autoproc.anisotropy.surface import LimitSurface, measured_surface
from autoproc.linear_algebra import single_threaded_blas
from autoproc.merging.merging_statistics import scaled_observations
from autoproc.merging.wilson_model import WilsonModel, cartesian_rotations, reciprocal_vectors, wilson_model
from autoproc.models.experiment import Experiment
from autoproc.models.reflections import Reflections
from autoproc.wording import angstrom

AXES = ("a*", "b*", "c*")
SIGNIFICANT = 5.0
"""Standard uncertainties of the difference of B between directions, below which limits that differ do so by chance, or
as modules and corners of the detector leave their marks on small data sets."""
TELLING_B = 10.0
"""Difference of B between directions, Angstrom^2, that is told where the limits do not differ: at 2 Angstrom its factor
is 3.5 in the intensities. Chosen; of 17 isotropic simulated data sets it is at most 1.2."""


@dataclass(frozen=True, slots=True, eq=False)
class Anisotropy:
    """What there is to know of directions.

    surface : of the limits; model : of the expected intensity; cell : of the data
    along : (3,) limits along a*, b* and c*, Angstrom; best, worst : of all directions
    at_edge : (3,) bool, the data end before the signal does along the axis
    is_told : (3,) bool, enough reflections lie around the axis; else it has the limit of all directions together
    n_inside, n_unique : unique reflections within the surface, and all
    differs : the limits do, by more than the parameters ask for; is_notable : and B does so significantly
    """

    surface: LimitSurface
    model: WilsonModel
    cell: gemmi.UnitCell
    along: tuple[float, float, float]
    at_edge: tuple[bool, bool, bool]
    is_told: tuple[bool, bool, bool]
    best: float
    worst: float
    n_inside: int
    n_unique: int
    differs: bool
    is_notable: bool

    @property
    def is_spread(self) -> bool:
        """B differs between directions by more than errors, and by what is worth a word."""
        return self.model.delta_b > TELLING_B and self.model.delta_b > SIGNIFICANT * self.model.uncertainty

    @property
    def spread(self) -> str:
        """How B differs, in words."""
        return f"B differs by {self.model.delta_b:.1f} A^2 between directions"

    @property
    def sentence(self) -> str:
        """In words."""
        each = ", ".join(
            f"{angstrom(d)}{' or better' if edge else ''} along {axis}"
            for d, edge, axis in zip(self.along, self.at_edge, AXES, strict=True)
        )
        kind = "" if self.surface.ellipsoid is not None else "; no ellipsoid fits the limits"
        known = "" if np.isnan(self.model.uncertainty) else f"; {self.spread}"
        return f"{each} (A){known}{kind}{self.untold}"

    @property
    def comparison(self) -> str:
        """Whether the limits are alike, in words that agree with them."""
        best, worst = angstrom(self.best), angstrom(self.worst)
        if best == worst:
            return f"The same in all directions: {best} A"
        if not self.differs:
            return f"Much the same in all directions: {best} to {worst} A"
        range_ = f"From {best} A in the best direction to {worst} A in the worst"
        if self.is_notable:
            return range_
        return f"{range_}; B does not differ by more than its errors, so the data are not taken for anisotropic"

    @property
    def untold(self) -> str:
        """Axes around which too few reflections lie, as the end of a sentence; empty where there are none."""
        axes = [axis for axis, told in zip(AXES, self.is_told, strict=True) if not told]
        if not axes:
            return ""
        return f"; too few reflections around {' and '.join(axes)} to tell, where the limit of all directions stands"


@single_threaded_blas
def anisotropy(
    experiments: Sequence[Experiment], scaled: Reflections, params: AnisotropyParams, d_min: float | None = None
) -> Anisotropy | None:
    """Limits in every direction, from scaled reflections that were not cut yet; None where these are too few.

    d_min : the limit of all directions together, Angstrom, which each has that has no evidence for another; None looks
        for it in the same way as for that of a direction. Raises NoReflections.
    """
    observations = scaled_observations(experiments, scaled)
    groups, cell, group = observations.groups, observations.cell, observations.space_group
    mean, sigma = groups.weighted_mean(observations.intensity, observations.sigma**2)
    s, rotations = reciprocal_vectors(cell, groups.hkl), cartesian_rotations(group, cell)
    epsilon = np.asarray(group.operations().epsilon_factor_without_centering_array(groups.hkl), float)
    model = wilson_model(s, mean / epsilon, sigma / epsilon, groups.is_centric, rotations)
    common, thresholds = None if d_min is None else 1.0 / d_min, (params.cc_half, params.misigma)
    surface = measured_surface(s, rotations, observations.halves, mean / sigma, thresholds, common)
    return None if surface is None else _described(surface, model, cell, s, params.min_ratio)


def _described(
    surface: LimitSurface, model: WilsonModel, cell: gemmi.UnitCell, s: np.ndarray, min_ratio: float
) -> Anisotropy:
    """What a surface says of the unique reflections s (G, 3), 1/Angstrom."""
    stars = reciprocal_vectors(cell, np.eye(3))
    end = 1.0 / np.linalg.norm(s, axis=1).max()
    along, nearest = np.maximum(1.0 / surface.s_max(stars), end), surface.nearest(stars)
    is_edge, is_told = surface.limits.is_edge[nearest], surface.limits.is_told[nearest]
    every = np.clip(1.0 / surface.s_max(surface.limits.direction), end, None)
    differs = bool(every.max() >= min_ratio * every.min())
    return Anisotropy(
        surface, model, cell,
        (float(along[0]), float(along[1]), float(along[2])),
        (bool(is_edge[0]), bool(is_edge[1]), bool(is_edge[2])),
        (bool(is_told[0]), bool(is_told[1]), bool(is_told[2])),
        float(every.min()), float(every.max()), int(np.count_nonzero(surface.holds(s))), len(s),
        differs, bool(differs and model.delta_b > SIGNIFICANT * model.uncertainty),
    )  # fmt: skip


def format_anisotropy(found: Anisotropy | None) -> str:
    """The limits in words."""
    if found is None:
        return "Too few reflections to tell directions apart"
    values, vectors = found.model.principal
    lines = [
        f"Limits: {found.sentence}",
        found.comparison,
        f"{found.n_inside} of {found.n_unique} unique reflections are within",
        "B against the mean, A^2, along the principal directions (in a*, b*, c*):",
    ]
    stars = reciprocal_vectors(found.cell, np.eye(3))
    for value, vector in zip(values, vectors.T, strict=True):
        parts = np.linalg.solve(stars.T, vector)
        parts = parts / np.abs(parts).max()
        lines.append(f"  {value:+7.1f}  {' '.join(f'{p:+.2f} {axis}' for p, axis in zip(parts, AXES, strict=True))}")
    return "\n".join(lines)
