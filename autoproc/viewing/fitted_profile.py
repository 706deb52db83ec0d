"""The profile that integration fitted to a reflection, pixel by pixel as it lies on the images."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
import scipy

from autoproc.formats.dials.fitted_profiles import read_profiles
from autoproc.integration.kabsch import SpotFrames
from autoproc.integration.profiles import DetectorRegions, FittedProfiles, density
from autoproc.viewing.file_stamp import Stamp, stamp
from autoproc.viewing.subject import Subject


def profiles_of(subject: Subject) -> FittedProfiles | None:
    """Those of a subject; None where none were kept. Raises OSError, and CorruptFile."""
    return None if subject.profiles is None else _read(subject.profiles, stamp(subject.profiles))


@lru_cache(maxsize=4)
def _read(path: Path, _stamp: Stamp) -> FittedProfiles:
    stored = read_profiles(path)
    return FittedProfiles(DetectorRegions(stored.shape, stored.n), stored.ends, stored.coefficients)


def shares(
    coefficients: np.ndarray, frames: SpotFrames, bbox: np.ndarray, low: tuple[int, int, int], shape: tuple[int, ...]
) -> np.ndarray:
    """(frames, slow, fast) share of a reflection's intensity in each pixel, as it was fitted.

    coefficients : (G, G), of the profile; frames : of the one reflection; bbox : (6,), beyond which nothing was fitted
    low : x, y, z of the first pixel. The pixels of a frame have together what the rocking curve gives it.
    """
    z, y, x = (np.arange(n) + start for n, start in zip(shape, low[::-1], strict=True))
    x0, x1, y0, y1 = (int(v) for v in bbox[:4])
    centre = frames.centre[0]
    off = np.stack(np.broadcast_arrays(x[None, :] + 0.5 - centre[0], y[:, None] + 0.5 - centre[1]), axis=-1)
    points = (off @ frames.transform[0].T).reshape(-1, 2)
    across = density(coefficients, points).reshape(shape[1:])
    across *= ((y >= y0) & (y < y1))[:, None] & ((x >= x0) & (x < x1))[None, :]
    edges = np.append(z, z[-1] + 1) - centre[2]
    along = np.diff(scipy.special.ndtr(frames.rate[0] * edges))
    found: np.ndarray = along[:, None, None] * across / max(float(across.sum()), 1e-12)
    return found
