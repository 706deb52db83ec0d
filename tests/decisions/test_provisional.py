"""What a sweep comes to so far, in words."""

from __future__ import annotations

from dataclasses import replace

from autoproc.decisions.provisional import DISAGREE, ProvisionalReport, provisional_words

REPORT = ProvisionalReport(0.5, 300, 45.0, "mmm", 2.04, 0.7154, 2.46, 4321, 20.0, 0.058)


def test_all_of_it():
    assert provisional_words(REPORT) == (
        "so far (50% of the images), if symmetry is mmm: 71.5% complete to 2.04 A, multiplicity 2.5, "
        "Rmeas 0.06 of 4,321 strong spots; provisional"
    )


def test_spots_that_do_not_agree():
    assert "do not agree: symmetry may be lower" in provisional_words(replace(REPORT, r_meas=DISAGREE))
    assert "do not agree" not in provisional_words(replace(REPORT, r_meas=0.99 * DISAGREE))


def test_few_spots_tell_no_agreement():
    assert "Rmeas" not in provisional_words(replace(REPORT, r_meas=None))


def test_why_nothing_is_told():
    report = ProvisionalReport(0.25, 150, 15.0, why_not="no lattice is known")
    assert provisional_words(report) == "so far (25% of the images): not told, no lattice is known"
