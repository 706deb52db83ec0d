"""Pixels that a sweep's own images told not to trust: a small file beside those of the stages, for viewers."""

from __future__ import annotations

import zlib
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from autoproc.errors import CorruptFile
from autoproc.formats.boundary import reads_file

NAME = "untrusted.npz"
MOST_PIXELS = 1 << 28
"""Of a detector: more is damage."""


def write_untrusted(path: str | Path, is_shadowed: np.ndarray, is_hot: np.ndarray) -> None:
    """Write masks (slow, fast) bool of pixels in shadow and of hot ones. Raises OSError."""
    with open(path, "wb") as file:
        np.savez_compressed(
            file, shape=np.array(is_shadowed.shape), shadowed=np.packbits(is_shadowed), hot=np.packbits(is_hot)
        )


@reads_file
def read_untrusted(path: str | Path) -> tuple[np.ndarray, np.ndarray]:
    """Masks (slow, fast) bool of pixels in shadow and of hot ones. Raises UnreadableFile or CorruptFile."""
    with open(path, "rb") as file:
        try:
            content = np.load(file, allow_pickle=False)
            n_slow, n_fast = (int(n) for n in content["shape"])
            if not 0 < n_slow * n_fast <= MOST_PIXELS:
                raise CorruptFile(path=path, reason=f"it is of {n_slow} x {n_fast} pixels")
            return _unpacked(content["shadowed"], n_slow, n_fast), _unpacked(content["hot"], n_slow, n_fast)
        except (BadZipFile, EOFError, zlib.error) as error:
            raise CorruptFile(path=path, reason="it is no whole archive") from error


def _unpacked(bits: np.ndarray, n_slow: int, n_fast: int) -> np.ndarray:
    return np.unpackbits(bits, count=n_slow * n_fast).reshape(n_slow, n_fast).astype(bool)
