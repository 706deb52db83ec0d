"""Images without diffraction among images with it: their reflections say nothing of symmetry."""

from __future__ import annotations

import numpy as np

MIN_USUAL_SIGNAL = 1.0
"""Mean I/sigma of a usual image below which a blank one could not be told from a weak one."""

BLANK_FRACTION = 0.1
MIN_ON_IMAGE = 10
CLIP = (-3.0, 30.0)


def is_on_blank_image(frame: np.ndarray, i_over_sigma: np.ndarray) -> np.ndarray:
    """(N,) bool: the reflection lies on an image whose mean I/sigma is below a tenth of the usual one.

    frame : (N,) position in the scan of one sweep, 0 at its start; i_over_sigma : (N,)
    """
    if not len(frame):
        return np.zeros(0, bool)
    image = np.maximum(np.floor(frame), 0).astype(np.intp)
    count = np.bincount(image)
    signal = np.bincount(image, np.clip(i_over_sigma, *CLIP)) / np.maximum(count, 1)
    known = count >= MIN_ON_IMAGE
    if not known.any():
        return np.zeros(len(frame), bool)
    usual = float(np.median(np.sort(signal[known])[known.sum() // 2 :]))
    if usual < MIN_USUAL_SIGNAL:
        return np.zeros(len(frame), bool)
    return (known & (signal < BLANK_FRACTION * usual))[image]
