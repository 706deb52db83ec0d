from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from processed import STAGES, processed_sweep, stopped_after

from autoproc.decisions.ladder import Decision
from autoproc.reports.quality import quality_checks
from autoproc.reports.story import story
from autoproc.reports.summary import RANGE_KEYS, Failure, format_summary, summarise
from autoproc.service.process_sweep import plain
from autoproc.stages.pipeline import Processing

KEYS = {
    "sweep", "status", "error", "space_group", "laue_group", "unit_cell", "n_lattices", "n_images", "n_spots",
    "fraction_indexed", "rmsd", "d_min", "isa", "wilson_b", "merging_statistics", "warnings", "timings",
}  # fmt: skip


@pytest.fixture(scope="module")
def processing(tmp_path_factory: pytest.TempPathFactory) -> Processing:
    return processed_sweep(tmp_path_factory)


def test_a_processed_sweep_has_every_key_with_a_value(processing: Processing):
    summary = summarise("demo", processing, None)
    assert set(summary) >= KEYS
    assert [k for k in KEYS - {"error", "wilson_b"} if summary[k] is None] == []
    assert set(summary["merging_statistics"]) >= {"overall", "inner", "outer"}
    assert set(summary["merging_statistics"]["outer"]) == set(RANGE_KEYS)
    assert summary["n_lattices"] == 2
    json.dumps(plain(summary), allow_nan=False)


@pytest.mark.parametrize("n_stages", range(len(STAGES) + 1))
def test_a_failed_sweep_has_the_same_keys(processing: Processing, n_stages: int):
    whole = summarise("demo", processing, None)
    summary = summarise("demo", stopped_after(processing, n_stages), Failure("refine", "it broke", "mend it"))
    assert set(summary) == set(whole)
    assert summary["status"] == "failed"
    assert summary["error"] == "it broke"
    text = format_summary(summary, stopped_after(processing, n_stages))
    assert "FAILED at refine: it broke" in text
    assert "mend it" in text


def test_nothing_imported_has_the_same_keys(processing: Processing):
    summary = summarise("demo", None, Failure("import", "no header", ""))
    assert set(summary) == set(summarise("demo", processing, None))
    assert "no header" in format_summary(summary, None)


def test_the_page_is_narrow_and_tells_the_story(processing: Processing):
    text = format_summary(summarise("demo", processing, None), processing)
    assert max(map(len, text.splitlines())) <= 100
    for words in ("PROCESSED", "2 lattices", "mosaicity", "Laue group", "Summary of merging statistics", "CC half"):
        assert words in text


def test_warnings_of_stages_and_checks_are_told_once(processing: Processing):
    warned = replace(processing, warnings=["the beam was off", "the beam was off"])
    assert summarise("demo", warned, None)["warnings"].count("the beam was off") == 1
    low = [c for c in quality_checks(processing) if c.name == "completeness"]
    assert low[0].verdict == "look"
    summary = summarise("demo", processing, None)
    assert any("30 degrees of rotation" in w for w in summary["warnings"])
    assert "LOOK AT" in format_summary(summary, processing)


def test_an_error_model_that_could_not_be_fitted_gives_no_isa(processing: Processing):
    scaled = replace(processing.scaled, error_bins=())
    summary = summarise("demo", replace(processing, scaled=scaled), None)
    assert summary["isa"] is None
    assert "too few repeats to estimate ISa" in format_summary(summary, replace(processing, scaled=scaled))


def test_isa_is_the_same_number_wherever_it_is_told(processing: Processing):
    """30.549 is 30.5, also of a number that was once rounded to 30.55."""
    model = replace(processing.scaled.error_model, b=1 / (30.549 * processing.scaled.error_model.a))
    changed = replace(processing, scaled=replace(processing.scaled, error_model=model))
    text = format_summary(summarise("demo", changed, None), changed)
    assert text.count("ISa 30.5") == 2
    assert "30.6" not in text


def test_hot_pixels_that_were_dealt_with_do_not_head_the_page(processing: Processing):
    found = replace(processing.found, hot_pixels=np.array([[3, 4]]), notes=("1 pixels are strong",))
    changed = replace(processing, found=found)
    summary = summarise("demo", changed, None)
    assert not any("pixels" in w for w in summary["warnings"])
    assert "1 hot pixel left out" in format_summary(summary, changed)


def test_images_that_could_not_be_used_are_not_counted(processing: Processing):
    n = processing.experiment.scan.n_images
    changed = replace(processing, found=replace(processing.found, n_unread=3))
    text = format_summary(summarise("demo", changed, None), changed)
    assert f"{n - 3} of {n} (" in text
    assert f" on {n - 3} images" in text


def test_every_line_of_the_story_has_words(processing: Processing):
    lines = story(processing)
    assert all(line.text for line in lines)
    assert {line.stage for line in lines} >= {
        "import",
        "find_spots",
        "index",
        "refine",
        "integrate",
        "symmetry",
        "scale",
    }


def test_an_unforeseen_error_is_called_what_it_is():
    failure = Failure.of("scale", ZeroDivisionError("division by zero"))
    assert "ZeroDivisionError" in failure.message


def test_decisions_are_told_in_order(processing: Processing):
    decided = replace(processing, decisions=[
        Decision("index", "look for lattice 2", "40% of the spots are on no lattice", kept=True),
        Decision("scale", "raise it", "no gain", kept=False, within="look for lattice 2"),
    ])  # fmt: skip
    summary = summarise("demo", decided, None)
    assert json.loads(json.dumps(plain(summary)))["decisions"][1]["within"] == "look for lattice 2"
    part = format_summary(summary, decided).partition("What was decided")[2]
    assert "index        look for lattice 2: yes; 40% of the spots are on no lattice\n" in part
    assert "scale        in the attempt to look for lattice 2: raise it: no; no gain\n" in part
