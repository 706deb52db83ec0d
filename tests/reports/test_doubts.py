"""Which doubts only say that more data are needed."""

from __future__ import annotations

from dataclasses import asdict

import pytest

from autoproc.reports.checks import doubts, outliers, redundancy
from autoproc.reports.doubts import doubts_of


def told(check):
    (only,) = doubts_of([asdict(check)])
    return only


def test_multiplicity_is_a_matter_of_more_data():
    found = told(redundancy(1.4))
    assert found == {"name": "multiplicity", "verdict": "look", "says": redundancy(1.4).warning, "lacks": "coverage"}
    assert told(outliers(50, 100))["lacks"] == ""


@pytest.mark.parametrize(
    ("warning", "lacks"),
    [("P 3, P 31, P 32 cannot be told apart: no 00l reflection was measured", "symmetry"),
     ("the Laue group is uncertain: P -3 (0.40) or P -1 (0.30); more rotation tells", "symmetry"),
     ("2 | [0, 0, 1] (CC 0.50) was rejected, but is not far from true: pseudo-symmetry or twinning?", "")],
)  # fmt: skip
def test_what_speaks_against_a_symmetry_is_no_lack(warning, lacks):
    assert told(doubts("doubts", [("symmetry", warning)])[0])["lacks"] == lacks
    assert told(doubts("doubts", [("scaling", warning)])[0])["lacks"] == ""
