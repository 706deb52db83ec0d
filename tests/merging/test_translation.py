from __future__ import annotations

import gemmi
import numpy as np
import pytest

from autoproc.merging.translation import lattice_distance, patterson

CELLS = {
    "P 1": (20, 23, 26, 80, 85, 95), "P 1 21 1": (20, 23, 26, 90, 100, 90), "C 1 2 1": (20, 23, 26, 90, 100, 90),
    "P 3": (20, 20, 30, 90, 90, 120), "P 41 21 2": (20, 20, 30, 90, 90, 90),
}  # fmt: skip


@pytest.mark.parametrize("name", ["P 1", "P 1 21 1", "P 41 21 2", "P 3", "C 1 2 1"])
def test_map_is_the_sum_of_cosines_over_every_mate(name):
    """P(u) = sum |E|^2 cos 2 pi h.u, term by term."""
    group = gemmi.SpaceGroup(name)
    random = np.random.default_rng(0)
    cell = CELLS[name]
    hkl = np.asarray(gemmi.make_miller_array(gemmi.UnitCell(*cell), group, 5.0), np.int32)[:25]
    e2 = random.exponential(size=len(hkl))
    grid = patterson(hkl, e2, group)
    mates: dict[tuple[int, ...], float] = {}
    for h, e in zip(hkl, e2, strict=True):
        for op in group.operations().sym_ops:
            turned = np.array(op.apply_to_hkl(h.tolist()))
            mates[tuple(turned)] = mates[tuple(-turned)] = e
    for _ in range(5):
        at = tuple(int(random.integers(0, n)) for n in grid.shape)
        u = np.array(at) / grid.shape
        assert grid[at] == pytest.approx(sum(e * np.cos(2 * np.pi * np.dot(h, u)) for h, e in mates.items()), abs=1e-9)
    assert grid[0, 0, 0] == grid.max()
    assert min(n / (2 * np.abs(list(mates)).max(axis=0)[k] + 1) for k, n in enumerate(grid.shape)) >= 1


@pytest.mark.parametrize("name", ["P 1 2 1", "C 1 2 1", "I 2 2 2", "F 2 2 2"])
def test_distance_is_from_the_nearest_of_all_lattice_points(name):
    cell = gemmi.UnitCell(30, 20, 25, 90, 100 if "1" in name else 90, 90)
    operations = gemmi.SpaceGroup(name).operations()
    shape = (6, 4, 8)
    found = lattice_distance(cell, shape, operations)
    for at in [(0, 0, 0), (3, 2, 0), (3, 2, 4), (1, 3, 7), (5, 1, 2)]:
        u = np.array(at) / shape
        best = min(
            cell.orthogonalize(gemmi.Fractional(*(u - np.array(c) / 24 - s))).length()
            for c in operations.cen_ops
            for s in np.ndindex(2, 2, 2)
        )
        assert found[at] == pytest.approx(best, abs=1e-9)
