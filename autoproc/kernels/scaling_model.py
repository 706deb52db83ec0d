"""Terms of a scaling model for many observations, each in one pass."""

from __future__ import annotations

import numpy as np

from autoproc.kernels import _scaling_model
from autoproc.kernels.arguments import floats, number, positive, rows, whole

MOST_AVERAGED = 3
MOST_PARAMETERS = 10_000
"""Of one term: ten times as many as a turn has at the finest spacing."""


def smoother_weights(
    x: np.ndarray, n_parameters: int, width: int, start: float, sigma: float
) -> tuple[np.ndarray, np.ndarray]:
    """Indices and weights, both (N, width), of the parameters nearest to each x (N,).

    Parameters stand one apart from `start` on, weighted as exp(-(distance / sigma)^2), the sum of weights being 1;
    width : 1 to 3, and no more than n_parameters. Raises ValueError on other arguments.
    """
    x = floats(x, (None,), "positions")
    n_parameters = whole(n_parameters, 1, MOST_PARAMETERS, "number of parameters")
    width = whole(width, 1, min(MOST_AVERAGED, n_parameters), "width")
    index, weight = np.empty((len(x), width), np.intp), np.empty((len(x), width))
    _scaling_model.smoother_weights(x, n_parameters, number(start, "start"), positive(sigma, "sigma"), index, weight)
    return index, weight


def smoothed(x: np.ndarray, parameters: np.ndarray, width: int, start: float, sigma: float) -> np.ndarray:
    """(N,) sums of `parameters` with the weights that smoother_weights gives, without keeping these."""
    x, parameters = floats(x, (None,), "positions"), floats(parameters, (None,), "parameters")
    width = whole(width, 1, min(MOST_AVERAGED, len(parameters)), "width")
    out = np.empty(len(x))
    _scaling_model.smoothed(x, parameters, width, number(start, "start"), positive(sigma, "sigma"), out)
    return out


def turned_directions(
    vectors: np.ndarray, angle: np.ndarray, still: np.ndarray, turn: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """One direction that stands still, and those of vectors (N, 3), both (N, 3), each seen at its own angle (N,).

    still : (3,), not normalised; vectors : normalised here, those of no length stay so
    turn : (3, 3, 3) v becomes v @ (turn[0] + cos(angle) turn[1] + sin(angle) turn[2])
    """
    vectors = floats(vectors, (None, 3), "vectors")
    angle = floats(angle, (len(vectors),), "angles")
    turn, still = floats(turn, (3, 3, 3), "turn"), floats(still, (3,), "still direction")
    first, second = np.empty(vectors.shape), np.empty(vectors.shape)
    _scaling_model.turned(vectors, angle, turn, np.ascontiguousarray(still @ turn), first, second)
    return first, second


def log_derivatives(
    scale: tuple[np.ndarray, np.ndarray, np.ndarray],
    decay: tuple[np.ndarray, np.ndarray, np.ndarray],
    surface: tuple[np.ndarray, np.ndarray],
    n_parameters: tuple[int, int],
) -> np.ndarray:
    """(N, n_scale + n_decay + n_surface) derivatives of ln g of observations with respect to the parameters.

    scale : indices and weights (N, k), and c (N,); decay : indices and weights (N, k), and 1/(2 d^2) (N,)
    surface : basis (N, n_surface), and the value (N,) that its derivatives are divided by
    n_parameters : of scale, and of decay
    Raises ValueError where shapes do not agree, or an index is not one of its parameters.
    """
    n_scale, n_decay = (whole(n, 0, MOST_PARAMETERS, "number of parameters") for n in n_parameters)
    basis = floats(surface[0], (None, None), "basis")
    n = len(basis)
    parts: list[np.ndarray] = []
    for (index, weights, value), size, what in ((scale, n_scale, "scale"), (decay, n_decay, "decay")):
        weight = floats(weights, (n, None), f"weights of {what}")
        known = rows(np.ravel(index), size, f"indices of {what}").reshape(np.shape(index))
        if known.shape != weight.shape:
            raise ValueError(f"indices of {what} are of shape {known.shape}, their weights of {weight.shape}")
        parts += [known, weight, floats(value, (n,), f"values of {what}")]
    out = np.zeros((n, n_scale + n_decay + basis.shape[1]))
    _scaling_model.log_derivatives(*parts, basis, floats(surface[1], (n,), "surface"), n_scale, out)
    return out


def weighted_sums(
    derivatives: np.ndarray, root: np.ndarray, pull: np.ndarray, share: np.ndarray, group: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """What a block of observations adds to normal equations, of derivatives (N, parameters), in one pass over them.

    root, pull, share : (N,) what each is multiplied by; group : (N,) whole numbers from 0, sorted
    Returns derivatives times root (N, parameters); the sum of those times pull (parameters,); the groups that occur
    (k,), in order; and the sums of those times share over each (k, parameters).
    Raises ValueError where shapes do not agree, or groups are not sorted.
    """
    derivatives = floats(derivatives, (None, None), "derivatives")
    n, n_parameters = derivatives.shape
    group = rows(group, np.iinfo(np.intp).max, "groups")
    if len(group) != n or np.any(group[1:] < group[:-1]):
        raise ValueError(f"groups must be {n} numbers in order")
    found = group[np.concatenate([[True], group[1:] != group[:-1]])] if n else group
    weighted, gradient, coupling = (
        np.empty((n, n_parameters)),
        np.zeros(n_parameters),
        np.zeros((len(found), n_parameters)),
    )
    factors = (floats(values, (n,), what) for values, what in ((root, "root"), (pull, "pull"), (share, "share")))
    _scaling_model.weighted_sums(derivatives, *factors, group, weighted, gradient, coupling)
    return weighted, gradient, found, coupling
