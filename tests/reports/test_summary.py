from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from processed import STAGES, processed_sweep, stopped_after

from autoproc.decisions.ladder import Decision
from autoproc.models.experiment import Detector
from autoproc.models.reflections import Flag
from autoproc.reports.quality import quality_checks
from autoproc.reports.report_html import report_of, report_page
from autoproc.reports.story import story
from autoproc.reports.summary import RANGE_KEYS, Failure, format_summary, summarise
from autoproc.scaling.left_out import reasons_left_out
from autoproc.service.processing.process_sweep import plain
from autoproc.service.results.brief import doubtful as doubtful_checks
from autoproc.stages.index import LOOSE_SPOTS
from autoproc.stages.pipeline import Processing, gathered_warnings

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
    assert "LOOK CLOSER" in format_summary(summary, processing)


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
    assert "ISa 30.6" not in text


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
    assert "scale        raise it: no; no gain\n" in part


def test_two_lattices_are_told_at_the_head(processing: Processing):
    summary = summarise("demo", processing, None)
    head = format_summary(summary, processing).partition("Warnings")[0]
    assert "2 lattices, merged together" in head
    assert summary["quality"]["verdict"] == "look"
    assert "lattices" in head.partition("LOOK CLOSER")[2]


def with_distance(processing: Processing, mm: float) -> Processing:
    """As if the header had said another distance."""
    stated = processing.experiment
    panel = stated.detector[0]
    origin = panel.origin + (mm - panel.distance) * panel.normal
    moved = replace(stated, detector=Detector((replace(panel, origin=origin),)))
    return replace(processing, experiment=moved, warnings=list(processing.warnings))


def test_a_wrong_distance_is_told_first_and_the_detector_is_where_it_was_refined(processing: Processing):
    true = processing.refined.experiments[0].detector[0].distance
    changed = with_distance(processing, 1.4 * true)
    changed.warnings.append(LOOSE_SPOTS)
    summary = summarise("demo", changed, None)
    assert summary["warnings"][0].startswith(f"geometry: distance {true:.2f} mm, stated {1.4 * true:.2f}")

    def detector_line(p: Processing) -> str:
        return next(line.text for line in story(p) if line.label == "Detector")

    assert detector_line(changed) == detector_line(processing)
    assert LOOSE_SPOTS not in summary["warnings"], "the true values are told"
    assert not any(w.startswith("geometry") for w in summarise("demo", processing, None)["warnings"])


def test_what_follows_from_a_wrong_lattice_is_told_in_one_sentence(processing: Processing):
    changed = with_distance(processing, 1.4 * processing.refined.experiments[0].detector[0].distance)
    few = replace(processing.indexed, n_indexed=(400,), n_unindexed=(600,), warnings=("spots lie loosely",))
    scaled = replace(processing.scaled, converged=False)
    stated = ["spots lie loosely", "1 image is missing", *processing.symmetry.warnings]
    changed = replace(changed, indexed=few, scaled=scaled, warnings=stated)
    summary = summarise("demo", changed, None)
    assert summary["quality"]["verdict"] == "bad"
    starts = ["spots lie loosely", "spots indexed", "geometry", "1 image is missing", "whatever else is unusual"]
    assert [w.partition(":")[0].partition(" (")[0] for w in summary["warnings"]] == starts
    assert "scaling" in summary["warnings"][-1]


def test_few_spots_on_the_lattice_are_told_at_the_head(processing: Processing):
    few = replace(processing.indexed, n_indexed=(130,), n_unindexed=(870,))
    changed = replace(processing, indexed=few)
    summary = summarise("demo", changed, None)
    assert summary["quality"]["verdict"] == "bad"
    head = format_summary(summary, changed).partition("Warnings")[0]
    assert "only 13% of the spots are on these lattices: they may be wrong" in head


def line_of(processing: Processing, label: str) -> str:
    lines = story(processing)
    at = next(n for n, line in enumerate(lines) if line.label == label)
    end = next((n for n in range(at + 1, len(lines)) if lines[n].label), len(lines))
    return "\n".join(line.text for line in lines[at:end])


def with_outer_shell(processing: Processing, limited: bool, **values) -> Processing:
    statistics = processing.scaled.statistics
    shells = (*statistics.shells[:-1], replace(statistics.outer, **values))
    scaled = replace(processing.scaled, statistics=replace(statistics, shells=shells))
    resolution = replace(processing.resolution, d_min=statistics.overall.d_min, limited_by_data=limited)
    return replace(processing, scaled=scaled, resolution=resolution)


def test_a_cliff_is_told_from_a_fall(processing: Processing):
    for ended_by, words in (
        ("abrupt", "where the signal ends abruptly"),
        ("fit", "where the fitted CC1/2 falls to 0.3"),
    ):
        p = with_outer_shell(processing, False)
        p = replace(p, resolution=replace(p.resolution, ended_by=ended_by))
        assert words in line_of(p, "Resolution")


def test_a_limit_from_few_repeats_is_called_uncertain(processing: Processing):
    cut = with_outer_shell(processing, False, cc_half=0.35)
    statistics = cut.scaled.statistics
    overall = replace(statistics.overall, n_observations=statistics.overall.n_unique + 90)
    few = replace(cut, scaled=replace(cut.scaled, statistics=replace(statistics, overall=overall)))
    assert "only 90 repeated observations" in line_of(few, "Resolution")
    many = replace(overall, n_observations=overall.n_unique + 9000)
    enough = replace(cut, scaled=replace(cut.scaled, statistics=replace(statistics, overall=many)))
    assert "uncertain" not in line_of(enough, "Resolution")


def test_no_further_cut_is_advised_after_one_of_ours(processing: Processing):
    def names(p: Processing) -> str:
        return " ".join(check.name for check in quality_checks(p))

    assert "I/sigma of the shell" not in names(with_outer_shell(processing, False, i_over_sigma=0.2))
    assert "I/sigma of the shell" in names(with_outer_shell(processing, True, i_over_sigma=0.2))


def test_observations_that_are_not_used_have_reasons(processing: Processing):
    rows = processing.scaled.reflections
    some = np.flatnonzero(rows.has_flag(Flag.SCALED))[:600]
    chosen = np.zeros(len(rows), bool)
    chosen[some] = True
    partial, overloaded = chosen.copy(), chosen.copy()
    partial[some[:200]], overloaded[some[200:]] = False, False
    before = dict(reasons_left_out(processing.scaled))
    changed = rows.without_flag(Flag.SCALED, chosen).with_flag(Flag.OVERLOADED, overloaded)
    changed = changed.replace(partiality=np.where(partial, 0.1, rows["partiality"]))
    scaled = replace(processing.scaled, reflections=changed, n_scaled=processing.scaled.n_scaled - 600)
    found = dict(reasons_left_out(scaled))
    assert found["overloaded"] == before.get("overloaded", 0) + 200
    assert found["recorded in part only"] == before.get("recorded in part only", 0) + 400
    assert "200 overloaded" in line_of(replace(processing, scaled=scaled), "Scaling")


def test_absent_reflections_explain_the_two_numbers_of_observations(processing: Processing):
    n = processing.scaled.statistics.overall.n_observations
    some = replace(processing, scaled=replace(processing.scaled, n_scaled=n + 45))
    assert "45 of those used are systematically absent" in line_of(some, "Scaling")
    none = replace(processing, scaled=replace(processing.scaled, n_scaled=n))
    assert "absent" not in line_of(none, "Scaling")


def with_higher(processing: Processing, likelihood: float) -> Processing:
    s = processing.symmetry
    lower = min(s.subgroups, key=lambda g: len(g.subgroup.members))
    higher = max(s.subgroups, key=lambda g: len(g.subgroup.members))
    groups = (replace(lower, likelihood=0.5), replace(higher, likelihood=likelihood))
    return replace(processing, symmetry=replace(s, best=groups[0], subgroups=groups))


def test_a_cell_of_higher_symmetry_is_told_with_what_the_intensities_say(processing: Processing):
    assert "the cell would allow P m m m" in line_of(with_higher(processing, 0.01), "Symmetry")
    assert "the intensities deny it" in line_of(with_higher(processing, 0.01), "Symmetry")
    assert "too few or too poor to deny it" in line_of(with_higher(processing, 0.3), "Symmetry")
    assert "would allow" not in line_of(processing, "Symmetry")


def verdict_of(processing: Processing) -> tuple[str, dict[str, str]]:
    quality = summarise("demo", processing, None)["quality"]
    return quality["verdict"], {check["name"]: check["verdict"] for check in quality["checks"]}


@pytest.mark.parametrize(
    ("changes", "name", "expected"),
    [
        ({}, "images", "good"),
        ({"blank": (3, 4)}, "images", "look"),
        ({"refused": (1,)}, "images", "look"),
        ({"blank": tuple(range(1, 9))}, "images", "bad"),
        ({"on_ice": 0.25, "ice_excess": 5.0}, "spots on ice rings", "look"),
        ({}, "spots on ice rings", "good"),
    ],
)
def test_blank_images_and_ice_are_checks(processing: Processing, changes, name: str, expected: str):
    odd = replace(processing.found.peculiar, **changes)
    found = replace(processing.found, peculiar=odd)
    verdict, checks = verdict_of(replace(processing, found=found))
    assert checks[name] == expected
    order = ("good", "look", "bad")
    assert order.index(verdict) >= order.index(expected)


def test_images_whose_intensities_are_off_are_a_check_and_are_told(processing: Processing):
    scaled = replace(processing.scaled, odd_images=((0, 7, 0.5312), (0, 8, 0.6)))
    told = replace(processing, scaled=scaled)
    told.warnings = gathered_warnings(told)
    words = "images 7-8: intensities 0.53 to 0.60 of their neighbours'"
    assert f"{words}: left out" in line_of(told, "Scaling")
    assert any(w.startswith(words) for w in summarise("demo", told, None)["warnings"])
    verdict, checks = verdict_of(told)
    assert checks["images"] == "look"
    assert verdict != "good"
    (check,) = [c for c in summarise("demo", told, None)["quality"]["checks"] if c["name"] == "images"]
    assert "2 with intensities unlike their neighbours'" in check["value"]


def test_what_reached_into_images_that_are_off_is_counted(processing: Processing):
    rows = processing.scaled.reflections
    gone = np.zeros(len(rows), bool)
    gone[np.flatnonzero(rows.has_flag(Flag.SCALED))[:300]] = True
    scaled = replace(
        processing.scaled, reflections=rows.without_flag(Flag.SCALED, gone),
        start=replace(processing.scaled.start, odd=gone),
    )  # fmt: skip
    assert dict(reasons_left_out(scaled))["on images whose intensities are off"] == 300


def test_unread_images_count_unless_the_user_has_excluded_them(processing: Processing):
    unread = replace(processing, found=replace(processing.found, n_unread=2))
    assert verdict_of(unread)[1]["images"] == "look"
    scan = replace(processing.experiment.scan, excluded=(4, 5))
    asked = replace(unread, experiment=replace(processing.experiment, scan=scan))
    assert verdict_of(asked)[1]["images"] == "good"


def test_a_partial_sweep_and_a_doubtful_header_are_no_green_light(processing: Processing):
    assert verdict_of(replace(processing, partial="9 of 30 images are there"))[1]["images"] == "look"
    name, doubt = "doubts about header and images", "the sensor is 320 mm thick"
    assert verdict_of(replace(processing, warnings=[]))[1][name] == "good"
    assert verdict_of(replace(processing, warnings=[doubt, doubt]))[1][f"header or images: {doubt}"] == "look"
    whose = {doubt: "refinement"}
    told = verdict_of(replace(processing, warnings=[doubt], whose=whose))[1]
    assert (told[f"refinement: {doubt}"], told[name]) == ("look", "good")
    stage = list(processing.symmetry.warnings or processing.indexed.warnings)
    assert verdict_of(replace(processing, warnings=stage))[1][name] == "good", "the stage said it"


STAGE_NAMES = {"found": "spot finding", "indexed": "indexing", "refined": "refinement", "symmetry": "symmetry"}


@pytest.mark.parametrize(("stage", "words"), STAGE_NAMES.items())
def test_a_doubt_is_named_with_its_stage_wherever_the_light_is_explained(processing: Processing, stage, words):
    doubtful = replace(getattr(processing, stage), warnings=("something is odd; look at it",))
    changed = replace(processing, **{stage: doubtful}, warnings=[])
    name = f"{words}: something is odd"
    summary = summarise("demo", changed, None)
    assert verdict_of(changed)[1][name] == "look"
    assert name in doubtful_checks(summary)
    assert name in " ".join(format_summary(summary, changed).split())
    assert name in report_page(summary, report_of(summary, changed))
