from __future__ import annotations

import math

import gemmi
import pytest

from autoproc.symmetry.absences import Absences, SpaceGroupScore, equally_good
from autoproc.symmetry.centric import CentreEvidence
from autoproc.symmetry.undecided import undecided

CENTRE = CentreEvidence(None, 0.97, 0.74, 0.0, 3)


def score(name, p, log_against=0.0, n_telling=0):
    return SpaceGroupScore((gemmi.SpaceGroup(name),), p, log_against, n_telling)


def absences(*candidates):
    return Absences((), candidates, False, CENTRE)


def test_the_commonest_is_chosen_and_it_is_said():
    said = undecided(absences(score("P 1 21/c 1", 0.98), score("P 1 2/c 1", 0.014), score("P 1 c 1", 0.01, 2.0, 2)))
    assert said == [
        "P 2/c cannot be told from P 21/c: no reflection was measured that one extinguishes and the other does not.",
        "P c cannot be told from P 21/c: 2 reflections that one extinguishes and the other does not, and no "
        "clear difference.",
        "P 21/c is used because it is the commonest: 34.3% of small-molecule crystals have it, 0.5% have P 2/c, "
        "0.4% have P c.",
    ]


def test_or_the_one_that_intensities_are_rather_for():
    said = undecided(absences(score("P 1 2/c 1", 0.6, 0.0), score("P 1 21/c 1", 0.4, math.log(12), 1)))
    assert "P 21/c cannot be told from P 2/c: 1 reflection that" in said[0]
    assert said[1] == "P 2/c is used because intensities are rather for it (12.0 to 1), though not clearly."


def test_or_it_is_as_good_as_the_others():
    assert undecided(absences(score("P 4 3 2", 0.5), score("P -4 3 m", 0.5)))[-1].endswith("as good as any of them.")


@pytest.mark.parametrize("log_against", [3.0, 50.0, math.inf])
def test_what_intensities_tell_apart_is_not_spoken_of(log_against):
    found = absences(score("P 1 21/c 1", 0.999), score("P 1 2/c 1", 0.001, log_against, 9))
    assert undecided(found) == []
    assert [g.number for g in equally_good(found)] == [14]
