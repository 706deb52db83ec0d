"""Small simulated wedges and what is true of their settings."""

from __future__ import annotations

from functools import cache

import gemmi
import numpy as np

from autoproc.models.space_group import rotations_of
from autoproc.simulation.wedges import Wedges, WedgesParams, simulate_wedges

CELLS = {
    "P 3": (40.0, 40.0, 50.0, 90.0, 90.0, 120.0), "P 63": (40.0, 40.0, 50.0, 90.0, 90.0, 120.0),
    "P 31 2 1": (40.0, 40.0, 50.0, 90.0, 90.0, 120.0), "R 3": (50.0, 50.0, 50.0, 90.0, 90.0, 120.0),
    "I 2 3": (50.0, 50.0, 50.0, 90.0, 90.0, 90.0), "P 4": (40.0, 40.0, 50.0, 90.0, 90.0, 90.0),
    "P 1 21 1": (40.0, 35.0, 40.0, 90.0, 100.0, 90.0), "C 1 2 1": (50.0, 40.0, 45.0, 90.0, 90.5, 90.0),
    "P 21 21 21": (40.0, 40.0, 50.0, 90.0, 90.0, 90.0),
    "P 4 2 2": (40.0, 40.0, 50.0, 90.0, 90.0, 90.0),
}  # fmt: skip


@cache
def wedges_of(group: str, n: int = 6, n_impostors: int = 0, seed: int = 0, **changes: object) -> Wedges:
    chosen = {"d_min": 3.2, "degrees": (15, 40), "cell": CELLS[group], **changes}
    return simulate_wedges(
        WedgesParams(space_group=group, n_wedges=n, n_impostors=n_impostors, seed=seed, **chosen)
    )  # fmt: skip


def n_alike(group: str, operators: list[np.ndarray]) -> int:
    """The most operators, from the true basis to that of a result, that differ by symmetry only."""
    own = [w.T for w in rotations_of(gemmi.SpaceGroup(group))]

    def alike(a: np.ndarray, b: np.ndarray) -> bool:
        return any(np.allclose(np.linalg.inv(a) @ b, w, atol=0.01) for w in own)

    return max(sum(alike(a, b) for b in operators) for a in operators)


def mtz_of(path, group, wedges, change, label="IMEAN", kind="J"):
    """The truth as a merged file, in another setting."""
    space_group = gemmi.SpaceGroup(group)
    hkl = np.rint(wedges.hkl @ np.asarray(change).T)
    keep = gemmi.ReciprocalAsu(space_group)
    inside = np.array([keep.is_in([int(x) for x in h]) for h in hkl])
    mtz = gemmi.Mtz(with_base=True)
    mtz.spacegroup = space_group
    mtz.set_cell_for_all(gemmi.UnitCell(*CELLS[group]))
    mtz.add_dataset("known")
    mtz.add_column(label, kind)
    value = np.sqrt(wedges.intensity) if kind == "F" else wedges.intensity
    mtz.set_data(np.column_stack([hkl, value])[inside].astype(np.float32))
    path.write_bytes(mtz.write_to_bytes())
    return path
