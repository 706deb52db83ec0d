from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autoproc
from autoproc.models.crystal import Crystal
from autoproc.wording import (
    accounted,
    angstrom,
    cell_with_uncertainties,
    counted,
    images_in_words,
    in_brief,
    number_ranges,
    with_uncertainty,
    written,
)


@pytest.mark.parametrize(
    ("value", "esd", "text"),
    [(77.6213, 0.0031, "77.621(3)"), (90.0, 0.0, "90"), (37.4, 0.0011, "37.4000(11)"), (123.4, 12.0, "123(12)")],
)
def test_uncertainty_counts_last_digits(value, esd, text):
    assert with_uncertainty(value, esd) == text


def test_cell_without_uncertainties_is_plain():
    crystal = Crystal(np.diag([1 / 30, 1 / 40, 1 / 50]))
    assert cell_with_uncertainties(crystal) == "30, 40, 50, 90, 90, 90"


@pytest.mark.parametrize(
    ("d", "text"),
    [(1.985, "1.99"), (1.98496, "1.99"), (1.98512, "1.99"), (1.98444, "1.98"), (2.0, "2.00"), (24.3951, "24.40"),
     (np.float64(1.985), "1.99"), (np.inf, "inf"), (np.nan, "nan")],
)  # fmt: skip
def test_a_resolution_is_written_the_same_whether_or_not_a_program_has_rounded_it(d, text):
    assert angstrom(d) == text
    assert angstrom(round(float(d), 3)) == text


def test_a_figure_is_written_by_a_format_or_a_function():
    assert [written(0.12345, form) for form in ("{:.3f}", "{:.1%}", angstrom)] == ["0.123", "12.3%", "0.12"]


NAMES_OF_RESOLUTIONS = r"(?:d_min|d_max|edge_d|corner|inscribed|\.edge|\.worst)"


def wrongly_written(source: str) -> list[str]:
    """Where a resolution is written by a format of its own, or a page rounds it itself."""
    in_words = rf"\{{[^{{}}]*{NAMES_OF_RESOLUTIONS}\)?:[\d.]*f\}}"
    in_tables = rf"[\"']{NAMES_OF_RESOLUTIONS}[\"'],\)?,? ?[\"']\{{?:?\.2f"
    in_pages = rf"{NAMES_OF_RESOLUTIONS} \| figure|format\([^)]*{NAMES_OF_RESOLUTIONS}"
    return re.findall(f"{in_words}|{in_tables}|{in_pages}", source)


def test_every_resolution_is_written_by_one_function():
    assert wrongly_written('f"{s.d_min:.2f} A"')
    assert wrongly_written('("d min", "d_min", "{:.2f}")')
    assert wrongly_written('{{ summary.d_min | figure(".2f") }}')
    root = Path(autoproc.__file__).parent
    paths = [*root.rglob("*.py"), *root.rglob("*.html")]
    found = {str(p.relative_to(root)): wrongly_written(p.read_text()) for p in paths}
    assert {name: words for name, words in found.items() if words and name not in EXACT} == {}


EXACT = {"reports/show_models.py"}
"""What prints files for people who compare programs: four decimals."""


def test_an_account_adds_up():
    assert accounted(5, [("too weak", 3), ("absent", 1)], "merged") == (
        "9 observations read: 5 merged, 4 left out (3 too weak, 1 absent)"
    )
    assert accounted(5, [], "integrated", "reflections predicted") == (
        "5 reflections predicted: 5 integrated, none left out"
    )


def test_one_of_a_thing_is_not_many():
    assert [counted(n, "image") for n in (0, 1, 2)] == ["0 images", "1 image", "2 images"]


def test_ranges_of_numbers():
    assert number_ranges([]) == ""
    assert number_ranges([7]) == "7"
    assert number_ranges([1, 2, 3, 4, 7, 9, 10]) == "1-4, 7, 9-10"
    assert number_ranges([1, 3, 5, 7, 9, 11, 13], most=5) == "1, 3, 5, 7, 9, 2 more stretches"


@given(st.sets(st.integers(0, 60)))
def test_ranges_name_every_number_once(numbers):
    named = []
    for part in filter(None, number_ranges(sorted(numbers)).split(", ")):
        first, _, last = part.partition("-")
        named += range(int(first), int(last or first) + 1)
    assert named == sorted(numbers)


@pytest.mark.parametrize(
    ("sentence", "brief"),
    [
        ("the sensor is 320 mm thick", "the sensor is 320 mm thick"),
        ("36% of the spots indexed: try max_lattices=2; other causes are ice", "36% of the spots indexed"),
        ("partial: 9 of 30 images are there; the rest never came", "partial: 9 of 30 images are there"),
        (f"no 0k0 reflection was measured, {'and ' * 20}h00", "no 0k0 reflection was measured"),
        ("the Laue group is uncertain (P 4): or not", "the Laue group is uncertain"),
        ("word " * 30, "word word word word word word word word word word word word ..."),
    ],
)
def test_a_sentence_in_brief_is_its_first_clause(sentence, brief):
    assert in_brief(sentence) == brief
    assert len(in_brief(sentence)) <= 64


@pytest.mark.parametrize(
    ("n", "used", "words"), [(60, None, "60"), (60, 60, "60"), (60, 55, "55 of 60"), (60, 0, "0 of 60"), (0, 0, "0")]
)
def test_images_are_counted_with_those_that_were_of_use(n, used, words):
    assert images_in_words(n, used) == words
