"""Shadows and hot pixels that a sweep's processing found, in a form that is soon drawn."""

from __future__ import annotations

from typing import Any

import numpy as np

from autoproc.formats.dials.untrusted_pixels import read_untrusted
from autoproc.viewing.subject import Subject

MOST_HOT = 5000
"""Hot pixels that are told one by one."""
MOST_RUNS = 40_000


def runs(mask: np.ndarray) -> np.ndarray:
    """(N, 3) y, x0, x1: stretches of rows of a mask (slow, fast) that are True, half-open."""
    padded = np.zeros((mask.shape[0], mask.shape[1] + 2), np.int8)
    padded[:, 1:-1] = mask
    change = np.diff(padded, axis=1)
    row, start = np.nonzero(change == 1)
    _, end = np.nonzero(change == -1)
    return np.column_stack([row, start, end])


def untrusted_facts(subject: Subject) -> dict[str, Any]:
    """Shadows as stretches of rows, and hot pixels; words where nothing is known of them. Raises what reading does."""
    if subject.untrusted is None:
        return {"shadow": [], "hot": [], "words": "What is in shadow, and which pixels are hot, was not kept."}
    is_shadowed, is_hot = read_untrusted(subject.untrusted)
    y, x = np.nonzero(is_hot)
    return {
        "shadow": runs(is_shadowed)[:MOST_RUNS].tolist(),
        "hot": np.column_stack([x, y])[:MOST_HOT].tolist(),
        "words": f"In shadow: {is_shadowed.mean():.1%} of the pixels; hot: {len(x)}.",
    }
