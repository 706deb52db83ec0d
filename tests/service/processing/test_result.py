from __future__ import annotations

from typing import Any

import pytest

from autoproc.service.processing.result import doubtful, doubts_in_words, result_line


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
    checks = [{"name": n, "verdict": v} for n, v in (("ice", "look"), ("images", "good"), ("lattices", "bad"))]
    summary = {"quality": {"verdict": "bad", "checks": checks}}
    assert doubtful(summary) == ["lattices", "ice"]
    assert doubts_in_words({"verdict": "bad", "look_at": ["lattices", "ice"]}) == "beware: lattices, ice"
    assert doubts_in_words({"verdict": "look", "look_at": ["ice"]}) == "look closer: ice"
    assert doubts_in_words({"verdict": "good", "look_at": []}) == ""
    many = ["geometry", "header or images: a sentence that was ...", "header or images: another ...", "ice", "ISa"]
    assert (
        doubts_in_words({"verdict": "look", "look_at": many})
        == "look closer: geometry, header or images, ice and 1 more"
    )
    assert doubts_in_words({"verdict": "bad"}) == "", "results of earlier versions do not say"
