"""What makes a sweep suspect: small rules on numbers that say what they saw, what is usual, and what to do.

Each rule takes what it needs and returns a Check, or None where it does not apply. What counts as usual comes
from the practice of macromolecular crystallography; a check that fails is a reason to look, not a verdict.
"""

from autoproc.reports.checks.agreement import (
    EQUIVALENTS,
    HIGH_INNER_R_MEAS,
    any_agreement,
    asymptotic_signal,
    convergence,
    damage,
    decay,
    inner_agreement,
    outliers,
    suffering,
)
from autoproc.reports.checks.check import Check, Verdict, gravest_first, overall_verdict
from autoproc.reports.checks.coverage import (
    NONE_LOST,
    SAME_RESOLUTION,
    LostImages,
    completeness_inside,
    coverage,
    inner_coverage,
    outer_signal,
    overloads,
    redundancy,
    resolution_limit,
)
from autoproc.reports.checks.data_sets import data_sets
from autoproc.reports.checks.images import doubts, ice, ice_rings, images
from autoproc.reports.checks.instrument import counting_errors, detector_response, polarisation, shadowed
from autoproc.reports.checks.intensities import pseudo_translation, twinning
from autoproc.reports.checks.lattice import (
    VERY_FEW_INDEXED,
    geometry,
    given_space_group,
    lattices,
    spot_positions,
    spots_indexed,
)

__all__ = [
    "EQUIVALENTS",
    "HIGH_INNER_R_MEAS",
    "NONE_LOST",
    "SAME_RESOLUTION",
    "VERY_FEW_INDEXED",
    "Check",
    "LostImages",
    "Verdict",
    "any_agreement",
    "asymptotic_signal",
    "completeness_inside",
    "convergence",
    "counting_errors",
    "coverage",
    "damage",
    "data_sets",
    "decay",
    "detector_response",
    "doubts",
    "geometry",
    "given_space_group",
    "gravest_first",
    "ice",
    "ice_rings",
    "images",
    "inner_agreement",
    "inner_coverage",
    "lattices",
    "outer_signal",
    "outliers",
    "overall_verdict",
    "overloads",
    "polarisation",
    "pseudo_translation",
    "redundancy",
    "resolution_limit",
    "shadowed",
    "spot_positions",
    "spots_indexed",
    "suffering",
    "twinning",
]
