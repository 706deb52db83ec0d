from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from wedges_for_tests import n_alike, wedges_of

from autoproc.combining import consistent_settings as module
from autoproc.combining.comparable import compare_settings, make_comparable, numbered_anew
from autoproc.combining.doubts import settings_warnings, why_not
from autoproc.symmetry.params import SymmetryParams


def compared(group, n=6, n_impostors=0, seed=0, order=None, **changes):
    wedges = wedges_of(group, n, n_impostors, seed, **changes)
    experiments, table = wedges.experiments, wedges.reflections
    if order is not None:
        place = np.argsort(order)
        experiments = [experiments[k] for k in order]
        table = table.replace(experiment_id=place[table["experiment_id"]]).with_identifiers({})
    return wedges, compare_settings(make_comparable(experiments, table, SymmetryParams()))


def alike(group, wedges, found, order=None):
    order = range(len(wedges.experiments)) if order is None else order
    good = [(n, k) for n, k in enumerate(order) if not wedges.is_impostor[k]]
    return n_alike(group, [found.changes[n] @ wedges.operators[k] for n, k in good])


@pytest.mark.parametrize("group", ["P 3", "P 63", "P 31 2 1", "R 3", "I 2 3", "P 4", "P 1 21 1", "P 21 21 21"])
def test_all_data_sets_are_in_one_setting_and_impostors_are_seen(group):
    wedges, found = compared(group, n_impostors=1)
    assert alike(group, wedges, found) == 6
    others = [p.experiment for p in found.settings.placed if p.is_other]
    assert others == list(np.flatnonzero(wedges.is_impostor))
    assert [p.setting for p in found.settings.placed if p.is_other] == [0]
    (warning,) = settings_warnings(found.settings)
    assert warning.startswith(f"experiment {others[0]}: it agrees with the others in no setting")


def test_the_order_of_the_data_sets_does_not_matter():
    wedges, first = compared("P 3")
    order = [3, 5, 0, 2, 4, 1]
    _, second = compared("P 3", order=order)
    assert [p.cc for p in second.settings.placed] == pytest.approx([p.cc for p in first.settings.placed], abs=1e-9)
    turned = [second.changes[n] @ wedges.operators[k] for n, k in enumerate(order)]
    plain = [first.changes[k] @ wedges.operators[k] for k in order]
    assert n_alike("P 3", turned + plain) == 12


def test_nearly_half_of_them_of_another_structure():
    wedges, found = compared("P 63", 6, 5, seed=4)
    assert alike("P 63", wedges, found) == 6
    others = sorted(p.experiment for p in found.settings.placed if p.is_other)
    kinds = {tuple(np.flatnonzero(wedges.is_impostor)), tuple(np.flatnonzero(~wedges.is_impostor))}
    assert tuple(others) in kinds


def test_twins_are_in_one_setting_too():
    wedges, found = compared("P 4", 10, seed=3, twinning=0.3)
    assert alike("P 4", wedges, found) == 10


def test_weak_narrow_wedges():
    wedges, found = compared("P 4", 10, 1, degrees=(8, 12), photons=25.0)
    assert alike("P 4", wedges, found) == 10
    assert [p.is_other for p in found.settings.placed].count(True) == 1


def test_two_data_sets():
    wedges, found = compared("P 4", 2)
    assert alike("P 4", wedges, found) == 2
    assert settings_warnings(found.settings) == ()


def test_without_an_ambiguity_nothing_is_turned():
    wedges, found = compared("P 31 2 1", 4, any_setting=False, as_indexed=False)
    assert found.settings.n_settings == 2
    for p in found.settings.placed:
        assert p.setting == 0
    assert alike("P 31 2 1", wedges, found) == 4


def test_more_data_sets_than_coordinates_are_sought_for(monkeypatch):
    monkeypatch.setattr(module, "MOST_COPIES", 12 * 5)
    wedges, found = compared("P 3", 9, 1)
    assert len(found.settings.pairs.r) == 5
    assert alike("P 3", wedges, found) == 9


def test_a_perfect_twin_cannot_be_told():
    _, found = compared("P 4", 4, twinning=0.5)
    told = [p.margin >= 3 for p in found.settings.placed]
    assert found.settings.n_settings == 1 or not any(told)
    assert all("cannot be told" in why_not(p) for p in found.settings.placed if p.margin < 3)


def test_some_of_them_numbered_anew():
    _, found = compared("P 3")
    part = numbered_anew(found, [4, 1])
    assert set(part.changes) == {0, 1}
    np.testing.assert_array_equal(part.changes[0], found.changes[4])
    rows = found.observations.experiment == 1
    own = part.observations.experiment == 1
    np.testing.assert_array_equal(part.observations.hkl[own], found.observations.hkl[rows])


@pytest.mark.parametrize(("group", "seed"), [("P 63", 1), ("P 3", 3), ("I 2 3", 1)])
def test_of_very_weak_wedges_those_that_agree_are_in_one_setting(group, seed):
    """With 3 photons a reflection some cannot be told, and that is what is said of them."""
    cell = (60.0, 60.0, 70.0, 90.0, 90.0, 120.0) if group != "I 2 3" else (70.0, 70.0, 70.0, 90.0, 90.0, 90.0)
    wedges, found = compared(group, 10, 2, seed, photons=3.0, cell=cell, d_min=3.5)
    sure = [p for p in found.settings.placed if p.agrees and p.margin >= 3]
    assert len(sure) >= 4
    kept = [p.experiment for p in sure]
    assert not wedges.is_impostor[kept].any()
    assert n_alike(group, [found.changes[n] @ wedges.operators[n] for n in kept]) == len(kept)
    for p in found.settings.placed:
        if p.is_other:
            assert p.cc < p.expected / 2 - p.chance
        if p.is_too_weak:
            assert "too weak to tell" in why_not(p)


def test_what_chance_may_give_is_neither_agreement_nor_disagreement():
    _, found = compared("P 3")
    usual = found.settings.placed[0]
    weak = replace(usual, cc=0.05, n_common=900, expected=0.2, is_other=False)
    assert weak.chance == pytest.approx(0.1)
    assert not weak.agrees
    assert why_not(weak).startswith("it is too weak to tell whether it agrees with the others: CC 0.05 on 900 ")
    assert replace(weak, cc=0.11).agrees
    assert why_not(replace(weak, is_other=True)).startswith("it agrees with the others in no setting")
