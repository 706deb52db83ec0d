from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from exported_for_tests import observations, sweeps
from hypothesis import given
from hypothesis import strategies as st

from autoproc.models.wavelengths import SAME_WAVELENGTH, alike, by_wavelength, of_wavelength


def test_wavelengths_that_are_one():
    assert alike([1.0, 0.9792, 1.00005, 0.9795]) == [[1], [3], [0, 2]]
    assert alike([0.97]) == [[0]]


@given(st.lists(st.floats(0.3, 3.0), min_size=1, max_size=20))
def test_every_data_set_is_in_one_set_and_sets_are_apart(wavelengths):
    sets = alike(wavelengths)
    assert sorted(n for members in sets for n in members) == list(range(len(wavelengths)))
    for shorter, longer in pairwise(sets):
        end, begin = max(wavelengths[n] for n in shorter), min(wavelengths[n] for n in longer)
        assert begin > end * (1 + SAME_WAVELENGTH)


def test_reflections_go_with_their_wavelength():
    pairs = zip(sweeps(3), (0.9795, 0.9, 0.97951), strict=True)
    known = [replace(e, beam=replace(e.beam, wavelength=w)) for e, w in pairs]
    table = observations(3)
    (first, own, few), (second, others, many) = by_wavelength(known, table)
    assert (first, second) == (0.9, pytest.approx(0.979505))
    assert [e.identifier for e in own + others] == ["sweep-1", "sweep-0", "sweep-2"]
    assert few.identifiers == {0: "sweep-1"}
    assert many.identifiers == {0: "sweep-0", 1: "sweep-2"}
    of_third = table["experiment_id"] == 2
    np.testing.assert_array_equal(many["hkl"][many["experiment_id"] == 1], table["hkl"][of_third])
    assert len(few) + len(many) == len(table)


def test_a_file_is_named_by_its_wavelength():
    assert of_wavelength(Path("a/merged.mtz"), 0.97951) == Path("a/merged_0.9795A.mtz")
