"""Which checks a sweep's results allow, and the numbers that they are given."""

from __future__ import annotations

from dataclasses import replace

import gemmi
import pytest
from processed import STAGES, processed_sweep, stopped_after

from autoproc.decisions.ladder import Decision
from autoproc.models.experiment import Detector
from autoproc.refinement.rounds import Rmsd
from autoproc.reports.checks import Check
from autoproc.reports.quality import _lost_images, is_macromolecular, quality_checks
from autoproc.stages.pipeline import Processing


@pytest.fixture(scope="module")
def processing(tmp_path_factory: pytest.TempPathFactory) -> Processing:
    return processed_sweep(tmp_path_factory)


def named(p: Processing, name: str) -> Check:
    (found,) = [check for check in quality_checks(p) if check.name == name]
    return found


def names(p: Processing | None) -> list[str]:
    return [check.name for check in quality_checks(p)]


def changed(p: Processing, stage: str, **values: object) -> Processing:
    return replace(p, **{stage: replace(getattr(p, stage), **values)})


OF_STAGE = {
    "found": {"images", "spots on ice rings"},
    "indexed": {"spots indexed", "lattices"},
    "refined": {"geometry", "spots against predictions"},
    "integrated": {"ice rings"},
    "scaled": {"scaling", "ISa", "outliers in scaling", "Rmeas at low resolution", "completeness", "multiplicity"},
    "resolution": {"resolution limit"},
}
"""Checks that come with a stage."""


@pytest.mark.parametrize("n_stages", range(len(STAGES) + 1))
def test_each_stage_brings_its_checks(processing, n_stages):
    there = set(names(stopped_after(processing, n_stages)))
    for number, stage in enumerate(STAGES):
        wanted = OF_STAGE.get(stage, set())
        assert (wanted <= there) == (number < n_stages or not wanted), stage
        assert number < n_stages or not wanted & there, stage


def test_nothing_imported_is_not_judged():
    assert quality_checks(None) == ()


@pytest.mark.parametrize(("n_unread", "excluded", "found"), [(0, (), "30"), (2, (), "of 30: 2 cannot be read")])
def test_images_that_cannot_be_read(processing, n_unread, excluded, found):
    assert named(changed(processing, "found", n_unread=n_unread), "images").value.startswith(found)


def test_an_image_is_lost_once_whoever_lost_it(processing):
    """Blank by its spots and by its intensities, or refused and blank: one image."""
    odd = replace(processing.found.peculiar, blank=(3, 4), refused=(4,))
    p = changed(processing, "found", peculiar=odd)
    p = changed(p, "scaled", blank_images=((0, 3), (1, 3), (0, 9)), odd_images=((0, 9, 0.5), (0, 11, 0.5)))
    words = "of 30: 1 no diffraction, 2 blank (3, 9), 1 with intensities unlike their neighbours'"
    assert named(p, "images").value == words


def test_a_lattice_more_that_was_looked_for_in_vain_is_not_advised(processing):
    few = changed(processing, "indexed", n_indexed=(300, 100), n_unindexed=(600,))
    assert "index.max_lattices=3" in named(few, "spots indexed").warning
    tried = replace(few, decisions=[Decision("index", "look for lattice 3", "no", kept=False)])
    assert "in vain" in named(tried, "spots indexed").warning
    other = replace(few, decisions=[Decision("index", "look for lattice 2", "yes", kept=True)])
    assert "index.max_lattices=3" in named(other, "spots indexed").warning


def test_the_worst_lattice_counts_for_positions(processing):
    rmsds = (Rmsd(100, 0.1, 0.1, 0.1), Rmsd(50, 0.2, 1.5, 0.3))
    last = replace(processing.refined.rounds[-1], rmsds=rmsds)
    check = named(changed(processing, "refined", rounds=(last,)), "spots against predictions")
    assert check.value.startswith("0.20 1.50 px")
    assert check.verdict == "look"


@pytest.mark.parametrize(("shift", "verdict"), [(0.0, "good"), (1.5, "good"), (3.0, "look")])
def test_a_beam_centre_that_refinement_has_moved(processing, shift, verdict):
    first, *others = processing.refined.experiments
    panel = processing.experiment.detector[0]
    moved = replace(panel, origin=panel.origin - shift * panel.pixel_size[0] * panel.fast_axis)
    known = replace(first, detector=Detector((moved,)), beam=processing.experiment.beam)
    p = changed(processing, "refined", experiments=(known, *others))
    assert named(p, "geometry").verdict == verdict
    assert f"{shift:.1f} px" in named(p, "geometry").value


def test_a_beam_centre_that_a_search_has_replaced_is_compared_with_the_headers(processing):
    panel = processing.experiment.detector[0]
    moved = replace(panel, origin=panel.origin - 30 * panel.pixel_size[0] * panel.fast_axis)
    stated = replace(processing.experiment, detector=Detector((moved,)))
    assert named(processing, "geometry").verdict == "good"
    check = named(replace(processing, stated=stated), "geometry")
    assert check.verdict == "look"
    assert "beam centre 30" in check.value or "beam centre 29" in check.value


def test_a_space_group_is_judged_where_it_was_given(processing):
    assert "space group as given" not in names(changed(processing, "symmetry", is_given=False))
    best = replace(processing.symmetry.best, likelihood=0.01)
    given = changed(processing, "symmetry", is_given=True, best=best, space_group=gemmi.SpaceGroup("P 4"))
    assert named(given, "space group as given").verdict == "bad"
    assert named(given, "space group as given").value.startswith("P 4, ")


def test_overloads_are_named_as_the_cause_of_missing_strong_reflections(processing):
    statistics = processing.scaled.statistics
    first = replace(statistics.shells[0], completeness=40.0)
    low = replace(
        statistics, shells=(first, *statistics.shells[1:]), overall=replace(statistics.overall, completeness=96.0)
    )
    n_overloaded = processing.integrated.n_predicted // 10
    p = changed(changed(processing, "scaled", statistics=low), "integrated", n_overloaded=n_overloaded)
    check = named(p, "completeness at low resolution")
    assert "overloaded: attenuate the beam" in check.advice
    assert check.verdict == "look"
    assert named(p, "overloaded").verdict == "look"
    assert named(processing, "overloaded").verdict == "good"


def test_an_outer_shell_without_signal_is_told_of_where_the_cut_was_not_ours(processing):
    assert not any(name.startswith("I/sigma of the shell") for name in names(processing)) or (
        processing.resolution.limited_by_data
    )
    unknown = replace(processing, resolution=None)
    assert any(name.startswith("I/sigma of the shell") for name in names(unknown))


@pytest.mark.parametrize(("cell", "is_large"), [((10, 10, 10), False), ((40, 40, 40), True)])
def test_small_molecules_are_not_tested_for_twins(processing, cell, is_large):
    merged = replace(processing.merged, cell=gemmi.UnitCell(*cell, 90, 90, 90))
    assert is_macromolecular(merged) == is_large
    if not is_large:
        assert not any("twin" in name for name in names(replace(processing, merged=merged)))


def test_images_left_out_by_any_stage_are_named_once(processing):
    odd = replace(processing.found.peculiar, blank=(3, 4), refused=(4,))
    p = changed(changed(processing, "found", peculiar=odd), "scaled", blank_images=((0, 3),), odd_images=((0, 9, 0.5),))
    assert _lost_images(p).numbers == (3, 4, 9)


def test_a_crystal_is_not_said_to_diffract_beyond_a_shell_without_signal(processing):
    statistics = processing.scaled.statistics
    noise = replace(statistics.shells[-1], i_over_sigma=-0.1, cc_half=None)
    empty = replace(statistics, shells=(*statistics.shells[:-1], noise))
    p = changed(changed(processing, "resolution", limited_by_data=True), "scaled", statistics=empty)
    assert any(name.startswith("I/sigma of the shell") for name in names(p))
    assert "resolution limit" not in names(p)
