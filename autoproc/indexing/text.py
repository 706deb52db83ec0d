"""Indexing's tables as text."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from autoproc.indexing.lattices import LatticeNumbers, LatticeRotation
from autoproc.indexing.search import Search
from autoproc.indexing.solve import MacroCycle
from autoproc.models.crystal import Crystal
from autoproc.models.space_group import symbol
from autoproc.text_tables import ruled_table
from autoproc.wording import angstrom, cell_with_uncertainties

N_CANDIDATES = 10


def search_text(search: Search) -> str:
    """Limits of a search, and the candidate lattices after their refinement, the best first."""
    rows = [
        (
            " ".join(f"{x:.2f}" for x in trial.cell[:3]) + " " + " ".join(f"{x:.1f}" for x in trial.cell[3:]),
            f"{trial.volume:.0f}",
            str(trial.n_indexed),
            f"{100 * trial.fraction:.0f}",
            f"{trial.rms[0]:.3f}",
            f"{trial.information:.0f}",
        )
        for trial in search.trials[:N_CANDIDATES]
    ]
    header = ("unit cell", "volume", "# indexed", "% indexed", "rmsd x", "information")
    limits = f"Max cell: {search.max_cell:.1f} Angstrom, d_min of the search: {angstrom(search.d_min)} Angstrom"
    table = ruled_table(header, rows, units=("", "", "", "", "(mm)", "(bits)"))
    return "\n".join([limits, "Candidate solutions:", table])


def cycle_text(cycles: Sequence[MacroCycle]) -> str:
    """The macro-cycles: resolution, spots and deviations of each."""
    rows = [
        (str(n), str(c.n_lattices), angstrom(c.d_min), str(c.n_spots), str(c.n_indexed), f"{c.rms[0]:.4f}",
         f"{c.rms[1]:.4f}", f"{np.degrees(c.rms[2]):.4f}")
        for n, c in enumerate(cycles, start=1)
    ]  # fmt: skip
    header = ("Cycle", "Lattices", "d_min", "# spots", "# indexed", "RMSD_X", "RMSD_Y", "RMSD_Phi")
    return ruled_table(header, rows, units=("", "", "(A)", "", "", "(mm)", "(mm)", "(deg)"))


def crystal_text(number: int, n_reflections: int, crystal: Crystal) -> str:
    """One lattice: cell with uncertainties in brackets, space group, U, B and A."""
    return "\n".join(
        [
            f"model {number} ({n_reflections} reflections):",
            "Crystal:",
            f"    Unit cell: {cell_with_uncertainties(crystal)}",
            f"    Space group: {symbol(crystal.space_group)}",
            f"    U matrix:  {_matrix(crystal.U, 4, 16)}",
            f"    B matrix:  {_matrix(crystal.B, 4, 16)}",
            f"    A = UB:    {_matrix(crystal.A, 4, 16)}",
        ]
    )


def imageset_text(n_indexed: Sequence[int], n_unindexed: Sequence[int]) -> str:
    """Spots indexed and not, for each sweep."""
    rows = [
        (n, yes, no, f"{100 * yes / max(1, yes + no):.1f}%")
        for n, (yes, no) in enumerate(zip(n_indexed, n_unindexed, strict=True))
    ]
    return ruled_table(("Imageset", "# indexed", "# unindexed", "% indexed"), rows)


def lattices_text(lattices: Sequence[LatticeNumbers]) -> str:
    """Of each lattice how many of the spots left over it explains, how well, and how it is turned from the first."""
    rows = [
        (n, x.n_spots, x.n_left, f"{100 * x.share:.1f}%", f"{x.x_px:.2f}", f"{x.y_px:.2f}", f"{x.z_images:.2f}",
         f"{x.angle:.2f}", f"{x.sharpness:.1f}")
        for n, x in enumerate(lattices, start=1)
    ]  # fmt: skip
    header = ("Lattice", "# spots", "# left before", "% of these", "RMSD_X", "RMSD_Y", "RMSD_Z", "turned", "sharpness")
    return ruled_table(header, rows, units=("", "", "", "", "(px)", "(px)", "(images)", "(deg)", "(bits/spot)"))


def rotation_text(rotation: LatticeRotation) -> str:
    """How a lattice is turned against the first."""
    axis, widest = (", ".join(f"{x:.3f}" for x in a + 0.0) for a in (rotation.axis, rotation.widest_axis))
    return "\n".join(
        [
            f"Rotation matrix to transform crystal {rotation.first + 1} to crystal {rotation.second + 1}:",
            _matrix(rotation.matrix, 3, 1),
            f"Rotation of {rotation.angle:.3f} degrees about axis ({axis})",
            f"The same, by the lattice's symmetry, as {rotation.widest_angle:.3f} degrees about axis ({widest})",
        ]
    )


def _matrix(matrix: np.ndarray, decimals: int, indent: int) -> str:
    rows = ["{" + ", ".join(f"{x:{decimals + 3}.{decimals}f}" for x in row + 0.0) + "}" for row in matrix]
    return "{" + (",\n" + " " * indent).join(rows) + "}"
