from __future__ import annotations

from contextlib import nullcontext
from types import SimpleNamespace

import numpy as np
import pytest

from autoproc.config import Config
from autoproc.decisions.indexing import FIND_AXIS, SEARCH_BEAM, STRONGEST_SPOTS
from autoproc.engine import rescue
from autoproc.engine.rescue import AxisStands, BeamCentreStands, with_another_way
from autoproc.models.reflections import Reflections


def processing(n: int = 8) -> SimpleNamespace:
    """A processing of n spots of intensities 1 .. n that writes down which stages it timed."""
    timed: list[str] = []

    def times(name: str) -> nullcontext[None]:
        timed.append(name)
        return nullcontext()

    spots = Reflections({"intensity_sum": np.arange(1.0, n + 1)})
    return SimpleNamespace(
        experiment="header",
        found=SimpleNamespace(reflections=spots),
        warnings=[],
        timed=times,
        stages=timed,
        stated=None,
    )


def test_no_other_way_changes_nothing():
    p, config = processing(), Config()
    assert with_another_way(p, config, "") is config
    assert (p.experiment, p.warnings, p.stages) == ("header", [], [])


def test_a_better_beam_centre_is_taken_and_told(monkeypatch):
    found = SimpleNamespace(
        is_improved=True, experiment="moved", in_words="replaced"
    )  # fmt: skip
    monkeypatch.setattr(rescue, "search_beam_position", lambda *_: found)
    p, config = processing(), Config()
    assert with_another_way(p, config, SEARCH_BEAM) is config
    assert (p.experiment, p.stages) == ("moved", ["search_beam"])
    assert (p.stated, p.warnings) == ("header", ["replaced"])


def test_a_beam_centre_that_is_no_better_stays(monkeypatch):
    found = SimpleNamespace(is_improved=False, centre_before=(500.04, 499.0))
    monkeypatch.setattr(rescue, "search_beam_position", lambda *_: found)
    p = processing()
    with pytest.raises(BeamCentreStands, match=r"\(500\.0, 499\.0 px\)"):
        with_another_way(p, Config(), SEARCH_BEAM)
    assert (p.experiment, p.warnings) == ("header", [])


@pytest.mark.parametrize("usual", ["", "the spindle of most beamlines"])
def test_a_better_axis_is_taken_with_what_to_tell_the_beamline(monkeypatch, usual):
    header, axis = np.array([1.0, 0, -0.0]), np.array([-1.0, 0, 0])
    found = SimpleNamespace(is_improved=True, header=header, axis=axis, usual=usual, experiment="turned")
    monkeypatch.setattr(rescue, "find_rotation_axis", lambda *_: found)
    p = processing()
    with_another_way(p, Config(), FIND_AXIS)
    assert (p.experiment, p.stages, p.stated) == ("turned", ["find_rotation_axis"], "header")
    assert "axis 1.000,0.000,0.000 was wrong" in p.warnings[0]
    assert "give import_sweep.rotation_axis=-1.000,0.000,0.000" in p.warnings[0]
    assert (f"({usual})" in p.warnings[0]) == bool(usual)


def test_an_axis_that_is_no_better_stays(monkeypatch):
    found = SimpleNamespace(is_improved=False, header=np.array([0, -1.0, 0]), axis=np.array([0, 1.0, 0]), usual="")
    monkeypatch.setattr(rescue, "find_rotation_axis", lambda *_: found)
    p = processing()
    with pytest.raises(AxisStands, match=r"0\.000,-1\.000,0\.000"):
        with_another_way(p, Config(), FIND_AXIS)
    assert p.experiment == "header"


def test_the_strongest_quarter_gives_the_cell_that_is_looked_for(monkeypatch):
    given: list[Reflections] = []

    def indexed(experiments, spots, _params):
        assert experiments == ["header"]
        given.append(spots)
        return SimpleNamespace(crystals=[SimpleNamespace(cell=np.array([40.0, 50, 60, 90, 90, 90]))])

    monkeypatch.setattr(rescue, "index", indexed)
    p, config = processing(8), Config()
    changed = with_another_way(p, config, STRONGEST_SPOTS)
    assert given[0]["intensity_sum"].tolist() == [7.0, 8.0]
    assert tuple(changed.index.unit_cell) == (40.0, 50.0, 60.0, 90.0, 90.0, 90.0)
    assert config.index.unit_cell is None
    assert p.stages == ["index"]
