"""Free-R flags that are the same for every data set of a crystal form."""

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


def _mixed(hkl: np.ndarray, seed: int) -> np.ndarray:
    """(N,) well mixed uint64 of each index: the finaliser of splitmix64 (Steele et al. 2014)."""
    packed = (hkl.astype(np.int64) + 4096).astype(np.uint64)
    x = (packed[:, 0] << np.uint64(26)) | (packed[:, 1] << np.uint64(13)) | packed[:, 2]
    x = x + np.uint64((seed + 1) * 0x9E3779B97F4A7C15 % 2**64)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))
