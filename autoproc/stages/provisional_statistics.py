"""Statistics of a sweep that is still being collected: what was recorded so far, and how strong spots agree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from autoproc.decisions.provisional import ProvisionalReport
from autoproc.geometry.corrections import lorentz_polarisation
from autoproc.geometry.reciprocal import zeta
from autoproc.geometry.strategy import Completeness
from autoproc.indexing.assign import assign, observed_tolerance
from autoproc.indexing.reciprocal_spots import spots_in_reciprocal_space
from autoproc.linear_algebra import single_threaded_blas
from autoproc.merging.agreement import GroupAgreement, group_agreement
from autoproc.merging.groups import group_equivalents
from autoproc.models.experiment import Experiment
from autoproc.models.image_facts import ImageFacts
from autoproc.models.reflections import Flag, Reflections
from autoproc.stages.find_spots import FoundSpots
from autoproc.stages.probe_sweep import Probe

LARGEST_TOLERANCE = 0.3
"""Of an index, that a spot may be from a lattice point, as where sweeps are indexed."""
STEEP = 0.3
"""|zeta| from which spots are compared: beside the spindle the Lorentz factor is large, and so are its errors."""
FEW = 50
"""Spots, and unique reflections measured twice, below which no agreement is told. A judgement."""


@single_threaded_blas
def provisional_statistics(
    experiment: Experiment, found: FoundSpots, facts: Sequence[ImageFacts], part: float, probe: Probe
) -> ProvisionalReport:
    """Of the images so far.

    experiment, found : with the scan of these images, and their spots; facts : of each image
    part : of the planned images; probe : the latest that has found a lattice
    """
    scan, known = experiment.scan, probe.best
    report = ProvisionalReport(part, scan.n_images, scan.n_images * abs(scan.oscillation[1]))
    if known is None or probe.completeness is None:
        return replace(report, why_not="no lattice is known")
    how = probe.completeness
    laue = known.space_group.laue_str()
    report = replace(
        report, laue=laue, d_min=how.d_min, completeness=how.at(report.rotation),
        multiplicity=_multiplicity(how, report.rotation),
    )  # fmt: skip
    intensity, sigma, hkl = _intensities(replace(known.experiments[0], scan=scan), found.reflections, facts)
    if len(hkl) < FEW:
        return replace(report, n_strong=len(hkl))
    agreement = group_agreement(group_equivalents(known.space_group, hkl), intensity, sigma)
    return replace(report, n_strong=len(hkl), i_over_sigma=agreement.i_over_sigma, r_meas=_r_meas(agreement))


def _multiplicity(how: Completeness, rotation: float) -> float:
    return how.n_recorded_at(rotation) / max(1.0, how.at(rotation) * how.n_unique)


def _r_meas(agreement: GroupAgreement) -> float | None:
    return agreement.steady_r_meas if np.count_nonzero(agreement.count > 1) >= FEW else None


def _intensities(
    experiment: Experiment, spots: Reflections, facts: Sequence[ImageFacts]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(N,) intensities with their sigmas, and (N, 3) indices of the spots that are whole and on the lattice.

    The background below a spot is taken to be that of its image.
    """
    assert experiment.crystal is not None
    A = experiment.crystal.A
    box = spots["bbox"]
    whole = (box[:, 4] > 0) & (box[:, 5] < experiment.scan.n_images) & ~spots.has_flag(Flag.OVERLOADED)
    spots = spots[whole]
    observed = spots_in_reciprocal_space([experiment], spots)
    assigned = assign([A], observed, [observed_tolerance(A, observed, LARGEST_TOLERANCE)])
    steep = np.abs(zeta(experiment.goniometer, experiment.beam, observed.s1)) > STEEP
    spots, s1, hkl = (rows[assigned.is_indexed & steep] for rows in (spots, observed.s1, assigned.hkl))
    levels = {one.image: one.level or 0.0 for one in facts}
    image = experiment.scan.image_range[0] + spots["xyz_obs_px"][:, 2].astype(int)
    background = np.array([levels.get(int(number), 0.0) for number in image]) * spots["n_signal"]
    corrected = lorentz_polarisation(experiment.beam, experiment.goniometer, s1)
    return (
        (spots["intensity_sum"] - background) * corrected,
        np.sqrt(np.maximum(spots["variance_sum"], 1.0)) * corrected,
        hkl,
    )
