"""Indexing's tables, number by number."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
from models_for_tests import crystal

from autoproc.indexing.lattices import LatticeNumbers, LatticeRotation
from autoproc.indexing.search import Search
from autoproc.indexing.solve import MacroCycle
from autoproc.indexing.text import (
    crystal_text,
    cycle_text,
    imageset_text,
    lattices_text,
    rotation_text,
    search_text,
)


def rows(table: str) -> list[list[str]]:
    lines = [line for line in table.splitlines() if line.startswith("|") and "+" not in line]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_candidates_are_listed_the_best_ten_with_the_limits_of_the_search():
    trial = SimpleNamespace(
        cell=(31.0, 42.0, 55.0, 83.0, 97.0, 102.0), volume=69123.4, n_indexed=321, fraction=0.456,
        rms=np.array([0.0123, 0.2, 0.3]), information=1234.5,
    )  # fmt: skip
    text = search_text(Search((trial,) * 11, 123.44, 2.345))
    assert text.startswith("Max cell: 123.4 Angstrom, d_min of the search: 2.35 Angstrom\nCandidate solutions:")
    assert len(rows(text)) == 2 + 10
    assert rows(text)[2] == ["31.00 42.00 55.00 83.0 97.0 102.0", "69123", "321", "46", "0.012", "1234"]


def test_cycles_are_in_mm_and_degrees():
    text = cycle_text([MacroCycle(2, 3.456, 1000, 900, np.array([0.01, 0.02, np.radians(0.05)]))])
    assert rows(text)[2] == ["1", "2", "3.46", "1000", "900", "0.0100", "0.0200", "0.0500"]


def test_sweeps_have_their_part_of_the_spots():
    assert rows(imageset_text([30, 0], [10, 0]))[1:] == [["0", "30", "10", "75.0%"], ["1", "0", "0", "0.0%"]]


def test_lattices_have_their_part_of_what_was_left():
    text = lattices_text([LatticeNumbers(50, 200, 3.14, 0.25, 0.5, 0.75, 100.0, 7.77)])
    assert rows(text)[2] == ["1", "50", "200", "25.0%", "0.25", "0.50", "0.75", "3.14", "7.8"]


def test_a_rotation_is_told_with_the_widest_that_is_the_same():
    z = np.array([0.0, 0.0, 1.0])
    turn = np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])
    text = rotation_text(LatticeRotation(0, 2, turn, z, 90.0, -z, 180.0))
    assert text.splitlines()[0] == "Rotation matrix to transform crystal 1 to crystal 3:"
    assert "{{ 0.000, -1.000,  0.000},\n { 1.000,  0.000,  0.000},\n { 0.000,  0.000,  1.000}}" in text
    assert "Rotation of 90.000 degrees about axis (0.000, 0.000, 1.000)" in text
    assert "as 180.000 degrees about axis (0.000, 0.000, -1.000)" in text


def test_a_crystal_is_told_by_its_matrices():
    made = crystal((50.0, 60.0, 70.0, 90.0, 90.0, 90.0), "P 21 21 21")
    text = crystal_text(2, 345, made)
    assert text.startswith("model 2 (345 reflections):\nCrystal:\n")
    assert "Space group: P 21 21 21" in text
    numbers = [float(x) for x in text.split("A = UB:")[1].replace("{", " ").replace("}", " ").replace(",", " ").split()]
    np.testing.assert_allclose(np.reshape(numbers, (3, 3)), made.A, atol=5e-5)
