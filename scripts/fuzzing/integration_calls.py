"""Right calls of the kernels that predict, cut out and integrate, of small cases: what changed them finds holes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autoproc.kernels.integrate_background import Background, constant_background
from autoproc.kernels.integrate_fit import measure_shoeboxes, profile_equations
from autoproc.kernels.integrate_shoebox import FREE, UNTRUSTED, ClaimMap, Shoeboxes, claim_pixels, copy_pixels
from autoproc.kernels.predict import predict_plane
from autoproc.kernels.refinement_gradients import position_gradients, predicted_positions

N_BOXES, GRID = 3, 7
N_FIELDS = 7
"""Arrays that a Shoeboxes is made of."""


def _constant_background(*arguments: Any) -> None:
    constant_background(Shoeboxes(*arguments[:N_FIELDS]), *arguments[N_FIELDS:])


def _measure_shoeboxes(*arguments: Any) -> None:
    boxes, rest = Shoeboxes(*arguments[:N_FIELDS]), arguments[N_FIELDS:]
    measure_shoeboxes(boxes, Background(rest[0], rest[1], rest[2], rest[2]), *rest[3:])


def _profile_equations(*arguments: Any) -> None:
    boxes, rest = Shoeboxes(*arguments[:N_FIELDS]), arguments[N_FIELDS:]
    profile_equations(boxes, Background(rest[0], rest[1], rest[2], rest[2]), *rest[3:])


def _claim_pixels(*arguments: Any) -> None:
    claim_pixels(*arguments[:8], ClaimMap(*arguments[8:9]), arguments[9])


def _copy_pixels(*arguments: Any) -> None:
    copy_pixels(*arguments[:6], ClaimMap(*arguments[6:7]), Shoeboxes(*arguments[7:]))


def _predict_plane(*arguments: Any) -> None:
    h, k0, k1, l0, l1, settings, axis, t0, start, width, low, high, d_min = arguments
    predict_plane(h, (k0, k1), (l0, l1), settings, axis, t0, (start, width), (low, high), d_min)


def _position_gradients(*arguments: Any) -> None:
    position_gradients(
        arguments[:6], arguments[6], arguments[7:10], arguments[10], arguments[11:15], arguments[15:17],
        arguments[17:19], *arguments[19:],
    )  # fmt: skip


def _predicted_positions(*arguments: Any) -> None:
    predicted_positions(
        arguments[:3], arguments[3], arguments[4:8], arguments[8:10], arguments[10], arguments[11], arguments[12:15]
    )


CALLS: dict[str, Callable[..., Any]] = {
    "constant_background": _constant_background,
    "measure_shoeboxes": _measure_shoeboxes,
    "profile_equations": _profile_equations,
    "claim_pixels": _claim_pixels,
    "copy_pixels": _copy_pixels,
    "predict_plane": _predict_plane,
    "position_gradients": _position_gradients,
    "predicted_positions": _predicted_positions,
}


def right_arguments(name: str, rng: np.random.Generator, shape: tuple[int, int]) -> list[Any]:
    """Arguments that a kernel of CALLS takes; shape : of an image."""
    boxes = _boxes(rng)
    background = [np.full(N_BOXES, 4.0), np.ones(N_BOXES), np.full(N_BOXES, 20, np.int32)]
    _, centre, transform, rate, *_ = boxes
    owner = np.zeros(shape, np.uint16)
    match name:
        case "constant_background":
            return [*boxes, 10, 1.0, float(rng.integers(0, 2))]
        case "measure_shoeboxes":
            profiles, which = rng.exponential(size=(2, GRID, GRID)), rng.integers(0, 2, N_BOXES)
            return [*boxes, *background, profiles, which, 1.0, np.full(N_BOXES, 50.0), 3.0, 1.0, 10, 0.1, 0.0]
        case "profile_equations":
            return [*boxes, *background, np.arange(N_BOXES), np.full(N_BOXES, 50.0), GRID, 1.0, 1.0, 0.1, 0.0]
        case "claim_pixels":
            half, contested = np.full((N_BOXES, 2), 3.0), np.zeros(N_BOXES, np.uint8)
            return [2, np.arange(N_BOXES), centre, transform, rate, half, 3.0, 5.0, owner, contested]
        case "copy_pixels":
            return [2, np.arange(N_BOXES), 0, rng.poisson(3, shape).astype(np.int32), 0.0, 1e6, owner, *boxes]
        case "predict_plane":
            settings = np.eye(3) / 30 + rng.normal(0, 1e-4, (int(rng.integers(1, 4)), 3, 3))
            axis, t0 = np.array([1.0, 0.0, 0.0]), np.array([0.0, 0.0, -1.0])
            return [1, -3, 3, -3, 3, settings, axis, t0, 0.0, 0.01, 0.0, 1.0, 4.0]
        case "predicted_positions":
            return _positions(rng)
        case _:
            return _gradients(rng)


def _boxes(rng: np.random.Generator) -> list[np.ndarray]:
    """The arrays of Shoeboxes that reach over frame 2, at and beyond the edges of an image."""
    corner, side = rng.integers(-3, 30, (N_BOXES, 2)), rng.integers(2, 7, (N_BOXES, 2))
    begin, end = rng.integers(0, 3, N_BOXES), rng.integers(3, 6, N_BOXES)
    far = corner + side
    bbox = np.column_stack([corner[:, 0], far[:, 0], corner[:, 1], far[:, 1], begin, end]).astype(np.int32)
    centre = 0.5 * (bbox[:, ::2] + bbox[:, 1::2])
    made = Shoeboxes.empty(bbox, centre, np.tile(np.eye(2), (N_BOXES, 1, 1)), np.ones(N_BOXES))
    made.counts[:], made.label[:] = UNTRUSTED, FREE
    counts = rng.poisson(5, len(made.counts)).astype(np.int32)
    label = rng.integers(0, 3, len(made.counts)).astype(np.uint8)
    return [made.bbox, made.centre, made.transform, made.rate, made.start, counts, label]


def _gradients(rng: np.random.Generator) -> list[Any]:
    n, eye = 5, np.eye(3)
    spots = [rng.normal(size=(n, 3)) for _ in range(6)]
    voigt = rng.normal(size=(6, 4))
    axis = np.array([1.0, 0.0, 0.0])
    panels = [np.tile(eye, (2, 1, 1)), eye, np.zeros(3)]
    return [*spots, rng.integers(0, 2, n), *panels, rng.normal(size=(2, 3)), axis, axis, eye, eye, eye, voigt,
            np.array([0, 3, 5]), np.arange(7), rng.normal(size=(n, 3)), np.ones((n, 3))]  # fmt: skip


def _positions(rng: np.random.Generator) -> list[Any]:
    n, eye, axis = 5, np.eye(3), np.array([1.0, 0.0, 0.0])
    spots = [rng.integers(-5, 6, (n, 3)), rng.integers(0, 2, n).astype(bool), rng.normal(size=n)]
    curve = [rng.integers(0, 3, n), rng.normal(size=(n, 3)), rng.normal(size=(5, 3)), rng.normal(size=(5, 6))]
    s0 = np.array([0.0, 0.0, -1.0])
    return [*spots, rng.integers(0, 2, n), *curve, eye, 0.02 * eye, np.tile(eye, (2, 1, 1)), s0, axis, eye, eye]
