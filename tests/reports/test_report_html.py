from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from processed import STAGES, processed_sweep, stopped_after

from autoproc.decisions.ladder import Decision
from autoproc.reports.report_html import report_of, report_page, sections, write_report
from autoproc.reports.summary import Failure, summarise
from autoproc.stages.pipeline import Processing


@pytest.fixture(scope="module")
def processing(tmp_path_factory: pytest.TempPathFactory) -> Processing:
    return processed_sweep(tmp_path_factory)


def page_of(processing: Processing | None, failure: Failure | None = None) -> str:
    summary = summarise("demo", processing, failure)
    return report_page(summary, report_of(summary, processing))


def figures_of(processing: Processing) -> set[str]:
    return {figure.title for section in sections(processing) for figure in section.figures}


def test_the_plots_that_users_look_for_are_there(processing: Processing):
    wanted = {"Spots per image", "RMSD against image, lattice 1", "RMSD against image, lattice 2", "I/\u03c3",
              "Completeness", "CC\u00bd", "R factors", "Multiplicity", "Scale against image", "B against image",
              "Shadows and hot pixels", "RMSD over the detector, lattice 1",
              "RMSD over the detector, lattice 2", "Error model"}  # fmt: skip
    assert wanted <= figures_of(processing)


def test_two_lattices_have_their_cells_and_the_rotation_between_them(processing: Processing):
    page = page_of(processing)
    assert "Rotation between lattices" in page
    assert f"{processing.indexed.rotations[0].angle:.2f}" in page


def test_every_drawing_is_well_formed(processing: Processing):
    for section in sections(processing):
        for figure in section.figures:
            ElementTree.fromstring(figure.svg)
            assert not re.search(r"\b(nan|inf)\b", figure.svg), figure.title


def test_the_page_needs_nothing_else_and_is_closed(processing: Processing):
    page = page_of(processing)
    assert not re.search(r'(src|href)="(?!#)', page)
    assert "@import" not in page
    for tag in ("table", "figure", "div", "details", "svg"):
        assert page.count(f"<{tag}") == page.count(f"</{tag}>"), tag


def test_the_same_results_give_the_same_bytes(processing: Processing):
    assert page_of(processing) == page_of(processing)


@pytest.mark.parametrize("n_stages", range(len(STAGES) + 1))
def test_a_sweep_that_failed_anywhere_has_a_page(processing: Processing, n_stages: int):
    failed = stopped_after(processing, n_stages)
    page = page_of(failed, Failure("integrate", "it went <wrong>", "do this"))
    assert "it went &lt;wrong&gt;" in page
    assert "do this" in page
    assert (n_stages >= 1) == ("Spots per image" in page)


def test_a_sweep_that_was_never_imported_has_a_page():
    assert "no header" in page_of(None, Failure("import", "no header", ""))


def test_spots_without_any_pixel_or_reflection_do_not_break_it(processing: Processing):
    found = processing.found
    empty = replace(found, reflections=found.reflections[:0], spots_per_image=np.zeros(30, int))
    assert "Spots per image" in page_of(replace(stopped_after(processing, 1), found=empty))


def test_blank_images_leave_gaps(processing: Processing):
    kept = processing.refined.reflections
    frame = kept["xyz_obs_px"][:, 2]
    gap = replace(processing.refined, reflections=kept[(frame < 5) | (frame > 20)])
    assert "RMSD against image" in page_of(replace(processing, refined=gap))


def test_a_long_sweep_does_not_make_a_long_page(processing: Processing):
    found = processing.found
    short, long = (replace(found, spots_per_image=np.full(n, 100)) for n in (300, 30000))
    sizes = [len(page_of(replace(stopped_after(processing, 1), found=f))) for f in (short, long)]
    assert sizes[1] < sizes[0] + 40000


def test_what_names_hold_is_escaped(processing: Processing, tmp_path: Path):
    summary = summarise("<b>evil</b>", stopped_after(processing, 1), None)
    write_report(tmp_path / "report.html", summary, report_of(summary, stopped_after(processing, 1)))
    assert "<b>evil" not in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_decisions_are_told_in_order(processing: Processing):
    assert "What was decided" not in page_of(processing)
    decided = replace(processing, decisions=[
        Decision("index", "look for lattice 2", "40% of the spots are on <no> lattice", kept=True),
        Decision("scale", "raise the absorption correction", "no gain", kept=False, within="look for lattice 2"),
    ])  # fmt: skip
    page = page_of(decided)
    assert page.count('href="#what-was-decided"') == page.count('id="what-was-decided"') == 1
    assert "40% of the spots are on &lt;no&gt; lattice" in page
    assert page.index("look for lattice 2") < page.index("raise the absorption correction")
    assert "given up" not in page


def test_what_fell_with_an_attempt_is_apart(processing: Processing):
    decided = replace(processing, decisions=[
        Decision("scale", "cut at 2.1 A", "it falls; given up for the attempt to look for lattice 2",
                 kept=False, fallen=True),
        Decision("index", "look for lattice 2", "many spots are left", kept=True),
    ])  # fmt: skip
    page = page_of(decided)
    before, _, folded = page.partition("1 more, within attempts that were given up")
    assert "cut at 2.1 A" in folded
    assert "cut at 2.1 A" not in before
    assert "look for lattice 2</td>" in before


def test_the_page_suits_a_phone(processing: Processing):
    """Numbers of the cell stay together, links have room to go to the next line, rows are stacked with their labels."""
    page = page_of(processing)
    cell = "{:.2f} {:.2f} {:.2f}".format(*summarise("demo", processing, None)["unit_cell"][:3])
    assert f'<span class="whole">{cell}</span>' in page
    assert "flex-wrap: wrap" in page
    assert '<td data-label="usual">' in page
    assert "overflow-wrap: break-word" in page


def test_checks_that_failed_come_first(processing: Processing):
    rows = re.findall(r'<td class="verdict (\w+)"', page_of(processing))
    assert set(rows) == {"good", "look"}
    assert rows == sorted(rows, key=lambda verdict: verdict == "good")
