"""What was found on frames, as arrays that another process can be given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from autoproc.kernels.dispersion import StrongPixels
from autoproc.spot_finding.images import SearchedFrame

PIXELS = ("index", "counts", "background")


def packed(found: Sequence[SearchedFrame]) -> dict[str, np.ndarray]:
    """Arrays by name; those of the strong pixels of all frames stand one after the other."""
    numbers = [(one.frame, one.strong.n_strong, len(one.strong.index), one.is_unread) for one in found]
    pixels = {name: np.concatenate([getattr(one.strong, name) for one in found]) for name in PIXELS}
    return {"frames": np.array(numbers, np.int64)} | pixels


def unpacked(arrays: Mapping[str, np.ndarray]) -> list[SearchedFrame]:
    """What was packed. Raises KeyError or ValueError where the arrays cannot be that."""
    numbers = arrays["frames"]
    ends = np.cumsum(numbers[:, 2])
    pixels = [np.split(arrays[name], ends) for name in PIXELS]
    if any(len(rest[-1]) for rest in pixels):
        raise ValueError("there are more strong pixels than the frames have")
    return [
        SearchedFrame(int(frame), StrongPixels(int(n_strong), *own), bool(is_unread))
        for (frame, n_strong, _, is_unread), *own in zip(numbers, *(rest[:-1] for rest in pixels), strict=True)
    ]
