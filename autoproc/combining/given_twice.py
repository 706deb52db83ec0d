"""Data sets that hold the same observations: merged with themselves they look twice as sure as they are."""

from __future__ import annotations

import hashlib

import numpy as np

from autoproc.errors import ProcessingError
from autoproc.models.numbering import rows_by_experiment
from autoproc.models.reflections import Reflections

MEASURED = ("intensity_sum", "intensity_prf", "intensity_scale")
"""Columns of which the first that is there tells data sets apart: no two measurements give the same numbers."""

LEAST = 3
"""Observations, not counting zeros, that are not the same by chance."""


class ObservationsGivenTwice(ProcessingError):
    """The same observations in two data sets."""

    what = "the same observations are in two data sets: {pairs}"
    hint = "give each sweep once: copied images, or a file and its copy, are one measurement"


def require_each_once(reflections: Reflections) -> None:
    """Raises ObservationsGivenTwice, which names the experiments."""
    same = given_before(reflections)
    if same:
        pairs = ", ".join(f"experiment {first} and experiment {again}" for again, first in list(same.items())[:5])
        raise ObservationsGivenTwice(pairs=pairs + (" ..." if len(same) > 5 else ""))


def given_before(reflections: Reflections) -> dict[int, int]:
    """Of each data set whose observations are, all of them, those of one before it: which that is."""
    column = next((name for name in MEASURED if name in reflections), None)
    if column is None:
        return {}
    seen: dict[bytes, int] = {}
    same = {}
    for number, rows in rows_by_experiment(reflections["experiment_id"]).items():
        values = reflections[column][rows]
        values = np.sort(values[np.isfinite(values) & (values != 0)])
        if number < 0 or len(values) < LEAST:
            continue
        digest = hashlib.blake2b(values.tobytes(), digest_size=16).digest()
        first = seen.setdefault(digest, number)
        if first != number:
            same[number] = first
    return same
