"""Refinement's tables, number by number."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from refinement_case import experiment

from autoproc.refinement.rounds import Rmsd
from autoproc.refinement.solver import RefinementStep
from autoproc.refinement.text import cell_text, rmsd_table, step_table


def rows(table: str) -> list[list[str]]:
    return [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in table.splitlines()
        if line[0] == "|" and "+" not in line
    ]


def test_steps_are_in_mm_and_degrees():
    found = rows(
        step_table(
            [RefinementStep(100, (0.5, 0.25, np.radians(0.125))), RefinementStep(99, (0.05, 0.025, np.radians(0.0625)))]
        )
    )
    assert found[0] == ["Step", "Nref", "RMSD_X", "RMSD_Y", "RMSD_Phi"]
    assert found[1] == ["", "", "(mm)", "(mm)", "(deg)"]
    assert found[2:] == [["0", "100", "0.5", "0.25", "0.125"], ["1", "99", "0.05", "0.025", "0.0625"]]


def test_deviations_are_in_pixels_and_images():
    found = rows(rmsd_table([Rmsd(7, 0.1, 0.2, 0.3)]))
    assert found[1] == ["id", "", "(px)", "(px)", "(images)"]
    assert found[2] == ["0", "7", "0.1", "0.2", "0.3"]


def test_a_varying_crystal_says_how_it_is_sampled():
    crystal = experiment().crystal
    assert "sampled" not in cell_text(crystal)
    assert "space group P 1" in cell_text(crystal)
    points = np.repeat(crystal.A[None], 13, axis=0)
    assert cell_text(replace(crystal, A_at_scan_points=points)).endswith("sampled at 13 scan points")
