"""Right calls of the kernels that place spots and judge them, of small cases: what changed them finds holes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autoproc.kernels.concentrate import concentrate
from autoproc.kernels.spot_positions import OF_PANEL, lab_positions, reciprocal_points
from autoproc.kernels.spot_shifts import spot_shifts

N_SPOTS = 5


def _reciprocal_points(*arguments: Any) -> None:
    reciprocal_points(*arguments[:2], arguments[2:4], arguments[4], arguments[5:7], *arguments[7:])


def _spot_shifts(*arguments: Any) -> None:
    spots, beam, rotation, lattice = arguments[:4], arguments[5:7], arguments[7:9], arguments[9:11]
    spot_shifts(spots, arguments[4], beam, rotation, lattice, arguments[11:13], *arguments[13:])


CALLS: dict[str, Callable[..., Any]] = {
    "concentrate": concentrate,
    "lab_positions": lab_positions,
    "reciprocal_points": _reciprocal_points,
    "spot_shifts": _spot_shifts,
}


def right_arguments(name: str, rng: np.random.Generator) -> list[Any]:
    """Arguments that a kernel of CALLS takes."""
    axis, s0, turn = np.array([1.0, 0.0, 0.0]), np.array([0.0, 0.0, -1.0]), rng.normal(size=(3, 3, 3))
    lab, phi = rng.normal(size=(N_SPOTS, 3)) - [0.0, 0.0, 100.0], rng.normal(size=N_SPOTS)
    panel, hkl = rng.integers(0, 2, N_SPOTS), rng.integers(-9, 9, (N_SPOTS, 3))
    match name:
        case "concentrate":
            return [rng.normal(size=(3, 12)), rng.exponential(size=12), 8, 5]
        case "lab_positions":
            return [rng.uniform(0, 99, (N_SPOTS, 2)), panel, rng.uniform(0.1, 1, (2, OF_PANEL))]
        case "reciprocal_points":
            return [lab, phi, 1.0, s0, turn, axis, axis, 0.01, 0.1]
        case _:
            lattice = [0.02 * np.eye(3), rng.normal(size=(4, 3, 3))]
            return [
                lab,
                panel,
                phi,
                hkl,
                rng.normal(size=(2, 2, 3)),
                1.0,
                s0,
                turn,
                axis,
                *lattice,
                s0,
                axis,
                True,
                0.05,
            ]
