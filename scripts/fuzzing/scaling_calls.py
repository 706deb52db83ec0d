"""Calls of the kernels of scaling and combining for the fuzzer: right ones, which are damaged afterwards."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autoproc.kernels.group_expectation import group_expectation
from autoproc.kernels.harmonics import mean_harmonics, mean_series
from autoproc.kernels.nearest_points import PointGrid
from autoproc.kernels.pair_correlations import pair_sums
from autoproc.kernels.rise_sums import rise_sums, rises_by
from autoproc.kernels.scaling_model import log_derivatives, smoothed, smoother_weights, turned_directions, weighted_sums


def _nearest(points: Any, per_cell: Any, queries: Any, k: Any) -> Any:
    return PointGrid(points, per_cell).nearest(queries, k)


CALLS: dict[str, Callable[..., Any]] = {
    "mean_harmonics": mean_harmonics,
    "mean_series": mean_series,
    "smoother_weights": smoother_weights,
    "smoothed": smoothed,
    "turned_directions": turned_directions,
    "log_derivatives": log_derivatives,
    "nearest_points": _nearest,
    "pair_sums": pair_sums,
    "group_expectation": group_expectation,
    "rise_sums": rise_sums,
    "rises_by": rises_by,
    "weighted_sums": weighted_sums,
}
N = 5


def right_arguments(name: str, rng: np.random.Generator) -> list[Any]:
    """Arguments that a kernel of CALLS takes."""
    directions, x = rng.normal(size=(N, 3)), rng.uniform(-5, 15, N)
    smooth = (rng.integers(0, 6, (N, 3)), np.abs(directions), np.ones(N))
    arguments: dict[str, list[Any]] = {
        "mean_harmonics": [directions, directions[::-1], int(rng.integers(17))],
        "mean_series": [directions, directions[::-1], 4, rng.normal(size=24)],
        "smoother_weights": [x, 6, 3, -0.5, 0.7],
        "smoothed": [x, rng.normal(size=6), 3, -0.5, 0.7],
        "turned_directions": [directions, x, directions[0], rng.normal(size=(3, 3, 3))],
        "log_derivatives": [smooth, smooth, (rng.normal(size=(N, 8)), np.ones(N)), (6, 6)],
        "nearest_points": [rng.normal(size=(40, 3)), 4, directions, 6],
        "group_expectation": [(x, x**2, np.ones(N)), np.array([0, 2, 2, 1, 0]), 3, np.ones(N, bool), (1.1, 0.02)],
        "rise_sums": [
            rng.normal(size=(N, 2)),
            (x, np.ones(N)),
            rng.normal(size=N),
            np.ones(N),
            np.ones(N, bool),
            np.array([1.0, 3.0]),
        ],
        "rises_by": [(x, np.ones(N)), rng.normal(size=4), np.array([1.0, 3.0])],
        "weighted_sums": [rng.normal(size=(N, 3)), x, x, np.ones(N), np.array([0, 0, 1, 3, 3])],
        "pair_sums": [np.array([0, 2, 3, N]), np.array([0, 1, 1, 0, 2]), x, np.array([1, 0, 2]), 3],
    }
    return arguments[name]
