"""Normal equations of scaling models, with the common intensities eliminated: a block a model, tied by the groups.

With A_n = J^T W J of model n and C_n (groups, parameters of n) its share in the common intensities the matrix is
diag(A_n) - C^T C. A few models make a matrix to be solved as such. Of many, nothing but the blocks is held, and steps
are found by conjugate gradients (Hestenes & Stiefel 1952), preconditioned by each model's own part.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
import scipy

MOST_DENSE = 1000
"""Parameters up to which the matrix is held as such: some 15 sweeps with surfaces, a second a step. That of 500 would
take 8 GB, and its coupling to the common intensities more than twice as much."""
MAX_CYCLES = 300
PRECISE = 1e-5
"""Part of the gradient that may be left of a step: the next Gauss-Newton step finds what this one lacks."""
LEAST_PIVOT = 1e-8
"""Added to a model's own part, relative to its greatest diagonal element: the overall scale of all is free."""


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """hessian (p, p) and gradient (p,) of one model; coupling (k, p) of the groups (k,) that it has, each once."""

    hessian: np.ndarray
    gradient: np.ndarray
    groups: np.ndarray
    coupling: np.ndarray

    def own_part(self) -> np.ndarray:
        """(p, p) of the matrix."""
        return np.asarray(self.hessian - self.coupling.T @ self.coupling)


@dataclass(frozen=True, eq=False)
class BlockEquations:
    """The blocks of all models, in order."""

    blocks: Sequence[Block]
    n_groups: int

    @property
    def gradient(self) -> np.ndarray:
        """(P,) of all parameters."""
        return np.concatenate([block.gradient for block in self.blocks])

    @cached_property
    def slices(self) -> list[slice]:
        """Where the parameters of each model are."""
        ends = np.cumsum([0, *(len(block.gradient) for block in self.blocks)])
        return [slice(int(a), int(b)) for a, b in pairwise(ends)]

    @property
    def is_small(self) -> bool:
        """Whether the matrix is held as such."""
        return sum(len(block.gradient) for block in self.blocks) <= MOST_DENSE

    @cached_property
    def matrix(self) -> np.ndarray:
        """(P, P)."""
        slices = self.slices
        n = slices[-1].stop
        coupling, result = np.zeros((self.n_groups, n)), np.zeros((n, n))
        for block, here in zip(self.blocks, slices, strict=True):
            result[here, here] = block.hessian
            coupling[block.groups, here] = block.coupling
        result -= coupling.T @ coupling
        return result

    def diagonal(self) -> np.ndarray:
        """(P,) of the matrix."""
        parts = [np.diag(b.hessian) - np.einsum("ij,ij->j", b.coupling, b.coupling) for b in self.blocks]
        return np.concatenate(parts)

    def times(self, x: np.ndarray) -> np.ndarray:
        """(P,) the matrix by x (P,)."""
        common, slices = np.zeros(self.n_groups), self.slices
        for block, here in zip(self.blocks, slices, strict=True):
            common[block.groups] += block.coupling @ x[here]
        return np.concatenate(
            [b.hessian @ x[here] - b.coupling.T @ common[b.groups] for b, here in zip(self.blocks, slices, strict=True)]
        )

    def step(self, damping: float) -> np.ndarray:
        """(P,) solution with the diagonal made larger by this part (Levenberg-Marquardt)."""
        diagonal = self.diagonal()
        extra = damping * np.maximum(diagonal, 1e-8 * np.max(diagonal))
        if self.is_small:
            return np.asarray(np.linalg.lstsq(self.matrix + np.diag(extra), self.gradient, rcond=1e-12)[0])
        return self._by_conjugate_gradients(extra)

    def _by_conjugate_gradients(self, extra: np.ndarray) -> np.ndarray:
        n, slices = len(extra), self.slices
        factors = [
            scipy.linalg.cho_factor(_positive(block.own_part() + np.diag(extra[here])), check_finite=False)
            for block, here in zip(self.blocks, slices, strict=True)
        ]

        def preconditioned(r: np.ndarray) -> np.ndarray:
            parts = [scipy.linalg.cho_solve(f, r[h], check_finite=False) for f, h in zip(factors, slices, strict=True)]
            return np.concatenate(parts)

        found, _ = scipy.sparse.linalg.cg(
            scipy.sparse.linalg.LinearOperator((n, n), lambda x: self.times(x) + extra * x),
            self.gradient, rtol=PRECISE, maxiter=MAX_CYCLES,
            M=scipy.sparse.linalg.LinearOperator((n, n), preconditioned),
        )  # fmt: skip
        return np.asarray(found)

    def covariances(self, overall: np.ndarray) -> tuple[np.ndarray, ...]:
        """Covariance of each model's parameters; overall (P,), of unit length, is the direction that is held.

        Of many models that of each with the others as they are, which of many is nearly the same.
        """
        if not self.is_small:
            return tuple(np.linalg.inv(_positive(block.own_part())) for block in self.blocks)
        matrix = self.matrix
        values, vectors = np.linalg.eigh(matrix + np.max(np.diag(matrix)) * np.outer(overall, overall))
        known = values > 1e-12 * values[-1]
        roots = (vectors[:, known] / np.sqrt(values[known])).T
        return tuple(roots[:, here].T @ roots[:, here] for here in self.slices)


def _positive(matrix: np.ndarray) -> np.ndarray:
    """With a little added to the diagonal, so that rounding leaves no pivot below zero."""
    return matrix + LEAST_PIVOT * float(np.max(np.diag(matrix))) * np.eye(len(matrix))
