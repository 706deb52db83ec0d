"""Free-R flags that are the same for every data set of a crystal form, or carried on from an earlier one."""

from __future__ import annotations

import gemmi
import numpy as np

from autoproc.geometry.asu import to_asu

HOLOHEDRY = {
    "triclinic": "P -1",
    "monoclinic": "P 1 2/m 1",
    "orthorhombic": "P m m m",
    "tetragonal": "P 4/m m m",
    "trigonal": "P 6/m m m",
    "hexagonal": "P 6/m m m",
    "cubic": "P m -3 m",
}


def free_r_flags(hkl: np.ndarray, space_group: gemmi.SpaceGroup, n_sets: int = 20, seed: int = 0) -> np.ndarray:
    """(N,) int32 in 0 .. n_sets - 1; 0 is the test set, as in CCP4.

    The flag is a hash of the index in the asymmetric unit of the lattice's full symmetry, so that
    twin- and pseudo-symmetry mates share it, and another data set of the crystal form, to any
    resolution, gets the same ones.
    """
    lattice = gemmi.SpaceGroup(HOLOHEDRY[space_group.crystal_system_str()])
    unique, _ = to_asu(hkl, lattice)
    return (_mixed(unique, seed) % np.uint64(n_sets)).astype(np.int32)


def carried_on(
    hkl: np.ndarray, space_group: gemmi.SpaceGroup, known: np.ndarray, number: np.ndarray, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """(N,) int32 flags of hkl (N, 3), and which of them are known.

    known : (M, 3) indices with flags, number (M,), in the basis of hkl and with all equivalents by their own symmetry
    Where equivalents differ, one in the test set takes all there. Others have the flag of a mate by the lattice's
    symmetry, else one by a hash of the index, so that sets keep their share of the reflections.
    """
    flags = np.full(len(hkl), -1, np.int32)
    by_group = _lowest(to_asu(known, space_group)[0], number)
    _fill(flags, to_asu(hkl, space_group)[0], by_group)
    is_known = flags >= 0
    lattice = gemmi.SpaceGroup(HOLOHEDRY[space_group.crystal_system_str()])
    unique, _ = to_asu(hkl, lattice)
    _fill(flags, unique, _lowest(to_asu(known, lattice)[0], number))
    new = flags < 0
    shares = np.bincount(list(by_group.values())).cumsum() / len(by_group)
    drawn = _mixed(unique[new], seed) / 2.0**64
    flags[new] = np.minimum(np.searchsorted(shares, drawn, side="right"), len(shares) - 1)
    return flags, is_known


def in_sets(flags: np.ndarray, hkl: np.ndarray, space_group: gemmi.SpaceGroup, seed: int = 0) -> np.ndarray:
    """(N,) int32: flags (N,) of which 0 is the test set and 1 all else, the latter in sets of its size."""
    share = float((flags == 0).mean())
    n_sets = max(2, round(1 / share)) if share else 2
    unique, _ = to_asu(hkl, gemmi.SpaceGroup(HOLOHEDRY[space_group.crystal_system_str()]))
    return np.where(flags == 0, 0, 1 + (_mixed(unique, seed) % np.uint64(n_sets - 1)).astype(np.int32)).astype(np.int32)


def _lowest(hkl: np.ndarray, number: np.ndarray) -> dict[tuple[int, ...], int]:
    """The lowest number of each index."""
    order = np.argsort(-number, kind="stable")
    return dict(zip(map(tuple, hkl[order].tolist()), number[order].tolist(), strict=True))


def _fill(flags: np.ndarray, hkl: np.ndarray, known: dict[tuple[int, ...], int]) -> None:
    """Write the flags that are known where none is yet."""
    for n in np.flatnonzero(flags < 0):
        flags[n] = known.get(tuple(hkl[n].tolist()), -1)


def _mixed(hkl: np.ndarray, seed: int) -> np.ndarray:
    """(N,) well mixed uint64 of each index: the finaliser of splitmix64 (Steele et al. 2014)."""
    packed = (hkl.astype(np.int64) + 4096).astype(np.uint64)
    x = (packed[:, 0] << np.uint64(26)) | (packed[:, 1] << np.uint64(13)) | packed[:, 2]
    x = x + np.uint64((seed + 1) * 0x9E3779B97F4A7C15 % 2**64)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))
