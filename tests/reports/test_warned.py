from __future__ import annotations

from types import SimpleNamespace

import pytest

from autoproc.reports.checks import EQUIVALENTS, Check
from autoproc.reports.warned import is_lattice_wrong, warnings_in_order
from autoproc.stages.index import LOOSE_SPOTS
from autoproc.stages.search_beam import REPLACED


def check(name: str, verdict: str) -> Check:
    return Check(name, "1", "2", verdict, advice="do something")


@pytest.mark.parametrize(
    ("verdicts", "failed", "is_wrong"),
    [
        ({}, None, False),
        ({"spots indexed": "bad"}, None, True),
        ({"geometry": "bad"}, None, True),
        ({"spots against predictions": "bad"}, None, True),
        ({"completeness": "bad"}, "scale", False),
        ({"spots indexed": "look"}, None, False),
        ({"spots indexed": "look"}, "scale", True),
        ({"spots indexed": "look"}, "integrate", False),
        ({"spots indexed": "look", "geometry": "look"}, None, True),
        ({"spots indexed": "good", "geometry": "look"}, "scale", False),
    ],
)
def test_when_the_lattice_is_to_blame(verdicts, failed, is_wrong):
    assert is_lattice_wrong([check(n, v) for n, v in verdicts.items()], failed) == is_wrong


def test_effects_of_a_wrong_lattice_are_one_sentence_and_causes_come_first():
    processing = SimpleNamespace(
        warnings=["of the header", "of scaling", "of indexing"],
        indexed=SimpleNamespace(warnings=("of indexing",)),
        scaled=SimpleNamespace(warnings=("of scaling",)),
    )
    checks = [check("spots indexed", "bad"), check("completeness", "look"), check("multiplicity", "good")]
    found = warnings_in_order(processing, checks, None)
    assert found[0] == "of indexing"
    assert found[1] == checks[0].warning
    assert found.index("of the header") < len(found) - 1
    assert "of scaling" not in found
    assert "whatever else is unusual (completeness) follows from a doubtful lattice" in found[-1]
    assert len(set(found)) == len(found)


def test_otherwise_everything_is_told_once():
    processing = SimpleNamespace(warnings=["one", "two", "one"])
    assert warnings_in_order(processing, [], None) == ["one", "two"]
    assert warnings_in_order(None, [], None) == []


@pytest.mark.parametrize("verdict", ["good", "look"])
def test_loose_spots_are_not_told_beside_a_geometry_that_has_the_cause(verdict):
    processing = SimpleNamespace(warnings=[LOOSE_SPOTS, "other"])
    geometry = check("geometry", verdict)
    found = warnings_in_order(processing, [geometry], None)
    assert (LOOSE_SPOTS in found) == (verdict == "good")
    assert "other" in found
    assert (found[0] == geometry.warning) == (verdict == "look")


@pytest.mark.parametrize("indexed", ["bad", "good"])
def test_a_replaced_beam_centre_comes_first_since_all_else_may_follow_from_it(indexed):
    replaced = f"{REPLACED}: the header says this, the spots suggest that"
    processing = SimpleNamespace(
        warnings=["of the header", "of indexing", replaced], indexed=SimpleNamespace(warnings=("of indexing",))
    )
    found = warnings_in_order(processing, [check("spots indexed", indexed), check("geometry", "look")], None)
    assert found[0] == replaced
    assert len(set(found)) == len(found)


@pytest.mark.parametrize("verdict", ["good", "bad"])
def test_that_there_are_no_data_at_all_comes_first_whatever_the_lattice(verdict):
    none = check(EQUIVALENTS, "bad")
    found = warnings_in_order(SimpleNamespace(warnings=["one"]), [check("spots indexed", verdict), none], None)
    assert found[0] == none.warning
    assert not any(EQUIVALENTS in other for other in found[1:])
