"""A wedge of a good group does not shout for what the group has settled, and what is wrong with it stays."""

from __future__ import annotations

import pytest

from autoproc.reports.in_group import doubts_left, said_in_doubt, settled_warnings, standings, verdict_of

COMPLETENESS = {"name": "completeness", "verdict": "bad", "says": "completeness: 42.0% (usual: at least 85%)",
                "lacks": "coverage"}  # fmt: skip
MULTIPLICITY = {"name": "multiplicity", "verdict": "look", "says": "multiplicity: 1.4 (usual: at least 2)",
                "lacks": "coverage"}  # fmt: skip
UNTOLD = "P 3, P 31, P 32 cannot be told apart"
SCREWS = {"name": f"symmetry: {UNTOLD}", "verdict": "look", "says": f"{UNTOLD}: no 00l reflection was measured",
          "lacks": "symmetry"}  # fmt: skip
TWINNED = {"name": "symmetry: 2 | [0, 0, 1] was rejected", "verdict": "look", "says": "2 | [0, 0, 1] was rejected, but",
           "lacks": ""}  # fmt: skip
DAMAGE = {"name": "growth of B over the sweep", "verdict": "look", "says": "growth of B over the sweep: 16.9 A^2",
          "lacks": ""}  # fmt: skip
GOOD = {"status": "processed", "verdict": "good", "look_at": [], "completeness": 99.4, "space_group": "P 31",
        "alternatives": [], "aside": {}}  # fmt: skip
WEDGE = [COMPLETENESS, MULTIPLICITY, SCREWS]


def alone(*doubts, **facts):
    verdict = next((v for v in ("bad", "look") for one in doubts if one["verdict"] == v), "good")
    said = {"look_at": [one["name"] for one in doubts], "warnings": [one["says"] for one in doubts]}
    return {"status": "processed", "verdict": verdict, "doubts": list(doubts), "n_lattices": 1} | said | facts


def within(own, group=GOOD):
    """The result of a wedge as it is kept once its group is done."""
    return own | {"group": standings("combined/x", group, {"x_1": own})["x_1"]}


def test_a_healthy_wedge_of_a_complete_group_has_a_green_light():
    wedge = within(alone(*WEDGE))
    assert verdict_of(wedge) == "good"
    assert doubts_left(wedge) == said_in_doubt(wedge) == []
    assert wedge["group"]["words"] == "part of combined/x, which is complete and settles the space group: P 31"
    assert wedge["group"]["space_group"] == "P 31"
    assert settled_warnings(wedge) == [one["says"] for one in WEDGE]


def test_what_is_wrong_with_the_wedge_itself_stays_and_comes_first():
    wedge = within(alone(SCREWS, COMPLETENESS, DAMAGE, TWINNED))
    assert verdict_of(wedge) == "look", "the worst of what is left, not of all"
    assert doubts_left(wedge) == [DAMAGE["name"], TWINNED["name"]]
    assert said_in_doubt(wedge) == [DAMAGE["says"], TWINNED["says"]]


def test_without_a_group_all_is_as_it_was():
    wedge = alone(*WEDGE)
    assert (verdict_of(wedge), doubts_left(wedge)) == ("bad", [one["name"] for one in WEDGE])
    assert verdict_of({}) == ""


def test_that_little_was_measured_is_said_last_unless_it_is_grave():
    assert said_in_doubt(alone(SCREWS, MULTIPLICITY, DAMAGE)) == [one["says"] for one in (DAMAGE, SCREWS, MULTIPLICITY)]
    assert said_in_doubt(alone(COMPLETENESS, DAMAGE))[0] == COMPLETENESS["says"]


def test_a_group_that_is_not_complete_settles_no_completeness():
    group = GOOD | {"look_at": ["completeness"], "verdict": "look", "completeness": 71.0}
    wedge = within(alone(*WEDGE), group)
    assert doubts_left(wedge) == ["completeness", "multiplicity"]
    assert "which is not complete yet and settles the space group" in wedge["group"]["words"]


@pytest.mark.parametrize(
    "changes",
    [{"alternatives": ["P 32"]}, {"look_at": [f"symmetry: {UNTOLD}"]}, {"verdict": "bad"},
     {"space_group": None}],
)  # fmt: skip
def test_a_group_that_cannot_tell_either_settles_no_space_group(changes):
    wedge = within(alone(*WEDGE), GOOD | changes)
    assert doubts_left(wedge) == [SCREWS["name"]]
    assert "space group" not in wedge["group"]["words"]
    assert wedge["group"]["space_group"] == ""


def test_a_group_to_beware_of_says_so():
    assert within(alone(*WEDGE), GOOD | {"verdict": "bad"})["group"]["words"].endswith("its summary says why")


def test_a_sweep_that_does_not_fit_is_part_of_nothing():
    group = GOOD | {
        "aside": {"x_1": {"x_1": "it agrees with the others in no setting: CC 0.10, where 0.98 is expected"}}
    }
    wedge = within(alone(*WEDGE), group)
    assert wedge["group"]["words"] == "left out of combined/x: it agrees with the others in no setting"
    assert (verdict_of(wedge), len(doubts_left(wedge))) == ("bad", 3)
    assert verdict_of(within(alone(), group)) == "look", "whatever it is alone"


def test_a_crystal_that_suffers_is_seen_though_it_cannot_tell_alone():
    wedge = within(alone(*WEDGE), GOOD | {"suffer": ["x_1"]})
    assert verdict_of(wedge) == "look"
    assert wedge["group"]["words"].endswith("; this crystal is damaged, as the group tells")
    assert verdict_of(within(alone(*WEDGE), GOOD | {"suffer": ["x_2"]})) == "good"


def test_of_several_lattices_some_may_be_left_out():
    aside = {"x_1": {"x_1 lattice 2": "another structure"}, "x_12": {"x_12 lattice 1": "of another sweep"}}
    wedge = within(alone(n_lattices=2), GOOD | {"aside": aside})
    assert wedge["group"]["words"].endswith("complete, but for x_1 lattice 2: another structure")
    assert verdict_of(wedge) == "look"
    all_of_it = within(alone(n_lattices=1), GOOD | {"aside": aside})
    assert all_of_it["group"]["words"].startswith("left out of")


def test_a_sweep_that_failed_alone_may_be_part_of_a_group():
    failed = {"status": "failed", "verdict": "bad", "error": "too few spots"}
    assert verdict_of(within(failed)) == "good"


def test_results_of_earlier_versions_keep_their_verdict():
    assert verdict_of(within({"status": "processed", "verdict": "look", "look_at": ["completeness"]})) == "look"
