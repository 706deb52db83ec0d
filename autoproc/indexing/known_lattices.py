"""More spots of lattices that are known already."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from autoproc.indexing.assign import assign, observed_tolerance
from autoproc.indexing.params import IndexParams
from autoproc.indexing.reciprocal_spots import ReciprocalSpots, spots_in_reciprocal_space
from autoproc.models.experiment import Experiment
from autoproc.models.reflections import Flag, Reflections


def indexed_by(experiments: Sequence[Experiment], spots: Reflections, params: IndexParams) -> Reflections:
    """All spots of one sweep with the indices that known lattices give them, within what each one's scatter allows.

    experiments : one a lattice, refined; beyond the images that they were refined on the crystal is taken to stay as
    it was
    """
    observed = spots_in_reciprocal_space(experiments[:1], spots)
    frame, settings, tolerances, places = spots["xyz_obs_px"][:, 2], [], [], []
    for experiment in experiments:
        crystal = experiment.crystal
        assert crystal is not None
        places.append(_without_movement(observed, crystal.A, crystal.A_at(frame)))
        settings.append(crystal.A)
        tolerances.append(observed_tolerance(crystal.A, places[-1], params.tolerance))
    assignment = assign(settings, places, tolerances)
    table = spots.replace(
        hkl=assignment.hkl, experiment_id=assignment.lattice, imageset_id=np.zeros(len(spots), np.int32)
    )
    flags = table if "flags" in table else table.replace(flags=np.full(len(spots), Flag.STRONG, np.uint64))
    cleared = flags.without_flag(Flag.INDEXED | Flag.USED_IN_REFINEMENT | Flag.CENTROID_OUTLIER)
    named = cleared.with_flag(Flag.INDEXED, assignment.is_indexed)
    return named.with_identifiers({n: e.identifier for n, e in enumerate(experiments)})


def _without_movement(spots: ReciprocalSpots, A: np.ndarray, moved: np.ndarray) -> ReciprocalSpots:
    """Spots where they would be had the crystal A (3, 3) not moved; moved : (N, 3, 3) as it was for each."""
    back = A @ np.linalg.inv(moved)
    turned = {name: np.einsum("nij,nj->ni", back, getattr(spots, name)) for name in ("rlp", "smear")}
    return replace(spots, **turned)
