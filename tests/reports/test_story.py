"""What is told of each stage: the numbers that it had, and nothing that was not the case."""

from __future__ import annotations

from dataclasses import replace

import gemmi
import numpy as np
import pytest
from processed import processed_sweep

from autoproc.models.experiment import ImageSet
from autoproc.models.reflections import Flag
from autoproc.reports.how_far import is_cut_at_estimate
from autoproc.reports.story import StoryLine, story
from autoproc.stages.pipeline import Processing
from autoproc.wording import angstrom


@pytest.fixture(scope="module")
def processing(tmp_path_factory: pytest.TempPathFactory) -> Processing:
    return processed_sweep(tmp_path_factory)


def told(p: Processing, label: str) -> list[str]:
    """The lines of a label, with those that go on from it."""
    found: list[str] = []
    current = ""
    for line in story(p):
        current = line.label or current
        found += [line.text] if current == label else []
    return found


def changed(p: Processing, stage: str, **values: object) -> Processing:
    return replace(p, **{stage: replace(getattr(p, stage), **values)})


def ending_at(p: Processing, d_min: float) -> Processing:
    statistics = p.scaled.statistics
    return changed(p, "scaled", statistics=replace(statistics, overall=replace(statistics.overall, d_min=d_min)))


def limit_of(p: Processing, d_min: float, **values: object) -> Processing:
    return replace(p, resolution=replace(p.resolution, d_min=d_min, **values))


def test_images_are_counted_with_their_rotation_and_time(processing):
    first = told(processing, "Images")[0]
    assert first.startswith("30 (1 to 30) of 1 deg, 0 to 30 deg")
    scan = replace(processing.experiment.scan, exposure_times=np.zeros(30))
    untimed = replace(processing, experiment=replace(processing.experiment, scan=scan))
    assert "s each" not in told(untimed, "Images")[0]
    assert "s each" in first


def test_the_template_is_told_where_there_is_one(processing):
    imageset = ImageSet("cbf", "/data/lyso_####.cbf")
    named = replace(processing, experiment=replace(processing.experiment, imageset=imageset))
    assert told(named, "Images")[1] == "/data/lyso_####.cbf"
    assert len(told(replace(processing, experiment=replace(processing.experiment, imageset=None)), "Images")) == 1


def test_remarks_of_the_header_are_notes(processing):
    remarked = replace(processing, experiment=replace(processing.experiment, remarks=("one", "two")))
    assert told(remarked, "Notes") == ["one", "two"]
    assert told(replace(processing, experiment=replace(processing.experiment, remarks=())), "Notes") == []


def test_lattices_are_counted_with_their_spots_and_turned_against_each_other(processing):
    lines = told(processing, "Indexing")
    assert ", 2 lattices: " in lines[0]
    assert lines[1].startswith("lattice 2 is turned by ")
    one = changed(processing, "indexed", n_indexed=processing.indexed.n_indexed, rotations=())
    assert len(told(one, "Indexing")) == 1


def test_a_cell_is_called_without_symmetry_only_where_it_has_none(processing):
    assert any(line.startswith("cell without symmetry ") for line in told(processing, "Refinement"))
    first, *others = processing.refined.experiments
    known = replace(first, crystal=replace(first.crystal, space_group=gemmi.SpaceGroup("P 21 21 21")))
    lines = told(changed(processing, "refined", experiments=(known, *others)), "Refinement")
    assert any(line.startswith("cell of P 21 21 21 ") for line in lines)
    assert not any("without symmetry" in line for line in lines)


def test_peculiarities_of_integration_are_told_from_one_in_a_thousand(processing):
    table = processing.integrated.reflections
    flags = np.array(table["flags"]) & ~np.uint64(Flag.OVERLOADED)
    few = flags.copy()
    few[: len(few) // 2000] |= np.uint64(Flag.OVERLOADED)
    many = flags.copy()
    many[: len(many) // 10] |= np.uint64(Flag.OVERLOADED)
    for rows, is_told in ((flags, False), (few, False), (many, True)):
        p = changed(processing, "integrated", reflections=table.replace(flags=rows))
        assert any("10.0% of the observations have overloaded" in line for line in told(p, "Integration")) == is_told


@pytest.mark.parametrize("given", [False, True])
def test_a_space_group_that_was_given_is_said_to_be(processing, given):
    lines = told(changed(processing, "symmetry", is_given=given), "Symmetry")
    assert (", as it was given; " in lines[0]) == given


def test_alternatives_are_named_once_and_never_the_group_itself(processing):
    groups = [gemmi.SpaceGroup(n) for n in ("P 43 21 2", "P 41 21 2", "P 43 21 2")]
    p = changed(processing, "symmetry", space_group=groups[1], alternatives=tuple(groups))
    assert p.symmetry.untold == ["P 43 21 2"]
    assert "these data cannot tell it from P 43 21 2" in told(p, "Symmetry")
    none = changed(processing, "symmetry", alternatives=())
    assert not any("cannot tell" in line for line in told(none, "Symmetry"))


def test_what_laue_groups_leave_open_comes_before_space_groups_of_the_chosen_one(processing):
    s = processing.symmetry
    best, other = (replace(one, likelihood=0.4, confidence=0.0) for one in (s.best, s.subgroups[-1]))
    tied = {"best": best, "subgroups": (best, other), "alternatives": (gemmi.SpaceGroup("P 43 21 2"),)}
    lines = told(changed(processing, "symmetry", **tied), "Symmetry")
    assert any("cannot tell it from any of Laue group P -1 or P 43 21 2" in line for line in lines)
    given = told(changed(processing, "symmetry", **tied | {"is_given": True, "alternatives": ()}), "Symmetry")
    assert not any("cannot tell" in line for line in given)


def test_other_axes_of_the_same_group_are_an_alternative(processing):
    groups = [gemmi.SpaceGroup(n) for n in ("P 21 21 2", "P 21 2 21")]
    p = changed(processing, "symmetry", space_group=groups[0], alternatives=(groups[1],))
    assert p.symmetry.untold == ["P 21 2 21"]


@pytest.mark.parametrize(
    ("used", "estimate", "limited", "words"),
    [
        (2.80, 2.80, False, "where "),
        (2.80, 2.80, True, "the end of the data, where the fitted CC1/2 is "),
        (3.50, 2.80, False, "as asked for; the estimate is 2.80 A, where "),
    ],
)
def test_why_the_data_end_where_they_do(processing, used, estimate, limited, words):
    p = limit_of(ending_at(processing, used), estimate, limited_by_data=limited, cc_limit=0.3)
    assert told(p, "Resolution")[0].startswith(f"{used:.2f} A, {words}")
    assert is_cut_at_estimate(p) == (used == estimate and not limited)


def test_without_an_estimate_none_is_claimed_and_the_anomalous_signal_is_told_all_the_same(processing):
    """As where the user has said how far to go."""
    cut = ending_at(replace(processing, resolution=None), 3.5)
    (line,) = told(cut, "Resolution")
    assert line.startswith("3.50 A, without an estimate of the limit; measured to 1.5")
    assert "CC1/2" not in line
    assert told(cut, "Anomalous") == told(processing, "Anomalous") != []
    whole = ending_at(replace(processing, resolution=None), 1.0)
    assert "measured to" not in told(whole, "Resolution")[0]


def test_an_anomalous_signal_is_not_ended_by_one_shell(processing):
    shells = processing.scaled.statistics.shells
    values = [(0.9, True), (0.5, True), (0.1, True), (0.9, True), (0.0, False)] + [(None, False)] * (len(shells) - 5)
    new = tuple(replace(s, cc_anom=c, cc_anom_significant=is_it) for s, (c, is_it) in zip(shells, values, strict=True))
    p = changed(processing, "scaled", statistics=replace(processing.scaled.statistics, shells=new))
    assert told(p, "Anomalous") == [f"signal to {angstrom(shells[3].d_min)} A (CCanom above 0.3)"]
    chance = tuple(replace(s, cc_anom=0.9, cc_anom_significant=False) for s in shells)
    p = changed(processing, "scaled", statistics=replace(processing.scaled.statistics, shells=chance))
    assert told(p, "Anomalous") == ["no significant signal"]


def test_images_left_out_of_scaling_are_told(processing):
    p = changed(processing, "scaled", blank_images=((0, 3),))
    assert "1 image without signal left out" in told(p, "Scaling")
    assert not any("without signal" in line for line in told(processing, "Scaling"))


def test_a_wilson_b_that_could_not_be_found_is_not_told(processing):
    unknown = changed(processing, "merged", wilson_b=float("nan"))
    assert "Wilson" not in told(unknown, "Merging")[0]
    assert "Wilson B 21.3 A^2" in told(changed(processing, "merged", wilson_b=21.3), "Merging")[0]


def test_b_that_differs_between_directions_is_told_where_the_limits_do_not(processing):
    alike = replace(processing.anisotropy, is_notable=False)
    assert told(changed(processing, "anisotropy", is_notable=False), "Anisotropy") == []
    model = replace(alike.model, anisotropy=np.diag([-30.0, 0.0, 30.0]), uncertainty=1.0)
    (line,) = told(changed(processing, "anisotropy", is_notable=False, model=model), "Anisotropy")
    assert line.startswith("B differs by 60.0 A^2 between directions")


def test_only_the_first_line_of_a_stage_names_it(processing):
    named = [line.stage for line in story(processing) if line.stage]
    assert len(named) == len(set(named))
    assert all(isinstance(line, StoryLine) and line.text for line in story(processing))
