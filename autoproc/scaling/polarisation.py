"""What equivalents say of the beam's polarisation, beside the fraction that intensities were corrected with.

A wrong fraction makes intensities wrong by the direction in which they left, at a given angle by cos(2 azimuth). With
the spindle in the plane of polarisation, or across it, a surface of absorption does the same about the spindle: the
two are told apart only by how much of such a surface this crystal has otherwise. So the fraction is fitted together
with a surface whose coefficients are drawn from one normal distribution, and its width is what the data make of it
(a Gaussian process about the sphere, as Rasmussen & Williams 2006, chapter 5, choose hyperparameters): a crystal that
absorbs makes the fraction uncertain, one that does not leaves it sharp. The background does not help: fluorescence has
no polarisation, and tails of reflections have more.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from autoproc.geometry.corrections import polarisation_factor
from autoproc.merging.groups import EquivalentGroups
from autoproc.scaling.detector_response import StrongObservations, eliminated, finest, within_groups
from autoproc.scaling.held_out import HeldOutTest
from autoproc.scaling.result import ScaleResult

WIDTHS = np.geomspace(1e-3, 1.0, 25)
"""Rms of the coefficients of a surface, from a crystal that absorbs nothing to one whose transmission varies by half;
each as likely as the others before the data are looked at."""
LEAST_ERROR = 0.05
"""Of the fraction, by what integration leaves and no surface explains: four measured sweeps of L-cysteine at a
synchrotron are off by 0.03, 0.03, 0.07 and 0.11, where the rest of the error is 0.01 to 0.02; simulated crystals that
do not absorb by up to 0.01."""
LEAST_CORRECTION = 0.05


@dataclass(frozen=True, slots=True)
class PolarisationSeen:
    """The fraction of polarisation that was used, and the one that equivalents have.

    sigma : standard uncertainty of `found`, with what absorption may do to it. Of 22 simulated sweeps of multiplicities
        1.9 to 9.5, rms absorption 0 to 0.2, the rms of (found - truth) / sigma is 0.8 and the greatest 2.2
    """

    stated: float
    found: float
    sigma: float


def polarisation_seen(scaled: ScaleResult, of: StrongObservations | None) -> PolarisationSeen | None:
    """The polarisation that equivalents have; None where they are too few, or sweeps differ in what was stated."""
    beam = scaled.experiments[0].beam
    if of is None or len({e.beam.polarization_fraction for e in scaled.experiments}) > 1:
        return None
    s1 = scaled.reflections["s1"][of.held_out_test.rows[of.rows]]
    none, whole = (polarisation_factor(replace(beam, polarization_fraction=f), s1) for f in (0.0, 1.0))
    stated = beam.polarization_fraction
    slope = (whole - none) / np.maximum(none + stated * (whole - none), LEAST_CORRECTION)
    is_surface, surface = _surface(of.held_out_test)
    return fitted_polarisation(of, surface[of.rows], is_surface, slope, stated)


def fitted_polarisation(
    of: StrongObservations, surface: np.ndarray, is_surface: np.ndarray, slope: np.ndarray, stated: float
) -> PolarisationSeen:
    """The fraction that makes deviations the smallest, with scale and decay, and with a surface as wide as need be.

    surface : (N,) ln of the surface that the deviations are from; is_surface : (k,) which columns of the model are its
    slope : (N,) derivative of the ln of a corrected intensity by the fraction that the beam truly has
    """
    smooth, free = of.model[:, ~is_surface], of.model[:, is_surface]
    sigma = common_sigma(of.groups, of.sigma)
    # A surface 1 + x is what its own derivatives make of its coefficients, x / (1 + x), to first order about itself.
    from_none = of.deviation - np.expm1(-surface)
    columns = within_groups(of.groups, np.column_stack([smooth, slope, from_none, free]), sigma**-2)
    columns /= sigma[:, None]
    normal = eliminated(columns.T @ columns, smooth.shape[1])
    n_free = max(1, len(surface) - len(np.unique(of.groups.group)))
    difference, error = beside_surface(normal, n_free)
    return PolarisationSeen(stated, stated + difference, float(np.hypot(error, LEAST_ERROR)))


def common_sigma(groups: EquivalentGroups, sigma: np.ndarray) -> np.ndarray:
    """(N,) the same for all observations of a group, from their own.

    By its own, which is of its own counts, an observation that is too weak by chance would weigh more than one too
    strong; and more so where the beam's polarisation leaves few counts.
    """
    mean = groups.sum(sigma**2) / np.maximum(groups.count, 1)
    return np.asarray(np.sqrt(mean)[groups.group])


def beside_surface(normal: np.ndarray, n_free: int) -> tuple[float, float]:
    """Value of a parameter beside a surface of unknown width, and its standard uncertainty.

    normal : (2 + k, 2 + k) normal matrix of the parameter, the deviations, and the k coefficients of the surface
    n_free : observations beyond what was fitted, by which errors are told that are too small
    """
    values, axes = np.linalg.eigh(normal[2:, 2:])
    values, cross = np.maximum(values, 0.0), axes.T @ normal[2:, :2]
    known = np.maximum(values, 1e-9 * max(float(values.max(initial=0.0)), 1e-12))
    rest = float(eliminated(_within(normal[:2, :2], cross, 1 / known), 1)[0, 0])
    excess = max(1.0, rest / n_free)
    values, cross, own = values / excess, cross / excess, normal[:2, :2] / excess
    found = []
    for width in WIDTHS:
        a = _within(own, cross, width**2 / (1 + width**2 * values))
        information = max(float(a[0, 0]), 1e-12)
        chi2 = float(a[1, 1]) - float(a[0, 1]) ** 2 / information
        log_likelihood = -0.5 * (chi2 + np.log(information) + np.log1p(width**2 * values).sum())
        found.append((log_likelihood, float(a[0, 1]) / information, 1 / information))
    logs, estimates, variances = np.array(found).T
    weight = np.exp(logs - logs.max())
    weight /= weight.sum()
    mean = float(weight @ estimates)
    return mean, float(np.sqrt(weight @ (variances + (estimates - mean) ** 2)))


def _within(own: np.ndarray, cross: np.ndarray, inverse: np.ndarray) -> np.ndarray:
    """(2, 2) what is left of a normal matrix beside coefficients with a diagonal inverse (k,)."""
    return np.asarray(own - (cross * inverse[:, None]).T @ cross)


def _surface(of: HeldOutTest) -> tuple[np.ndarray, np.ndarray]:
    """(k,) bool, which columns of all models are those of surfaces, and (N,) ln of the surfaces."""
    columns, surface = [], np.zeros(len(of))
    for part, model in zip(of.parts, finest(of), strict=True):
        own = np.zeros(len(model.parameters), bool)
        own[model.slices[2]] = True
        columns.append(own)
        surface[part.rows] = np.log(model.terms(part.design)[2])
    return np.concatenate(columns), surface
