from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import gemmi
import numpy as np
import pytest
from synthetic_spots import setting, sweep

from autoproc.engine import positions
from autoproc.engine.positions import NOTABLE_DELTA, position_ratio
from autoproc.errors import RefinementFailed
from autoproc.models.crystal import Crystal
from autoproc.models.reflections import Reflections

SPOTS = Reflections({"hkl": np.array([[1, 2, 3], [4, 5, 6]]), "experiment_id": np.array([0, 1])})


def symmetry(delta: float) -> SimpleNamespace:
    A = setting((40.0, 40.2, 60.0, 90.0, 90.0, 90.0))
    experiment = replace(sweep(), crystal=Crystal(A, gemmi.SpaceGroup("P 4")))
    return SimpleNamespace(
        best=SimpleNamespace(subgroup=SimpleNamespace(delta=delta)), experiments=(experiment,),
        space_group=gemmi.SpaceGroup("P 4"), change_of_basis={0: np.eye(3), 1: np.eye(3)},
    )  # fmt: skip


def refining(monkeypatch, rmsds: dict[str, tuple[float, float, float]]) -> list[Reflections]:
    """Refinement that gives these RMSDs for each space group; the spots it was given are written down."""
    given: list[Reflections] = []

    def refined(experiments, spots, _params):
        given.append(spots)
        found = rmsds[experiments[0].crystal.space_group.hm]
        if found[0] < 0:
            raise RefinementFailed(reason="few", experiment=0)
        return SimpleNamespace(rmsds=[SimpleNamespace(x_px=found[0], y_px=found[1], z_images=found[2])])

    monkeypatch.setattr(positions, "refine", refined)
    return given


@pytest.mark.parametrize(("delta", "is_compared"), [(NOTABLE_DELTA * 0.99, False), (NOTABLE_DELTA * 1.01, True)])
def test_a_cell_close_to_the_symmetry_is_not_doubted(monkeypatch, delta, is_compared):
    given = refining(monkeypatch, {"P 4": (0.2, 0.2, 0.2), "P 1": (0.2, 0.2, 0.2)})
    assert position_ratio(symmetry(delta), SPOTS) == (pytest.approx(1.0) if is_compared else None)
    assert len(given) == (2 if is_compared else 0)


def test_the_worst_direction_counts_of_the_first_lattices_spots(monkeypatch):
    given = refining(monkeypatch, {"P 4": (0.2, 0.6, 0.5), "P 1": (0.2, 0.3, 0.1)})
    assert position_ratio(symmetry(0.3), SPOTS) == pytest.approx(5.0)
    assert [len(spots) for spots in given] == [1, 1]


def test_spots_that_cannot_be_refined_tell_nothing(monkeypatch):
    refining(monkeypatch, {"P 4": (0.2, 0.2, 0.2), "P 1": (-1.0, 0, 0)})
    assert position_ratio(symmetry(0.3), SPOTS) is None
