from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autoproc.formats.observed.composition import BadComposition, formula_units, read_composition


@pytest.mark.parametrize("text", ["C3 H7 N O2 S", "C3H7NO2S", " S C3  H7 O2 N "])
def test_formulas(text):
    assert list(read_composition(text).items()) == [("C", 3), ("H", 7), ("N", 1), ("O", 2), ("S", 1)]


def test_without_carbon_by_name():
    assert list(read_composition("Na Cl H0.5")) == ["Cl", "H", "Na"]


def test_elements_that_come_twice_are_added():
    assert read_composition("C H3 C O O H") == {"C": 2, "H": 4, "O": 2}


@pytest.mark.parametrize("text", ["C3 H7 Xx", "c3", "3C", "C-3", "C3 (H2O)2", "C0", "C1.2.3", "Kä"])
def test_nonsense_is_told(text):
    with pytest.raises(BadComposition, match="cannot be read") as caught:
        read_composition(text)
    assert "C3 H7 N O2 S" in caught.value.advice


@settings(deadline=None, max_examples=50)
@given(st.text("CHNOSx123.() ä", max_size=8))
def test_any_text_is_read_or_told(text):
    try:
        counts = read_composition(text)
    except BadComposition:
        return
    assert all(n > 0 for n in counts.values())
    assert bool(counts) == bool(text.strip())


@pytest.mark.parametrize(
    ("formula", "volume", "order", "z"),
    [("C3 H7 N O2 S", 525.0, 4, 4), ("C12 H22 O11", 716.0, 2, 2), ("C10 H8", 360.0, 4, 2), ("C", 1e6, 1, 55556)],
)
def test_formula_units(formula, volume, order, z):
    assert formula_units(read_composition(formula), volume, order) == z
