"""Spots and reflections of a simulated sweep as stages would give them, and as they truly are."""

from __future__ import annotations

import numpy as np

from autoproc.models.reflections import Flag, Reflections


def strong_spots(sweep, n_lattices=1, brightest=1500):
    """The brightest complete reflections as spot finding and indexing would give them."""
    seen = sweep.observations(1)
    complete = np.flatnonzero((seen.partiality > 0.98) & (seen.lattice < n_lattices))
    rows = complete[np.argsort(-seen.counts[complete])[:brightest]]
    depth = np.maximum(1, np.ceil(2 * sweep.params.mosaicity / sweep.params.width))
    low = np.floor(seen.xyz[rows] - [1, 1, depth]).astype(int)
    high = np.ceil(seen.xyz[rows] + [1, 1, depth]).astype(int)
    low[:, 2], high[:, 2] = np.maximum(low[:, 2], 0), np.minimum(high[:, 2], sweep.n_frames)
    return Reflections(
        {
            "hkl": seen.hkl[rows], "experiment_id": seen.lattice[rows], "xyz_obs_px": seen.xyz[rows],
            "bbox": np.stack([low, high], axis=2).reshape(-1, 6),
            "flags": np.full(len(rows), int(Flag.INDEXED | Flag.STRONG)),
        }
    )  # fmt: skip


def pairs(sweep, table):
    """Rows of the table and of the sweep's observations that are the same passage of a reflection."""
    seen = sweep.observations(1)
    where: dict[tuple[int, ...], list[int]] = {}
    for row, key in enumerate(zip(table["experiment_id"].tolist(), *table["hkl"].T.tolist(), strict=True)):
        where.setdefault(key, []).append(row)
    ours, theirs = [], []
    for row, key in enumerate(zip(seen.lattice.tolist(), *seen.hkl.T.tolist(), strict=True)):
        for candidate in where.get(key, ()):
            if np.abs(table["xyz_cal_px"][candidate] - seen.xyz[row]).max() < 2:
                ours.append(candidate)
                theirs.append(row)
    return np.array(ours), seen, np.array(theirs)
