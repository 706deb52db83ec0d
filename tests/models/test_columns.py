"""The table of columns, and where a missing one comes from."""

from __future__ import annotations

import numpy as np
import pytest

from autoproc.errors import MissingColumn
from autoproc.models.columns import COLUMNS, FILES, WRITTEN_BY, origin_of
from autoproc.models.reflections import Reflections


def test_names_are_one_to_one_and_every_column_says_what_it_is():
    assert len({c.dials for c in COLUMNS.values()}) == len(COLUMNS)
    assert all(c.meaning for c in COLUMNS.values())
    assert {name for names in WRITTEN_BY.values() for name in names} <= set(COLUMNS)
    assert set(WRITTEN_BY) < set(FILES)


@pytest.mark.parametrize(
    ("column", "step", "step_file"),
    [
        ("bbox", "find-spots", "strong.refl"),
        ("hkl", "index", "indexed.refl"),
        ("xyz_cal_px", "refine", "refined.refl"),
        ("intensity_prf", "integrate", "integrated.refl"),
        ("inverse_scale", "scale", "scaled.refl"),
    ],
)
def test_a_missing_column_names_the_step_that_writes_it(column, step, step_file):
    known = origin_of(column)
    assert (known["step"], known["step_file"], known["name"]) == (step, step_file, COLUMNS[column].dials)
    with pytest.raises(MissingColumn, match=step) as error:
        Reflections({"d": np.ones(2)})[column]
    assert COLUMNS[column].dials in str(error.value)


def test_an_unknown_column_is_called_so():
    assert origin_of("nonsense") == {
        "name": "nonsense", "meaning": "not known to autoproc", "step": "integrate", "step_file": "integrated.refl",
    }  # fmt: skip
