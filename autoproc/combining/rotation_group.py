"""A lattice's rotations as an abstract group: products, inverses and cosets by index."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from autoproc.symmetry.subgroups import multiplication_table


@dataclass(frozen=True, slots=True, eq=False)
class RotationGroup:
    """rotations : (S, 3, 3) int, the identity first; product : (S, S), index of W_i W_j; inverse : (S,)."""

    rotations: np.ndarray
    product: np.ndarray
    inverse: np.ndarray

    @classmethod
    def of(cls, rotations: np.ndarray) -> RotationGroup:
        """The tables of a closed set of rotations."""
        product = multiplication_table(rotations)
        return cls(rotations, product, np.argmin(product, axis=1))

    def __len__(self) -> int:
        return len(self.rotations)

    def coset_of(self, members: Sequence[int]) -> np.ndarray:
        """(S,) for each rotation g the least index in H g: settings that a symmetry group H makes equivalent."""
        least: np.ndarray = self.product[list(members)].min(axis=0)
        return least

    def settings(self, members: Sequence[int]) -> np.ndarray:
        """One rotation for each setting that a symmetry group tells apart; the identity first."""
        return np.unique(self.coset_of(members))

    def change_of_basis(self, setting: int) -> np.ndarray:
        """(3, 3) int M with hkl' = M hkl from a data set's own basis to the common one."""
        return np.asarray(self.rotations[self.inverse[setting]]).T

    def subgroups(self) -> list[tuple[int, ...]]:
        """One subgroup of each class of conjugates, the largest first."""
        n = len(self)
        found = {self._closure({i, j}) for i in range(n) for j in range(i, n)}
        classes = {min(self.conjugates(members)) for members in found}
        return sorted(classes, key=lambda members: (-len(members), members))

    def _closure(self, generators: set[int]) -> tuple[int, ...]:
        members = np.array(sorted(generators))
        while True:
            larger = np.union1d(members, self.product[np.ix_(members, members)])
            if len(larger) == len(members):
                return tuple(int(m) for m in members)
            members = larger

    def conjugates(self, members: tuple[int, ...]) -> list[tuple[int, ...]]:
        """The subgroup turned by each rotation."""
        turned = self.product[self.product[:, list(members)], self.inverse[:, None]]
        return [tuple(sorted(map(int, row))) for row in turned]
