"""The profiles that integration fitted to reflections: a small file beside those of the stages, for viewers."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from autoproc.errors import CorruptFile
from autoproc.formats.boundary import reads_file

NAME = "profiles.npz"
MOST_VALUES = 1 << 26
"""Of all profiles: a sweep of 360 degrees with 3 x 3 regions has 110,000, of ten lattices a million."""
MOST_REGIONS = 64
"""Along a side of the detector."""


@dataclass(frozen=True, slots=True, eq=False)
class StoredProfiles:
    """Profiles by block of rotation, then by lattice, and by region of the detector.

    shape : (slow, fast) of the detector; n : its regions are n x n
    ends : (B,) frame, from the start of the scan, of the last reflection of each block
    coefficients : (B, L n n, G, G) float32, of splines over (eps1, eps2) / sigma_b
    """

    shape: tuple[int, int]
    n: int
    ends: np.ndarray
    coefficients: np.ndarray


def write_profiles(path: str | Path, profiles: StoredProfiles) -> None:
    """Write them. Raises OSError."""
    with open(path, "wb") as file:
        np.savez_compressed(
            file, shape=np.array(profiles.shape), n=np.array(profiles.n), ends=profiles.ends,
            coefficients=profiles.coefficients.astype(np.float32),
        )  # fmt: skip


@reads_file
def read_profiles(path: str | Path) -> StoredProfiles:
    """What was written. Raises UnreadableFile or CorruptFile."""
    with open(path, "rb") as file:
        try:
            content = np.load(file, allow_pickle=False)
            n_slow, n_fast = (int(size) for size in content["shape"])
            ends = np.asarray(content["ends"], float)
            shape, coefficients = (n_slow, n_fast), np.asarray(content["coefficients"])
            found = StoredProfiles(shape, int(content["n"]), ends, coefficients)
        except (BadZipFile, EOFError, zlib.error) as error:
            raise CorruptFile(path=path, reason="it is no whole archive") from error
    if wrong := _what_is_wrong(found):
        raise CorruptFile(path=path, reason=wrong)
    return found


def _what_is_wrong(found: StoredProfiles) -> str:
    coefficients, ends = found.coefficients, found.ends
    if not (1 <= found.n <= MOST_REGIONS and min(found.shape) > 0):
        return f"it is of {found.n} x {found.n} regions of {found.shape[0]} x {found.shape[1]} pixels"
    if coefficients.ndim != 4 or ends.shape != coefficients.shape[:1] or not len(ends):
        return "its profiles are not those of blocks of rotation"
    n_regions, slow, fast = coefficients.shape[1:]
    if not n_regions or n_regions % found.n**2 or slow != fast:
        return "its profiles are not those of regions of a detector"
    if coefficients.dtype != np.float32 or coefficients.size > MOST_VALUES or not np.isfinite(coefficients).all():
        return "its profiles are no numbers"
    return "" if np.isfinite(ends).all() and (np.diff(ends) >= 0).all() else "its blocks are in no order"
