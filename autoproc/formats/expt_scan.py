"""Scans as DIALS writes them in .expt files, with the images that are left out of them."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from autoproc.models.experiment import Scan


def scan_from_json(m: dict[str, Any]) -> Scan:
    """A scan from its entry; images outside its valid ranges are excluded."""
    first, last = map(int, m["image_range"])
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
    every = [ranges for ranges in valid.values() if ranges]
    return tuple(
        n for n in range(first, last + 1) if every and not any(a <= n <= b for ranges in every for a, b in ranges)
    )


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
