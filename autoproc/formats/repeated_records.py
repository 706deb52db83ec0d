"""Records that one file holds twice: counted twice, they make a reflection look surer than it is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def codes_of(columns: Sequence[np.ndarray]) -> np.ndarray:
    """(N,) int64 numbers, equal where all columns (N,) are."""
    rows = np.ascontiguousarray(np.column_stack([np.asarray(column, float) + 0.0 for column in columns]))
    mixed = np.zeros(len(rows), np.uint64)
    for bits in rows.view(np.uint64).T:  # splitmix64: one in 10^7 files of a million records has two alike by chance
        mixed = (mixed ^ bits) + np.uint64(0x9E3779B97F4A7C15)
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        mixed ^= mixed >> np.uint64(31)
    return mixed.view(np.int64)


def is_repeat(codes: np.ndarray) -> np.ndarray:
    """(N,) bool: a row of the same code (N,) stands before."""
    first = np.unique(codes, return_index=True)[1]
    repeat = np.ones(len(codes), bool)
    repeat[first] = False
    return repeat


def is_shared(codes: np.ndarray, of: np.ndarray) -> np.ndarray:
    """(N,) bool: a row of the mask `of` (N,) whose code (N,) another row of it has."""
    shared = np.zeros(len(codes), bool)
    values, place, count = np.unique(codes[of], return_inverse=True, return_counts=True)
    shared[of] = (count[place.ravel()] > 1) if len(values) else False
    return shared
