"""Scans as DIALS writes them in .expt files, with the images that are left out of them."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from autoproc.models.experiment import Scan

MOST_IMAGES = 1 << 20
"""Of a scan; the longest have some 10^5."""


def scan_from_json(m: dict[str, Any]) -> Scan:
    """A scan from its entry; those outside its valid ranges are excluded. Raises ValueError."""
    first, last = map(int, m["image_range"])
    if not 0 <= last - first < MOST_IMAGES or abs(first) > MOST_IMAGES * 1000:
        raise ValueError(f"a scan of images {first} to {last} is impossible")
    properties = m.get("properties", m)
    oscillation = properties.get("oscillation", (0.0, 0.0))
    if "properties" in m and len(oscillation) > 1:
        oscillation = (oscillation[0], oscillation[1] - oscillation[0])

    def per_image(name: str) -> np.ndarray | None:
        values = np.atleast_1d(np.array(properties.get(name, []), float))
        return values if len(values) == last - first + 1 else None

    return Scan(
        (first, last), (float(oscillation[0]), float(oscillation[1])), per_image("exposure_time"),
        per_image("epochs"), int(m.get("batch_offset", 0)), _excluded(first, last, m.get("valid_image_ranges") or {}),
    )  # fmt: skip


def _excluded(first: int, last: int, valid: dict[str, list[tuple[int, int]]]) -> tuple[int, ...]:
    """The images outside the valid ranges, where there are such, of every experiment that shares a scan."""
    ranges = [(int(a), int(b)) for ranges in valid.values() for a, b in ranges]
    is_valid = np.full(last - first + 1, not ranges)
    for a, b in ranges:
        is_valid[max(a - first, 0) : max(b - first + 1, 0)] = True
    return tuple(int(n) for n in first + np.flatnonzero(~is_valid))


def valid_image_ranges(scan: Scan) -> list[tuple[int, int]]:
    """First and last number of each run of images between the excluded ones, as DIALS notes them."""
    first, last = scan.image_range
    edges = [first - 1, *scan.excluded, last + 1]
    return [(a + 1, b - 1) for a, b in pairwise(edges) if b - a > 1]


def scan_to_json(scan: Scan) -> dict[str, Any]:
    """The entry of a scan; its valid ranges are noted by experiment, see valid_image_ranges."""
    zeros = np.zeros(scan.n_images)
    return {
        "image_range": scan.image_range,
        "batch_offset": scan.batch_offset,
        "oscillation": scan.oscillation,
        "exposure_time": zeros if scan.exposure_times is None else scan.exposure_times,
        "epochs": zeros if scan.epochs is None else scan.epochs,
        "valid_image_ranges": {},
    }
