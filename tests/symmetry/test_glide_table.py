from __future__ import annotations

import gemmi
import numpy as np
import pytest

from autoproc.symmetry.absences import absent_in
from autoproc.symmetry.glide_plane import GlidePlane
from autoproc.symmetry.glide_planes import every_setting
from autoproc.symmetry.glide_table import GRID, planes_compared


def planes(truth: str, base: str) -> dict[str, GlidePlane]:
    """Planes tested with reflections that obey `truth`, to which all the probability is given."""
    group = gemmi.SpaceGroup(base)
    hkl = GRID[~absent_in(group, GRID) & GRID.any(axis=1)]
    intensity = np.where(absent_in(gemmi.SpaceGroup(truth), hkl), 0.0, 100.0)
    classes = every_setting(group)
    p = np.array([gemmi.SpaceGroup(truth).xhm() in [g.xhm() for g in members] for members in classes], float)
    assert p.sum() == 1
    return {plane.name: plane for plane in planes_compared(group, classes, p, hkl, intensity, np.ones(len(hkl)))}


@pytest.mark.parametrize(
    ("truth", "base", "scores"),
    [
        ("P 1 21/c 1", "P 1 2 1", {"h0l: l = 2n": 1, "h0l: h = 2n": 0, "h0l: h + l = 2n": 0}),
        ("P 1 21/n 1", "P 1 2 1", {"h0l: l = 2n": 0, "h0l: h = 2n": 0, "h0l: h + l = 2n": 1}),
        ("P b c a", "P 2 2 2", {"0kl: k = 2n": 1, "h0l: l = 2n": 1, "hk0: h = 2n": 1, "hk0: h + k = 2n": 0}),
        ("P 21 21 21", "P 2 2 2", {"0kl: k = 2n": 0, "h0l: l = 2n": 0, "hk0: h = 2n": 0}),
        ("F d d d:2", "F 2 2 2", {"0kl: k + l = 4n": 1, "h0l: h + l = 4n": 1, "hk0: h + k = 4n": 1}),
        ("I 41/a c d:2", "I 4 2 2", {"hk0: h = 2n": 1, "hhl: 2h + l = 4n": 1}),
        ("R -3 c:H", "R 3 2:H", {}),
        ("P -3 c 1", "P 3 2 1", {}),
    ],
)
def test_which_planes_glide(truth, base, scores):
    found = planes(truth, base)
    assert {name: found[name].score for name in scores} == scores
    for plane in found.values():
        assert (plane.i_absent == 0) == (plane.score == 1)
        assert plane.n_absent > 0
    assert any(plane.score == 1 for plane in found.values()) or truth == "P 21 21 21"


def test_a_triclinic_crystal_has_no_planes():
    assert planes("P -1", "P 1") == {}


def test_in_other_axes_it_is_the_same_plane():
    swap = np.array([[0, 0, 1], [0, -1, 0], [1, 0, 0]])
    plane = planes("P 1 21/a 1", "P 1 2 1")["h0l: h = 2n"]
    assert plane.in_axes(swap).name == "h0l: l = 2n"
    assert plane.in_axes(np.eye(3)) == plane
    turned = planes("P b c a", "P 2 2 2")["0kl: k = 2n"].in_axes(np.array([[0, 0, 1], [1, 0, 0], [0, 1, 0]]))
    assert turned.name == "h0l: l = 2n"
