"""Candidate lattices from real space vectors: which three index the spots, with the smallest cell."""

from __future__ import annotations

from dataclasses import dataclass

import gemmi
import numpy as np

from autoproc.models.crystal import cell_from_real_matrix

TOLERANCE = 0.15
N_TRIPLES = 60
MIN_SINE_VOLUME = 0.05
SAME_FRACTION = 0.02
FEWER_ALLOWED = 0.08
N_CYCLES = 5
NEARLY_RIGHT = 89.0
SIGNS = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]])


@dataclass(frozen=True, slots=True, eq=False)
class BasisCandidate:
    """One basis: real (3, 3) rows a, b, c in Angstrom; n_indexed of n_spots; rms distance from integers."""

    real: np.ndarray
    n_indexed: int
    n_spots: int
    rms: float

    @property
    def A(self) -> np.ndarray:
        """(3, 3) setting matrix, 1/Angstrom."""
        return np.linalg.inv(self.real)

    @property
    def cell(self) -> tuple[float, ...]:
        """a, b, c, alpha, beta, gamma."""
        return cell_from_real_matrix(self.real)

    @property
    def volume(self) -> float:
        """Angstrom cubed."""
        return abs(float(np.linalg.det(self.real)))

    @property
    def fraction(self) -> float:
        """Of the spots used in the search that it indexes."""
        return self.n_indexed / max(1, self.n_spots)


def rank_candidates(
    vectors: np.ndarray, rlp: np.ndarray, volumes: tuple[float, float], min_cell: float, tolerance: float = TOLERANCE
) -> list[BasisCandidate]:
    """Reduced bases made of three of the vectors, with volumes within limits, the best first."""
    triples = _best_triples(vectors, rlp, volumes, tolerance)
    found: list[BasisCandidate] = []
    for triple in triples:
        start = niggli_reduced(vectors[triple])
        if any(is_same_lattice(start, other.real) for other in found):
            continue
        real = niggli_reduced(fit_basis(start, rlp, tolerance))
        is_allowed = (
            volumes[0] <= abs(np.linalg.det(real)) <= volumes[1] and np.linalg.norm(real, axis=1).min() >= min_cell
        )
        if is_allowed and not any(is_same_lattice(real, other.real) for other in found):
            found.append(assess(real, rlp, tolerance))
    return ordered(found)


def ordered(candidates: list[BasisCandidate]) -> list[BasisCandidate]:
    """Best first: the smallest cell among those that index nearly as many spots as the best one does."""
    left = sorted(candidates, key=lambda c: (-c.n_indexed, c.volume))
    result: list[BasisCandidate] = []
    while left:
        enough = (1 - FEWER_ALLOWED) * left[0].n_indexed
        group = [c for c in left if c.n_indexed >= enough]
        smallest = min(c.volume for c in group)
        same_size = [c for c in group if c.volume < 1.1 * smallest]
        best = max(same_size, key=lambda c: (c.n_indexed, -c.rms))
        result.append(best)
        left.remove(best)
    return result


def assess(real: np.ndarray, rlp: np.ndarray, tolerance: float = TOLERANCE) -> BasisCandidate:
    """How many points a basis indexes, and how well."""
    residual = rlp @ real.T
    residual -= np.rint(residual)
    indexed = np.all(np.abs(residual) < tolerance, axis=1)
    rms = float(np.sqrt(np.mean(np.square(residual[indexed])))) if indexed.any() else np.inf
    return BasisCandidate(real, int(indexed.sum()), len(rlp), rms)


def fit_basis(real: np.ndarray, rlp: np.ndarray, tolerance: float) -> np.ndarray:
    """The basis refined by least squares, A hkl = rlp, against the points that it indexes."""
    for _ in range(N_CYCLES):
        fractional = rlp @ real.T
        hkl = np.rint(fractional)
        indexed = np.all(np.abs(fractional - hkl) < tolerance, axis=1)
        indexed &= np.any(hkl != 0, axis=1)
        if np.linalg.matrix_rank(hkl[indexed]) < 3:
            return real
        setting = np.linalg.lstsq(hkl[indexed], rlp[indexed], rcond=None)[0].T
        if abs(np.linalg.det(setting)) < 1e-12:
            return real
        real = np.linalg.inv(setting)
    return real


def niggli_reduced(real: np.ndarray) -> np.ndarray:
    """The Niggli-reduced, right-handed basis (rows, Angstrom) of the lattice of `real`.

    Angles within a degree of 90 may be on either side of it, so that the others are obtuse where they can be.
    """
    gruber = gemmi.GruberVector(gemmi.UnitCell(*cell_from_real_matrix(real)), "P", True)
    gruber.niggli_reduce(epsilon=1e-6)
    change = np.array(gruber.change_of_basis.rot, float) / gemmi.Op.DEN
    reduced = change.T @ real
    reduced = reduced if np.linalg.det(reduced) > 0 else -reduced
    options = reduced * SIGNS[:, :, None]
    angles = np.array([cell_from_real_matrix(option)[3:] for option in options])
    obtuse = np.where(angles.min(axis=1) > NEARLY_RIGHT, angles.sum(axis=1), 0)
    return options[int(np.argmax(obtuse))]


def _best_triples(vectors: np.ndarray, rlp: np.ndarray, volumes: tuple[float, float], tolerance: float) -> np.ndarray:
    """(K, 3) indices of the triples that index most points, smaller cells first among equals."""
    n = len(vectors)
    if n < 3:
        return np.empty((0, 3), int)
    residual = rlp @ vectors.T
    fits = (np.abs(residual - np.rint(residual)) < tolerance).astype(np.float32)
    first, second = np.triu_indices(n, 1)
    counts = (fits[:, first] * fits[:, second]).T @ fits
    pair, third = np.nonzero(np.arange(n)[None, :] > second[:, None])
    triples = np.column_stack([first[pair], second[pair], third])
    count = counts[pair, third]
    volume = np.abs(np.einsum("ij,ij->i", np.cross(vectors[triples[:, 0]], vectors[triples[:, 1]]),
                              vectors[triples[:, 2]]))  # fmt: skip
    length = np.linalg.norm(vectors, axis=1)
    usable = (
        (volume >= volumes[0]) & (volume <= volumes[1]) & (volume > MIN_SINE_VOLUME * np.prod(length[triples], axis=1))
    )
    triples, count, volume = triples[usable], count[usable], volume[usable]
    if not len(triples):
        return triples
    score = np.log2(np.maximum(count, 1)) * 4 - np.log2(volume)
    by_score = np.argsort(-score, kind="stable")[: N_TRIPLES // 2]
    by_count = np.lexsort((volume, -np.round(count / (SAME_FRACTION * count.max()))))[: N_TRIPLES // 2]
    chosen = np.concatenate([by_count, by_score])
    return triples[_unique(chosen)]


def _unique(indices: np.ndarray) -> np.ndarray:
    """Without repetitions, in the order of first appearance."""
    _, where = np.unique(indices, return_index=True)
    return indices[np.sort(where)]


def is_same_lattice(real: np.ndarray, other: np.ndarray, tolerance: float = 0.03) -> bool:
    """Both bases span the same lattice: the change of basis is integer and unimodular."""
    change = real @ np.linalg.inv(other)
    nearest = np.rint(change)
    return bool(np.abs(change - nearest).max() < tolerance and abs(abs(np.linalg.det(nearest)) - 1) < 0.5)
