"""Refinement's tables as text."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from autoproc.models.crystal import Crystal
from autoproc.models.space_group import symbol
from autoproc.refinement.rounds import Rmsd
from autoproc.refinement.solver import RefinementStep
from autoproc.text_tables import ruled_table
from autoproc.wording import cell_with_uncertainties


def step_table(steps: Sequence[RefinementStep]) -> str:
    """Spots used and RMSD at every step; mm and degrees."""
    rows = [
        (str(n), str(s.n_used), f"{s.rmsd[0]:.5g}", f"{s.rmsd[1]:.5g}", f"{np.degrees(s.rmsd[2]):.5g}")
        for n, s in enumerate(steps)
    ]
    header = ("Step", "Nref", "RMSD_X", "RMSD_Y", "RMSD_Phi")
    return ruled_table(header, rows, units=("", "", "(mm)", "(mm)", "(deg)"))


def rmsd_table(rmsds: Sequence[Rmsd]) -> str:
    """RMSD by experiment; pixels and images."""
    rows = [(str(n), str(r.n), f"{r.x_px:.5g}", f"{r.y_px:.5g}", f"{r.z_images:.5g}") for n, r in enumerate(rmsds)]
    header = ("Exp", "Nref", "RMSD_X", "RMSD_Y", "RMSD_Z")
    return ruled_table(header, rows, units=("id", "", "(px)", "(px)", "(images)"))


def cell_text(crystal: Crystal) -> str:
    """Unit cell with its uncertainties in brackets, space group, and how it is sampled."""
    points = f", sampled at {crystal.n_scan_points} scan points" if crystal.n_scan_points else ""
    return f"unit cell {cell_with_uncertainties(crystal)}, space group {symbol(crystal.space_group)}{points}"
