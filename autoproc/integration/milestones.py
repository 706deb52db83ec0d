"""Where a long sweep is divided: what lies well within its first images is measured with models made of these alone.

A sweep is integrated in stretches of rotation, each with the models refined from all images up to its milestone. So
most of it is done when the last image comes; and since a milestone depends on nothing that comes later, the result is
the same whether the images come one by one or are all there.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from autoproc.integration.params import StretchParams
from autoproc.models.experiment import Experiment

MOST_OFF = 0.05
"""Of the elements of the matrix between two settings of one lattice, from whole numbers. Models of 30 degrees and more
were off by 0.005 at most from those of 48 to 240 (simulated, four sweeps)."""


def milestones(n_images: int, width: float, params: StretchParams, planned: int | None = None) -> tuple[int, ...]:
    """Those of so many images of so many degrees each after which models are made: numbers of images, ascending.

    planned : images that are to come in all, as their files say; None where they do not
    None of a short sweep or one that does not turn.
    """
    if not params.is_enabled or width == 0:
        return ()
    least = max(params.min_images, round(params.first / abs(width)))
    found: list[int] = []
    for reached in _shares(planned, params) if planned else _ever_later(n_images, abs(width), params):
        if least <= reached < n_images:
            found.append(reached)
            least = reached + params.min_images_more
    return tuple(found)


def _shares(planned: int, params: StretchParams) -> list[int]:
    return [round(share * planned) for share in sorted(params.shares)]


def _ever_later(n_images: int, width: float, params: StretchParams) -> Iterator[int]:
    rotation = params.first
    while (reached := round(rotation / width)) < n_images:
        yield reached
        rotation *= params.growth


def surveyed_of_stretch(before: int, until: int, params: StretchParams) -> list[range]:
    """Runs of frames that are looked at when `until` are known, of which `before` were at the last milestone."""
    most, length = (params.surveyed_more if before else params.surveyed_first), params.surveyed_run
    if until - before <= max(most, length):
        return [range(before, until)]
    starts = np.linspace(until - length, before, max(1, most // length)).astype(int)[::-1]  # the last ones always
    return [range(start, start + length) for start in starts.tolist()]


def change_of_setting(one: Experiment, other: Experiment) -> np.ndarray | None:
    """(3, 3) int, P with hkl of `other` = hkl of `one` @ P; None where they are not the same lattice."""
    assert one.crystal is not None
    assert other.crystal is not None
    between = np.linalg.inv(other.crystal.A) @ one.crystal.A
    whole = np.rint(between)
    if np.abs(between - whole).max() > MOST_OFF or round(float(np.linalg.det(whole))) != 1:
        return None
    return whole.astype(int).T
