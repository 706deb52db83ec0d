"""Sweeps of one crystal: what the goniometer says of their settings where their intensities are too few to tell."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np

from autoproc.models.experiment import Experiment
from autoproc.models.space_group import rotations_of

MAX_TURN = np.radians(3.0)
"""By which a goniometer may miss the crystal's orientation on another sweep. Four short sweeps of a small molecule,
turned by 120 degrees between them, differ by 0.9 degrees (real). Of pairs of crystals in random orientations one in
130 000 is as near."""
UNTURNED = 1e-6
"""An orientation matrix this near to that of no rotation is one that the file did not tell."""
MAX_STRAIN = 0.005
"""Relative difference of lengths within a lattice that is the same on two sweeps: what narrow wedges leave of a cell
when they are refined apart. Sweeps that are refined together have one cell."""


def crystal_numbers(experiments: Sequence[Experiment], changes: Mapping[int, np.ndarray]) -> dict[int, int]:
    """For each experiment the first one of the same crystal, itself where none comes before it.

    changes : (3, 3) of each experiment with a crystal, to one basis
    Of one crystal are those whose lattices, in that basis and in the frame of the goniometer's datum, lie upon each
    other: their indices mean the same.
    """
    numbers: dict[int, int] = {}
    first: list[int] = []
    inverse = np.empty((0, 3, 3))
    for n, change in sorted(changes.items()):
        crystal = experiments[n].crystal
        assert crystal is not None
        A = crystal.A @ np.linalg.inv(change)
        same = np.flatnonzero(_lie_upon(A @ inverse))
        numbers[n] = first[same[0]] if len(same) else n
        if not len(same):
            first.append(n)
            inverse = np.concatenate([inverse, np.linalg.inv(A)[None]])
    return numbers


def same_crystals(experiments: Sequence[Experiment]) -> list[int]:
    """For each experiment the first one of the same crystal; itself where none is, or its orientation is not known.

    As crystal_numbers, of experiments of one space group that need not be in one setting of it.
    """
    numbers = list(range(len(experiments)))
    first: list[int] = []
    for n, experiment in enumerate(experiments):
        crystal = experiment.crystal
        if crystal is None or np.allclose(crystal.U, np.eye(3), atol=UNTURNED):
            continue
        turned = crystal.A @ rotations_of(crystal.space_group).astype(float)
        known = (k for k in first if _lie_upon(turned @ np.linalg.inv(_matrix(experiments[k]))).any())
        numbers[n] = next(known, n)
        if numbers[n] == n:
            first.append(n)
    return numbers


def _matrix(experiment: Experiment) -> np.ndarray:
    assert experiment.crystal is not None
    return experiment.crystal.A


def _lie_upon(F: np.ndarray) -> np.ndarray:
    """(N,) bool of maps (N, 3, 3) from one lattice to another: a small turn, and hardly any strain."""
    strain = np.abs(np.swapaxes(F, 1, 2) @ F - np.eye(3)).max(axis=(1, 2), initial=0.0) / 2
    turn = np.abs(F - np.swapaxes(F, 1, 2)).max(axis=(1, 2), initial=0.0) / 2
    is_near = np.abs(F - np.eye(3)).max(axis=(1, 2), initial=0.0) < 0.5
    return is_near & (strain < MAX_STRAIN) & (turn < np.sin(MAX_TURN))


def with_untold_joined(numbers: Mapping[int, int], untold: Collection[int]) -> dict[int, int]:
    """For each experiment the number of the data set that it is compared as.

    untold : experiments whose intensities do not tell their setting
    A crystal with such a sweep is one data set; of the others each sweep is.
    """
    joined = {numbers[n] for n in untold if n in numbers}
    return {n: number if number in joined else n for n, number in numbers.items()}
