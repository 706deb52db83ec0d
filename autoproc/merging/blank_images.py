"""Images without diffraction among images with it: what was measured on them says nothing of the crystal."""

from __future__ import annotations

import numpy as np

MIN_USUAL_SIGNAL = 1.0
"""Mean I/sigma of a usual image below which a blank one could not be told from a weak one."""

BLANK_FRACTION = 0.1
SIGNIFICANT = 5.0
"""Standard uncertainties of an image's mean I/sigma above 0 from which there is some signal, however weak."""
MIN_ON_IMAGE = 10
CLIP = (-3.0, 30.0)


def blank_images(frame: np.ndarray, i_over_sigma: np.ndarray) -> np.ndarray:
    """(images,) bool, up to the last image that has any reflection: those without signal among others that have some.

    frame : (N,) position in the scan of one sweep, 0 at its start; i_over_sigma : (N,)
    An image's mean I/sigma is then below a tenth of the usual one, and hardly different from 0.
    """
    image = _image(frame)
    count = np.bincount(image)
    signal = np.bincount(image, np.clip(i_over_sigma, *CLIP)) / np.maximum(count, 1)
    known = count >= MIN_ON_IMAGE
    if not known.any():
        return np.zeros(len(count), bool)
    usual = float(np.median(np.sort(signal[known])[known.sum() // 2 :]))
    if usual < MIN_USUAL_SIGNAL:
        return np.zeros(len(count), bool)
    return known & (signal < BLANK_FRACTION * usual) & (signal * np.sqrt(count) < SIGNIFICANT)


def is_on_blank_image(frame: np.ndarray, i_over_sigma: np.ndarray, span: np.ndarray | None = None) -> np.ndarray:
    """(N,) bool: the reflection lies on an image without signal, or reaches into one.

    span : (N, 2) int, the first frame that each was measured on and the one after the last, if that is known
    """
    blank, image = blank_images(frame, i_over_sigma), _image(frame)
    return blank[image] if span is None else reaches_into(blank, image, span)


def reaches_into(marked: np.ndarray, image: np.ndarray, span: np.ndarray) -> np.ndarray:
    """(N,) bool: on a marked image, or over frames of which one is.

    marked : (images,) bool; image : (N,) of each; span : (N, 2) int, first frame and the one after the last
    """
    before = np.concatenate([[0], np.cumsum(marked)])

    def number(frame: np.ndarray) -> np.ndarray:
        return before[np.clip(frame, 0, len(marked))]

    return (number(image + 1) > number(image)) | (number(span[:, 1]) > number(span[:, 0]))


def _image(frame: np.ndarray) -> np.ndarray:
    return np.maximum(np.floor(frame), 0).astype(np.intp)
