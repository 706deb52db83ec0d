from __future__ import annotations

import pytest

from autoproc.decisions.resolution import ResolutionReport, resolution_cut

ENDS = ResolutionReport(2.31234, 1.8, False, "where the fitted CC1/2 falls to 0.3")
ALL_GOOD = ResolutionReport(1.8, 1.8, True, "the end of the data")


def test_cut_where_the_data_end():
    decision = resolution_cut(ENDS, True, None)
    assert decision.kept
    assert decision.changes == {"scale.d_min": 2.3123}
    assert decision.what == "cut the data at 2.31 A and scale again"
    assert decision.because == "where the fitted CC1/2 falls to 0.3"


@pytest.mark.parametrize(
    ("report", "wanted", "given", "why"),
    [
        (ENDS, True, 2.0, "scale.d_min was given"),
        (None, True, 2.0, "scale.d_min was given"),
        (ENDS, False, None, "run.resolution_cutoff"),
        (None, True, None, "too few reflections"),
        (ALL_GOOD, True, None, "the end of the data"),
    ],
)
def test_otherwise_the_data_are_kept(report, wanted, given, why):
    decision = resolution_cut(report, wanted, given)
    assert not decision.changes
    assert decision.what.startswith("keep")
    assert why in decision.because
