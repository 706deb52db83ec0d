from __future__ import annotations

import numpy as np
import pytest
from scaled_for_tests import Recipe, synthetic

from autoproc.scaling.params import ScaleParams
from autoproc.scaling.tables import format_scale
from autoproc.stages.scale import scale


@pytest.mark.parametrize(("n_repeats", "is_corrected"), [(48, True), (47, False)])
def test_absorption_is_not_asked_of_fewer_repeats_than_its_parameters(n_repeats, is_corrected):
    """A surface of degree 6 has 48; a repeat is an observation of a reflection beyond its first."""
    made = synthetic(Recipe(n_observations=600, strength=1e5))
    operations = made.experiment.crystal.space_group.operations()
    unique = {}
    for row, hkl in enumerate(made.reflections["hkl"]):
        unique.setdefault(
            min(tuple(s * x for x in op.apply_to_hkl(hkl.tolist())) for op in operations for s in (1, -1)), []
        ).append(row)
    first = [rows[0] for rows in unique.values()]
    again = [row for rows in unique.values() for row in rows[1:]]
    assert len(again) > n_repeats
    chosen = np.sort([*first, *again[:n_repeats]])
    result = scale([made.experiment], made.reflections[chosen], ScaleParams(max_cycles=2, max_shadow_ratio=0))
    assert ("absorption" in result.n_parameters) == is_corrected
    words = f"{len(chosen)} observations with {n_repeats} repeats do not tell the 48 parameters"
    assert any(words in w for w in result.warnings) == (not is_corrected)
    assert (words in format_scale(result)) == (not is_corrected)
