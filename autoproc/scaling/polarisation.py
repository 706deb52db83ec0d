"""What equivalents say of the beam's polarisation, beside the fraction that intensities were corrected with.

A wrong fraction makes intensities wrong by the direction in which they left, at a given angle by cos(2 azimuth). With
the spindle in the plane of polarisation, or across it, a surface of absorption does the same about the spindle and
hides the error: the two cannot be told apart. But a crystal that absorbs does so in other ways too, where a wrong
polarisation does not: so the fraction is fitted without a surface, and how much of what a surface would explain it
explains is told. The background does not help: fluorescence has no polarisation, and tails of reflections have more.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from autoproc.geometry.corrections import polarisation_factor
from autoproc.scaling.detector_response import Comparable, eliminated, finest, within_groups
from autoproc.scaling.held_out import Trial
from autoproc.scaling.result import ScaleResult


@dataclass(frozen=True, slots=True)
class PolarisationSeen:
    """The fraction of polarisation that was used, and the one that equivalents have.

    sigma : standard uncertainty of `found`; share : of what a free surface of absorption and `found` would explain
    together, in squared deviations, the part that `found` alone explains
    """

    stated: float
    found: float
    sigma: float
    share: float


def polarisation_seen(scaled: ScaleResult, of: Comparable | None) -> PolarisationSeen | None:
    """The polarisation that equivalents have; None where they are too few, or sweeps differ in what was stated."""
    beam = scaled.experiments[0].beam
    if of is None or len({e.beam.polarization_fraction for e in scaled.experiments}) > 1:
        return None
    s1 = scaled.reflections["s1"][of.trial.rows[of.rows]]
    none, whole = (polarisation_factor(replace(beam, polarization_fraction=f), s1) for f in (0.0, 1.0))
    stated = beam.polarization_fraction
    slope = (whole - none) / np.maximum(none + stated * (whole - none), 0.05)
    is_surface, surface = _surface(of.trial)
    return fitted_polarisation(of, surface[of.rows], is_surface, slope, stated)


def fitted_polarisation(
    of: Comparable, surface: np.ndarray, is_surface: np.ndarray, slope: np.ndarray, stated: float
) -> PolarisationSeen:
    """The fraction that makes deviations the smallest, with scale and decay but without a surface.

    surface : (N,) ln of the surface that the deviations are from; is_surface : (k,) which columns of the model are its
    slope : (N,) derivative of the ln of a corrected intensity by the fraction that the beam truly has
    """
    smooth, free = of.model[:, ~is_surface], of.model[:, is_surface]
    columns = within_groups(of.groups, np.column_stack([smooth, slope, free, of.deviation + surface]), of.sigma**-2)
    columns /= of.sigma[:, None]
    normal = eliminated(columns.T @ columns, smooth.shape[1])
    information, all_ = max(float(normal[0, 0]), 1e-12), float(normal[-1, -1])
    difference = float(normal[0, -1]) / information
    explained = difference**2 * information
    together = all_ - float(eliminated(normal, len(normal) - 1)[-1, -1])
    excess = max(1.0, (all_ - together) / max(1, len(surface) - len(np.unique(of.groups.group))))
    sigma = float(np.sqrt(excess / information))
    return PolarisationSeen(stated, stated + difference, sigma, explained / max(together, 1e-12))


def _surface(of: Trial) -> tuple[np.ndarray, np.ndarray]:
    """(k,) bool, which columns of all models are those of surfaces, and (N,) ln of the surfaces."""
    columns, surface = [], np.zeros(len(of))
    for part, model in zip(of.parts, finest(of), strict=True):
        own = np.zeros(len(model.parameters), bool)
        own[model.slices[2]] = True
        columns.append(own)
        surface[part.rows] = np.log(model.terms(part.design)[2])
    return np.concatenate(columns), surface
