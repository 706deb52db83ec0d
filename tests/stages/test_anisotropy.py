"""The stage: limits along the axes, what is notable, and what is merged within."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from anisotropic_for_tests import anisotropic_case
from models_for_tests import crystal, experiment

from autoproc.errors import NoReflections
from autoproc.models.reflections import Flag, Reflections
from autoproc.stages.anisotropy import AnisotropyParams, anisotropy, format_anisotropy
from autoproc.stages.merge import MergeParams, merge


def scaled_table(case):
    n = len(case.hkl)
    return Reflections(
        {
            "hkl": case.hkl.astype(np.int32), "experiment_id": np.zeros(n, np.int32),
            "flags": np.full(n, np.uint64(Flag.SCALED)), "intensity_scale": case.intensity,
            "variance_scale": case.sigma**2, "inverse_scale": np.ones(n),
        }
    )  # fmt: skip


def found_in(case, **params):
    one = experiment(crystal(tuple(case.cell.parameters), case.group.hm))
    return one, anisotropy([one], scaled_table(case), AnisotropyParams(**params))


def test_limits_along_the_axes_are_told_and_what_is_within_is_merged():
    case = anisotropic_case((0.0, 30.0, 70.0), seed=1, cell=(60, 100, 80, 90, 90, 90))
    one, found = found_in(case)
    assert found.is_notable
    assert found.along[1] == pytest.approx(case.limit(1, 0.3), rel=0.08)
    assert found.along[2] == pytest.approx(case.limit(2, 0.3), rel=0.08)
    assert found.best < found.along[1] < found.along[2] <= found.worst * 1.01
    assert found.model.delta_b == pytest.approx(70, abs=4)
    assert "along a*" in found.sentence
    assert "B differs by" in found.sentence
    whole = merge([one], scaled_table(case), MergeParams())
    within = merge([one], scaled_table(case), MergeParams(), found)
    assert len(within) == found.n_inside < len(whole) == found.n_unique
    kept = {tuple(h) for h in within.hkl}
    assert all(
        (tuple(h) in kept) == bool(inside)
        for h, inside in zip(case.groups.hkl, found.surface.holds(case.s), strict=True)
    )
    text = format_anisotropy(found)
    assert f"{found.n_inside} of {found.n_unique} unique reflections are within" in text
    assert "+1.00 c*" in text or "-1.00 c*" in text


def test_isotropic_data_are_called_so():
    _, found = found_in(anisotropic_case((0.0, 0.0, 0.0), seed=2, b=60.0, cell=(60, 100, 80, 90, 90, 90)))
    assert not found.is_notable
    assert found.worst < 1.1 * found.best
    assert abs(found.model.delta_b) < 4
    assert not found.is_spread


def test_words_agree_with_the_limits():
    _, found = found_in(anisotropic_case((0.0, 0.0, 0.0), seed=2, b=60.0, cell=(60, 100, 80, 90, 90, 90)))
    assert found.best == pytest.approx(found.worst)
    assert found.comparison.startswith("The same in all directions: ")
    assert replace(found, best=1.9, worst=1.95, differs=False).comparison == (
        "Much the same in all directions: 1.90 to 1.95 A"
    )
    apart = replace(found, best=1.64, worst=1.98, differs=True, is_notable=False).comparison
    assert apart.startswith("From 1.64 A in the best direction to 1.98 A in the worst; ")
    assert "not taken for anisotropic" in apart
    assert "not taken" not in replace(found, best=1.64, worst=1.98, differs=True, is_notable=True).comparison
    words = "too few reflections around b* and c* to tell"
    untold = replace(found, is_told=(True, False, False))
    assert words in untold.untold
    assert words in untold.sentence
    assert "too few" not in found.sentence


def test_a_limit_that_is_given_is_that_of_all_directions():
    case = anisotropic_case((0.0, 0.0, 0.0), seed=2, b=60.0, cell=(60, 100, 80, 90, 90, 90))
    one = experiment(crystal(tuple(case.cell.parameters), case.group.hm))
    found = anisotropy([one], scaled_table(case), AnisotropyParams(), 2.9)
    assert found.best == pytest.approx(2.9)
    assert found.n_inside == np.count_nonzero(np.linalg.norm(case.s, axis=1) <= 1 / 2.9)


def test_b_that_differs_is_worth_a_word_where_it_is_beyond_errors():
    _, found = found_in(anisotropic_case((0.0, 30.0, 70.0), seed=1, cell=(60, 100, 80, 90, 90, 90)))
    assert found.is_spread
    for uncertainty in (15.0, float("nan")):
        assert not replace(found, model=replace(found.model, uncertainty=uncertainty)).is_spread


def test_the_end_of_the_data_is_no_limit():
    case = anisotropic_case((0.0, 0.0, 60.0), seed=3, sigma=0.02, d_min=3.0, cell=(60, 100, 80, 90, 90, 90))
    _, found = found_in(case)
    assert found.at_edge[0]
    assert "or better along a*" in found.sentence
    assert min(found.along) >= 3.0


def test_too_few_reflections_tell_nothing():
    _, found = found_in(anisotropic_case(d_min=12.0))
    assert found is None
    assert "Too few" in format_anisotropy(found)
    case = anisotropic_case(d_min=12.0)
    one = experiment(crystal(tuple(case.cell.parameters), case.group.hm))
    with pytest.raises(NoReflections):
        anisotropy([one], scaled_table(case)[np.zeros(len(case.hkl), bool)], AnisotropyParams())
