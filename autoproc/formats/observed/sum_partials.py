"""Reflections in parts, as MOSFLM writes them: one record an image, added up to whole observations."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from autoproc.formats.observed.foreign_data import FileObservations

COMPLETE = 0.95
"""Of a reflection, from which on it counts as whole; AIMLESS takes 0.95 too."""


@dataclass(frozen=True, slots=True, eq=False)
class Parts:
    """Records (N,), which of them are parts, and the batch of each."""

    measured: FileObservations
    is_part: np.ndarray
    batch: np.ndarray


def summed(parts: Parts, is_told: bool = True) -> tuple[FileObservations, list[str]]:
    """Whole observations, and sums of parts of one reflection on images in a row; and of those never completed, words.

    The intensities of parts are those of what was recorded; of a sum of less than the whole, the fraction that the
    parts have together tells how much is missing. is_told : the fractions are, all 1 otherwise
    """
    m, n = parts.measured, len(parts.measured.hkl)
    order = np.lexsort((parts.batch, *m.hkl.T[::-1], m.experiment, ~parts.is_part))
    same = np.zeros(n, bool)
    before, here = order[:-1], order[1:]
    same[1:] = (
        parts.is_part[before] & parts.is_part[here]
        & (m.hkl[before] == m.hkl[here]).all(axis=1)
        & (m.experiment[before] == m.experiment[here])
        & (parts.batch[here] - parts.batch[before] == 1)
    )  # fmt: skip
    group = np.cumsum(~same) - 1
    first = order[~same]
    fraction = np.ones(n) if m.partiality is None else m.partiality

    def added(values: np.ndarray) -> np.ndarray:
        return np.bincount(group, values[order])

    total = np.clip(added(fraction), 1e-3, 1.0)
    weight = np.maximum(fraction, 1e-3)
    position = np.column_stack([added(weight * m.position[:, k]) / added(weight) for k in range(3)])
    part = parts.is_part[first]
    scale = np.where(part, 1 / total, 1.0)  # intensities are those of whole reflections, from here on
    whole = FileObservations(
        m.hkl[first],
        m.experiment[first],
        added(m.intensity) * scale,
        np.sqrt(added(m.sigma**2)) * scale,
        position,
        added(m.is_rejected.astype(float)) > 0,
        None if m.lp is None else m.lp[first],
        total,
        None if m.inverse_scale is None else m.inverse_scale[first],
        None if m.profile is None else added(m.profile) * scale,
        None if m.profile_sigma is None else np.sqrt(added(m.profile_sigma**2)) * scale,
    )
    missing = part & (total < COMPLETE) if is_told else part & (np.bincount(group) == 1)
    return whole, _words_of_unfinished(int(missing.sum()), int(part.sum()), is_told)


def _words_of_unfinished(n: int, n_in_parts: int, is_told: bool) -> list[str]:
    if not n:
        return []
    if is_told:
        return [
            f"{n} of {n_in_parts} observations in parts were never completed: what their parts have together is less "
            f"than {COMPLETE:.0%}, and the rest is calculated from FRACTIONCALC"
        ]
    return [
        f"{n} of {n_in_parts} observations in parts have one part only, and no column FRACTIONCALC tells how much that "
        "is: they are taken as whole, and may be too weak"
    ]
