from __future__ import annotations

from typing import Any

import pytest

from autoproc.service.results.brief import brief, doubts_in_words, result_line


def result(**changes: Any) -> dict[str, Any]:
    return {
        "space_group": "P 1", "unit_cell": [30.0, 40.0, 50.0, 90.0, 91.0, 92.0], "d_min": 2.0, "completeness": 99.0,
        "r_meas": 0.05, "cc_half": 0.999, "n_lattices": 1, "verdict": "good", **changes,
    }  # fmt: skip


def test_a_good_sweep_is_its_figures():
    line = result_line("x", result())
    assert line == "x: P 1  30.00 40.00 50.00 90.00 91.00 92.00  2.00 A  99.0% complete  Rmeas 0.050  CC1/2 0.999"


@pytest.mark.parametrize(
    ("changes", "words"), [({"n_lattices": 2}, "2 lattices"), ({"verdict": "bad"}, "BEWARE, see summary.txt")]
)
def test_what_a_user_must_know_is_on_the_line(changes, words):
    assert result_line("x", result(**changes)).endswith(f"  {words}")


def test_a_light_that_is_not_green_has_reasons_the_gravest_first():
    told = (("ice", "look", ""), ("images", "good", ""), ("lattices", "bad", "look closely"))
    checks = [{"name": n, "value": "2", "usual": "1", "verdict": v, "advice": a} for n, v, a in told]
    kept = brief({"status": "processed", "quality": {"verdict": "bad", "checks": checks}})
    assert kept["look_at"] == ["lattices", "ice"]
    assert kept["doubts"] == [
        {"name": "lattices", "verdict": "bad", "says": "lattices: 2 (usual: 1); look closely", "lacks": ""},
        {"name": "ice", "verdict": "look", "says": "2", "lacks": ""},
    ]
    assert doubts_in_words({"verdict": "bad", "look_at": ["lattices", "ice"]}) == "beware: lattices, ice"
    assert doubts_in_words({"verdict": "look", "look_at": ["ice"]}) == "look closer: ice"
    assert doubts_in_words({"verdict": "good", "look_at": []}) == ""
    many = ["geometry", "header or images: a sentence that was ...", "header or images: another ...", "ice", "ISa"]
    assert (
        doubts_in_words({"verdict": "look", "look_at": many})
        == "look closer: geometry, header or images, ice and 1 more"
    )
    assert doubts_in_words({"verdict": "bad"}) == "", "results of earlier versions do not say"


def test_what_a_group_has_settled_is_no_doubt_and_the_group_is_named():
    group = {"name": "combined/x", "words": "part of combined/x, which is complete", "settled": ["completeness"]}
    alone = {"verdict": "look", "look_at": ["completeness", "ISa"]}
    both = doubts_in_words(alone | {"group": group | {"verdict": "look"}})
    assert both == "look closer: ISa; part of combined/x, which is complete"
    wedge = alone | {"look_at": ["completeness"], "group": group | {"verdict": "good"}}
    assert doubts_in_words(wedge) == group["words"]
    assert result_line("x", result() | wedge).endswith(f"  {group['words']}")


def test_of_a_group_it_is_kept_what_was_set_aside_and_which_space_groups_are_left():
    rows = [{"name": "x_1", "why_aside": ""}, {"name": "x_2", "why_aside": "another structure"}]
    crystals = [{"sweeps": ["x_1", "x_3"], "suffers": True}, {"sweeps": ["x_4"], "suffers": False}]
    summary = {"data_sets": rows, "alternatives": ["P 32"], "damage": {"crystals": crystals}}
    kept = brief({"status": "processed", "members": {"x_1": 1}} | summary)
    assert kept["suffer"] == ["x_1", "x_3"]
    assert (kept["aside"], kept["alternatives"]) == ({"x_2": {"x_2": "another structure"}}, ["P 32"])
    assert kept["left_out"] == ["x_2"]
    partly = [*rows, {"name": "x_1 lattice 2", "why_aside": "another"}]
    assert brief({"status": "processed", "members": {"x_1": 1}, "data_sets": partly})["left_out"] == ["x_2"]
    assert "aside" not in brief({"status": "processed"})


def test_anomalous_correlations_by_chance_are_not_kept():
    def kept(is_significant):
        inner = {"cc_anom": 0.67, "cc_anom_significant": is_significant}
        result = brief({"status": "processed", "merging_statistics": {"overall": {"cc_anom": 0.4}, "inner": inner}})
        return result["cc_anom"], result["cc_anom_inner"]

    assert kept(True) == (0.4, 0.67)
    assert kept(False) == (0.4, None)
    assert kept(None) == (0.4, 0.67), "summaries of before do not say"
