"""Reflections in parts, as MOSFLM writes them: one record an image, added up to whole observations."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from autoproc.formats.observed.foreign_data import Measured


@dataclass(frozen=True, slots=True, eq=False)
class Parts:
    """Records (N,), which of them are parts, and the batch of each."""

    measured: Measured
    is_part: np.ndarray
    batch: np.ndarray


def summed(parts: Parts) -> Measured:
    """Whole observations, and sums of parts of one reflection on images in a row.

    The intensities of parts are those of what was recorded; of a sum of less than the whole, the fraction that the
    parts have together tells how much is missing.
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
    return Measured(
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
