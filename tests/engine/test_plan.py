"""The engine on small simulated sweeps: some that need a decision, some that tempt to a wrong one."""

from __future__ import annotations

import gemmi
import numpy as np
import pytest
from processed import Silent
from simulated import simulated_sweep

from autoproc.config import Config, with_command_line
from autoproc.decisions.symmetry import SUSPECT_POSITIONS
from autoproc.engine.plan import process_sensibly
from autoproc.engine.positions import position_ratio
from autoproc.errors import AutoprocError
from autoproc.integration import first_reading
from autoproc.integration.survey import survey
from autoproc.models.reflections import Flag
from autoproc.stages import pipeline
from autoproc.stages.determine_symmetry import SymmetryParams, determine_symmetry
from autoproc.stages.import_sweep import import_sweeps
from autoproc.stages.pipeline import Processing
from autoproc.stages.refine import RefineParams, refine

SHORT = {"n_images": 20, "d_min": 3.0}
SECOND = {"second_lattice": (14.0, -31.0, 52.0), "second_intensity": 0.7}
AS_INDEXED = {"decisions__indexing": "false"}
PSEUDO = {
    "space_group": "P 1 21 1", "pseudo_symmetry": "P 2 2 2", "pseudo_strength": 0.85, "strength": 8000.0,
    "n_images": 60, "d_min": 2.8, "orientation_seed": 5,
}  # fmt: skip
OBLIQUE = {
    **PSEUDO, "cell": (37.0, 43.0, 49.0, 90.0, 90.5, 90.0), "pseudo_strength": 0.97, "n_images": 45, "d_min": 2.0,
}  # fmt: skip


@pytest.fixture(scope="module")
def processed(tmp_path_factory):
    """Process a sweep of these parameters with this configuration."""

    def process(params, **config):
        written = simulated_sweep(tmp_path_factory, **params)
        chosen = with_command_line(Config(), {key.replace("__", "."): value for key, value in config.items()})
        processing = Processing(import_sweeps([str(written.start)], chosen.import_sweep).experiments[0].experiment)
        process_sensibly(processing, chosen, Silent())
        return processing

    return process


@pytest.fixture(scope="module")
def good(processed):
    return processed({**SHORT, "absorption": 0.0, "d_min": 2.5})


def kept(processing, stage):
    """Changes of what was decided at a stage and stands."""
    return [dict(d.changes) for d in processing.decisions if d.stage == stage and d.kept and d.changes]


def words(processing):
    return " | ".join(d.sentence for d in processing.decisions)


def test_good_sweep_is_processed_as_it_is(good):
    assert kept(good, "index") == kept(good, "symmetry") == []
    assert not any("absorption_level" in str(changes) for changes in kept(good, "scale"))
    assert good.indexed.n_lattices == 1
    assert good.symmetry.laue_group.xhm() == "P m m m"
    assert good.merged is not None


def test_without_decisions_every_stage_runs_once(processed):
    plain = processed(SHORT, decisions__enabled="false")
    assert plain.decisions == []
    assert plain.merged is not None


def test_wrong_beam_centre_is_put_right(processed):
    header = {**SHORT, "beam_centre_error": (6.0, -5.0)}
    found = processed(header)
    cell = sorted(found.merged.cell.parameters[:3])
    assert cell == pytest.approx([37.0, 43.0, 49.0], rel=5e-3)
    assert found.indexed.fraction_indexed > 0.9


def test_second_lattice_is_found_and_kept(processed, monkeypatch):
    looks = []
    monkeypatch.setattr(first_reading, "survey", lambda *args: looks.append(args) or survey(*args))
    found = processed({**SHORT, **SECOND}, **AS_INDEXED)
    assert len(looks) == 1  # the images are looked at once for both attempts
    assert found.indexed.n_lattices == 2
    assert {"index.max_lattices": 2} in kept(found, "index")
    first = next(d for d in found.decisions if d.what == "look for lattice 2")
    inner = [d for d in found.decisions if d.within]
    assert first.kept
    assert {d.within for d in inner} == {"look for lattice 2"}
    before = found.decisions[: found.decisions.index(first)]
    assert not any(d.kept for d in before if d.stage == "scale")  # what was decided for one lattice is given up


def test_ice_is_no_second_lattice(processed):
    found = processed({**SHORT, "ice_spots": 30.0}, **AS_INDEXED)
    assert found.indexed.n_lattices == 1
    assert found.indexed.fraction_indexed < 0.97
    assert "on no lattice" in words(found)


def test_strong_absorption_raises_the_level(processed):
    found = processed({**SHORT, "absorption": 0.5, "n_images": 40})
    assert {"scale.absorption_level": "high"} in kept(found, "scale")
    assert found.scaled.start.params.absorption_level == "high"


def test_pseudo_symmetry_is_lowered_by_the_intensities(processed):
    found = processed(PSEUDO)
    assert kept(found, "symmetry") == [{"symmetry.laue_group": "P 2/m"}]
    assert next(d for d in found.decisions if d.stage == "symmetry").before.startswith("P 21 21 2:")
    assert found.symmetry.laue_group.xhm() == "P 1 2/m 1"
    assert found.scaled.statistics.inner.r_meas < 0.05
    assert found.merged.cell.parameters[1] == pytest.approx(43.0, rel=2e-3)


def test_pseudo_symmetry_is_lowered_by_the_positions(processed):
    found = processed(OBLIQUE)
    (changes,) = kept(found, "symmetry")
    assert list(changes) == ["symmetry.max_delta"]
    assert "times as far" in words(found)
    assert found.symmetry.laue_group.xhm() == "P 1 2/m 1"
    assert found.merged.cell.beta == pytest.approx(90.5, abs=0.05)
    assert position_ratio(found.symmetry, found.refined.reflections) is None
    _one_displaced_spot_does_not_hide_it(found)


def _one_displaced_spot_does_not_hide_it(found):
    """Refinement knows it for an outlier."""
    too_high = determine_symmetry(found.integrated.experiments, found.integrated.reflections, SymmetryParams())
    spots = found.indexed.reflections
    position = spots["xyz_obs_mm"].copy()
    row = np.flatnonzero(spots.has_flag(Flag.INDEXED))[100]
    ratios = []
    for shift in (0.0, 20.0):
        position[row, 0] += shift
        refined = refine(found.indexed.experiments, spots.replace(xyz_obs_mm=position), RefineParams())
        ratios.append(position_ratio(too_high, refined.reflections))
    assert min(ratios) > SUSPECT_POSITIONS
    assert ratios[1] == pytest.approx(ratios[0], rel=0.1)


def test_what_the_user_sets_is_obeyed(processed):
    found = processed(
        {**SHORT, **SECOND}, **AS_INDEXED,
        index__max_lattices="1", scale__d_min="3.0", scale__absorption_level="low", symmetry__space_group="P 2 2 2",
    )  # fmt: skip
    assert found.indexed.n_lattices == 1
    assert found.scaled.statistics.overall.d_min == pytest.approx(3.0, abs=0.02)
    assert found.scaled.start.params.absorption_level == "low"
    assert found.symmetry.space_group.xhm() == "P 2 2 2"
    assert "index.max_lattices=1 was given" in words(found)
    assert "scale.d_min was given" in words(found)


def test_sweep_without_a_lattice_fails_with_the_first_reason_and_tells_what_was_tried(tmp_path_factory):
    written = simulated_sweep(tmp_path_factory, n_images=10, d_min=3.0, strength=0.0, ice_spots=30.0)
    processing = Processing(import_sweeps([str(written.start)], Config().import_sweep).experiments[0].experiment)
    with pytest.raises(AutoprocError):
        process_sensibly(processing, with_command_line(Config(), {"search_beam.far_shift": "0"}), Silent())
    assert len(processing.decisions) >= 2
    assert not any(d.kept for d in processing.decisions)
    assert processing.found is not None


def test_laue_group_alone_leaves_the_screw_axes_to_be_found(processed):
    given = processed(SHORT, symmetry__laue_group="P 1 2/m 1")
    assert given.symmetry.laue_group.xhm() == "P 1 2/m 1"
    assert given.symmetry.space_group.number in (gemmi.SpaceGroup("P 1 2 1").number, gemmi.SpaceGroup("P 21").number)


def test_no_stage_is_run_twice_for_a_lattice_that_is_not_there(processed, monkeypatch):
    """Spots of ice are left over: they are indexed once more, and nothing is refined or measured for them."""
    calls = []
    for name in ("index", "refine", "integrate", "determine_symmetry", "conclude"):
        stage = getattr(pipeline, name)
        monkeypatch.setattr(pipeline, name, lambda *a, name=name, stage=stage: calls.append(name) or stage(*a))
    found = processed({**SHORT, "ice_spots": 30.0}, **AS_INDEXED)
    assert "look for lattice 2: no" in words(found)
    assert calls == ["index", "refine", "integrate", "determine_symmetry", "conclude", "index"]
    assert len(found.indexed.searches) == 1
