from __future__ import annotations

import gemmi
import numpy as np
import pytest

from autoproc.errors import ConfigurationError
from autoproc.simulation.intensities import (
    ImpossibleCrystal,
    crystal_symmetry,
    expand,
    wilson_intensities,
    with_pseudo_symmetry,
)

LYSOZYME = (77.6, 77.6, 37.4, 90.0, 90.0, 90.0)
CELLS = {
    "P 1": (31.0, 35.0, 42.0, 84.0, 97.0, 103.0),
    "C 1 2 1": (96.4, 51.2, 62.3, 90.0, 112.7, 90.0),
    "P 43 21 2": LYSOZYME,
    "I 21 3": (60.0, 60.0, 60.0, 90.0, 90.0, 90.0),
    "P 65 2 2": (50.0, 50.0, 80.0, 90.0, 90.0, 120.0),
}


def drawn(group, d_min=2.5, b=20.0, anomalous=0.05):
    cell, space_group = crystal_symmetry(CELLS[group], group)
    rng = np.random.default_rng(4)
    return cell, space_group, wilson_intensities(cell, space_group, rng, d_min=d_min, b=b, anomalous=anomalous)


@pytest.mark.parametrize("group", CELLS)
def test_mates_have_the_same_intensity_and_absences_none(group):
    cell, space_group, true = drawn(group, d_min=4.0)
    hkl, intensity = expand(true, space_group)
    table = {tuple(h): i for h, i in zip(hkl.tolist(), intensity, strict=True)}
    assert len(table) == len(hkl)
    unique = {tuple(h): (p, m) for h, p, m in zip(true.hkl.tolist(), true.plus, true.minus, strict=True)}
    asu, operations = gemmi.ReciprocalAsu(space_group), space_group.operations()
    everything = gemmi.make_miller_array(cell, gemmi.SpaceGroup("P 1"), 4.0, unique=False)
    for h in everything.tolist():
        if operations.is_systematically_absent(h):
            assert tuple(h) not in table
            continue
        mate, isym = asu.to_asu(h, operations)
        plus, minus = unique[tuple(mate)]
        assert table[tuple(h)] == (plus if isym % 2 or operations.is_reflection_centric(h) else minus)
    assert len(table) == sum(not operations.is_systematically_absent(h) for h in everything.tolist())


def test_statistics_are_those_of_wilson():
    cell, space_group, true = drawn("P 43 21 2", d_min=1.6, b=20.0)
    operations = space_group.operations()
    centric = np.asarray(operations.centric_flag_array(true.hkl), bool)
    epsilon = np.asarray(operations.epsilon_factor_without_centering_array(true.hkl))
    inverse_d2 = cell.calculate_1_d2_array(true.hkl)
    mean = (true.plus + true.minus) / 2
    e_squared = mean / epsilon * np.exp(0.5 * 20.0 * inverse_d2)
    assert (e_squared[~centric] ** 2).mean() / e_squared[~centric].mean() ** 2 == pytest.approx(2.0, abs=0.1)
    assert (e_squared[centric] ** 2).mean() / e_squared[centric].mean() ** 2 == pytest.approx(3.0, abs=0.4)
    edges = np.quantile(inverse_d2, np.linspace(0, 1, 11))
    shell = np.digitize(inverse_d2, edges[1:-1])
    level = [np.log((mean / epsilon)[shell == s].mean()) for s in range(10)]
    middle = [inverse_d2[shell == s].mean() for s in range(10)]
    assert -2 * np.polyfit(middle, level, 1)[0] == pytest.approx(20.0, abs=1.0)


def test_bijvoet_differences_are_as_large_as_asked_and_only_acentric():
    _, space_group, true = drawn("P 43 21 2", anomalous=0.05)
    centric = np.asarray(space_group.operations().centric_flag_array(true.hkl), bool)
    ratio = (true.plus - true.minus) / (true.plus + true.minus)
    assert np.all(ratio[centric] == 0)
    assert np.sqrt((ratio[~centric] ** 2).mean()) == pytest.approx(0.05, rel=0.05)


@pytest.mark.parametrize(
    ("cell", "group"), [(LYSOZYME, "Q 4 3"), (LYSOZYME, "I 21 3"), ((10.0, 10.0, 10.0, 20.0, 20.0, 120.0), "P 1")]
)
def test_impossible_crystals_are_refused(cell, group):
    with pytest.raises(ConfigurationError, match="contradicts"):
        crystal_symmetry(cell, group)


def mates_of_222(true):
    """(N, 2) mean intensities of reflections that 2 2 2 makes equivalent and 1 2 1 does not."""
    table = dict(zip(map(tuple, true.hkl.tolist()), true.plus + true.minus, strict=True))
    return np.array([(i, table[-h, k, m]) for (h, k, m), i in table.items() if h > 0 and (-h, k, m) in table])


def test_pseudo_symmetry_makes_mates_as_alike_as_asked():
    cell, group = crystal_symmetry((37.0, 43.0, 49.0, 90.0, 90.0, 90.0), "P 1 21 1")
    true = wilson_intensities(cell, group, np.random.default_rng(4), d_min=2.5, b=20.0, anomalous=0.05)
    found = []
    for strength in (0.0, 0.5, 0.8, 1.0):
        mixed = with_pseudo_symmetry(true, "P 2 2 2", strength)
        assert mixed.plus.sum() == pytest.approx(true.plus.sum(), rel=0.01)
        difference = np.subtract(*mates_of_222(mixed).T)
        found.append(np.sqrt(np.mean(difference**2) / np.mean(np.subtract(*mates_of_222(true).T) ** 2)))
    np.testing.assert_allclose(found, [1.0, 0.5, 0.2, 0.0], atol=1e-9)


def test_pseudo_symmetry_keeps_the_hands_apart():
    cell, group = crystal_symmetry((37.0, 43.0, 49.0, 90.0, 90.0, 90.0), "P 1 21 1")
    true = wilson_intensities(cell, group, np.random.default_rng(4), d_min=2.5, b=20.0, anomalous=0.05)
    mixed = with_pseudo_symmetry(true, "P 2 2 2", 0.8)
    ratio = [(t.plus - t.minus) / (t.plus + t.minus) for t in (true, mixed)]
    np.testing.assert_allclose(*ratio, atol=1e-12)


def test_unknown_pseudo_symmetry_is_refused():
    *_, true = drawn("P 1", d_min=6.0)
    with pytest.raises(ImpossibleCrystal):
        with_pseudo_symmetry(true, "P 9", 0.5)
