"""Refinement's tables as text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from autoproc.models.crystal import Crystal

if TYPE_CHECKING:  # the solver loads scipy's statistics, which those who only print need not wait for
    from autoproc.refinement.rounds import Rmsd
    from autoproc.refinement.solver import Step


def step_table(steps: Sequence[Step]) -> str:
    """Spots used and RMSD at every step; mm and degrees."""
    rows = [
        (str(n), str(s.n_used), f"{s.rmsd[0]:.5g}", f"{s.rmsd[1]:.5g}", f"{np.degrees(s.rmsd[2]):.5g}")
        for n, s in enumerate(steps)
    ]
    return table(("Step", "Nref", "RMSD_X", "RMSD_Y", "RMSD_Phi"), ("", "", "(mm)", "(mm)", "(deg)"), rows)


def rmsd_table(rmsds: Sequence[Rmsd]) -> str:
    """RMSD by experiment; pixels and images."""
    rows = [(str(n), str(r.n), f"{r.x_px:.5g}", f"{r.y_px:.5g}", f"{r.z_images:.5g}") for n, r in enumerate(rmsds)]
    return table(("Exp", "Nref", "RMSD_X", "RMSD_Y", "RMSD_Z"), ("id", "", "(px)", "(px)", "(images)"), rows)


def table(head: Sequence[str], units: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A boxed table, right-aligned, with a line of units below the head."""
    widths = [max(map(len, column)) + 1 for column in zip(head, units, *rows, strict=True)]
    edge = "+" + "+".join("-" * (w + 2) for w in widths) + "+"

    def line(cells: Sequence[str]) -> str:
        return "| " + " | ".join(cell.rjust(w) for cell, w in zip(cells, widths, strict=True)) + " |"

    rule = "|" + edge[1:-1] + "|"
    return "\n".join([edge, line(head), line(units), rule, *map(line, rows), edge]) + "\n"


def cell_text(crystal: Crystal) -> str:
    """Unit cell with its uncertainties in brackets, space group, and how it is sampled."""
    esd = crystal.cell_esd or (0.0,) * 6
    cell = ", ".join(with_uncertainty(value, e) for value, e in zip(crystal.cell, esd, strict=True))
    points = f", sampled at {crystal.n_scan_points} scan points" if crystal.n_scan_points else ""
    return f"unit cell {cell}, space group {crystal.space_group.xhm()}{points}"


def with_uncertainty(value: float, esd: float) -> str:
    """A value with its standard uncertainty in units of the last digit: 77.621(3); 90.0 where it is exact."""
    if esd <= 0:
        return f"{value:.6g}"
    digits = max(0, -int(np.floor(np.log10(esd))))
    units = round(esd * 10**digits)
    if units < 2:
        digits, units = digits + 1, round(esd * 10 ** (digits + 1))
    return f"{value:.{digits}f}({units})"
