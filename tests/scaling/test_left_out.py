from __future__ import annotations

from types import SimpleNamespace

import gemmi
import numpy as np
import pytest
from scaled_for_tests import CELL, Recipe, experiment

from autoproc.models.reflections import Flag, Reflections
from autoproc.scaling.left_out import reasons_left_out, within_limit
from autoproc.scaling.params import ScaleParams

MEASURED = int(Flag.INTEGRATED_SUM | Flag.INTEGRATED_PRF)
MADE = experiment(Recipe())


def scaled(*flags: int, blank_images=(), n_shadowed: int = 0, d_min: float = 2.0, kept: float = 1.0, **columns):
    """What is looked at of a scaling: reflections h = 5 .. of d = 40 / h, with these flags."""
    n = len(flags)
    hkl = np.column_stack([np.arange(5, 5 + n), np.zeros((n, 2))]).astype(int)
    usual = {"hkl": hkl, "flags": np.array(flags, np.uint64), "experiment_id": np.zeros(n, int)}
    table = Reflections(usual | {k: np.array(v) for k, v in columns.items()})
    overall = SimpleNamespace(overall=SimpleNamespace(d_min=d_min))
    return SimpleNamespace(
        experiments=(MADE,), reflections=table, statistics=overall, blank_images=blank_images, n_shadowed=n_shadowed,
        apart={},
        start=SimpleNamespace(params=ScaleParams(keep_first=kept), odd=np.zeros(n, bool)),
    )  # fmt: skip


def list_of(of) -> list[tuple[str, int]]:
    return list(reasons_left_out(of))


def test_limit_is_that_of_what_was_used_and_holds_it():
    d = gemmi.UnitCell(*CELL).calculate_d([8, 0, 0])
    found = within_limit(scaled(*[MEASURED] * 6, d_min=d))
    assert found.tolist() == [True] * 4 + [False] * 2


@pytest.mark.parametrize(
    ("flag", "why"),
    [
        (MEASURED | int(Flag.USER_EXCLUDED_IN_SCALING), "excluded by hand"),
        (MEASURED | int(Flag.OVERLOADED), "overloaded"),
        (MEASURED | int(Flag.DONT_INTEGRATE), "not to be integrated"),
        (0, "not to be integrated"),
        (int(Flag.INTEGRATED_SUM), "too uncertain"),
        (MEASURED | int(Flag.USER_EXCLUDED_IN_SCALING | Flag.OVERLOADED), "excluded by hand"),
    ],
)
def test_each_has_one_reason(flag, why):
    assert list_of(scaled(flag, MEASURED | int(Flag.SCALED))) == [(why, 1)]


def test_used_ones_outliers_and_those_beyond_the_limit_have_none():
    assert list_of(scaled(MEASURED | int(Flag.SCALED), MEASURED | int(Flag.OUTLIER_IN_SCALING))) == []
    assert list_of(scaled(MEASURED, d_min=9.0)) == []


@pytest.mark.parametrize(("partiality", "why"), [(0.39, "recorded in part only"), (0.41, "too uncertain")])
def test_recorded_in_part(partiality, why):
    assert list_of(scaled(MEASURED, partiality=[partiality])) == [(why, 1)]


def test_images_without_signal_are_those_of_their_numbers():
    """Image 31 is frame 30 of a scan that begins with image 1."""
    xyz = [[0.0, 0.0, z] for z in (29.9, 30.0, 30.9, 31.0)]
    found = list_of(scaled(*[MEASURED] * 4, xyz_obs_px=xyz, blank_images=((0, 31),)))
    assert dict(found) == {"on images without signal": 2, "too uncertain": 2}
    other = scaled(*[MEASURED] * 4, xyz_obs_px=xyz, blank_images=((0, 31),))
    other.reflections = other.reflections.replace(experiment_id=np.ones(4, int))
    other.experiments = (MADE, MADE)
    assert list_of(other) == [("too uncertain", 4)]


def test_what_reaches_into_odd_images_is_told_apart():
    with_odd = scaled(*[MEASURED] * 3)
    with_odd.start.odd[1] = True
    assert dict(list_of(with_odd)) == {"on images whose intensities are off": 1, "too uncertain": 2}


def test_shadows_are_no_more_than_what_is_left_and_the_commonest_comes_first():
    many = [MEASURED] * 5 + [MEASURED | int(Flag.OVERLOADED)] * 2
    assert list_of(scaled(*many, n_shadowed=1)) == [
        ("too uncertain", 4),
        ("overloaded", 2),
        ("where the detector seems to be in shadow", 1),
    ]
    assert dict(list_of(scaled(*many, n_shadowed=9))) == {
        "where the detector seems to be in shadow": 5,
        "overloaded": 2,
    }


def test_images_left_out_at_the_end_are_a_reason():
    last = scaled(MEASURED, MEASURED | int(Flag.SCALED), kept=0.5, xyz_obs_px=[[0, 0, 91.0], [0, 0, 9.0]])
    assert list_of(last) == [("on images left out at the end", 1)]
