"""The words of a probe, for each case."""

from __future__ import annotations

from dataclasses import replace

import pytest

from autoproc.decisions.probe import ProbeReport, probe_verdict

GOOD = ProbeReport(
    rotation=30.0, planned=180.0, n_images=300, n_spots=9000, per_image=30.0, lattice="tP",
    unit_cell=(77.6, 77.6, 37.4, 90.0, 90.0, 90.0), laue="4/mmm", indexed=0.95, d_min=1.84, mosaicity=0.12,
    complete_after=52.0, at_plan=0.999, blind=0.0,
)  # fmt: skip


def words(**changes):
    verdict = probe_verdict(replace(GOOD, **changes))
    return verdict.light, "; ".join(verdict.words)


def test_a_good_crystal():
    assert words() == (
        "good",
        "lattice tP 77.6 77.6 37.4 90.0 90.0 90.0, 95% of the spots, spots to 1.84 A, mosaicity 0.12; "
        "complete at 52 degrees if symmetry is 4/mmm",
    )
    assert "enough: complete at 52 degrees" in words(rotation=60.0)[1]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"n_dark": 300}, "stop: no beam on any image"),
        ({"lattice": "", "per_image": 2.0, "indexed": 0.0}, "stop: hardly any spots (2 an image)"),
        ({"lattice": "", "indexed": 0.0, "why_not": "no cell"}, "stop: no lattice (no cell)"),
        ({"indexed": 0.22}, "stop: no lattice (the best explains 22% of 9000 spots)"),
    ],
)
def test_reasons_to_stop(changes, said):
    assert words(**changes) == ("stop", said)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"n_dark": 12}, "no beam on 12 of 300 images"),
        ({"indexed": 0.6, "others": (0.3,)}, "second lattice, 30% of the spots"),
        ({"indexed": 0.5, "others": (0.3, 0.1)}, "lattice 3, 10% of the spots"),
        ({"indexed": 0.45}, "55% of the spots are on no lattice"),
        ({"on_ice": 0.25}, "ice: 25% of the spots"),
        ({"shift": 4.2}, "the beam centre is 4.2 pixels from where the header has it"),
        ({"mosaicity": 0.83}, "spots are 0.8 degrees wide"),
        ({"unit_cell": (5.6, 5.6, 5.6, 90.0, 90.0, 90.0)}, "too small for a protein"),
    ],
)
def test_reasons_to_look(changes, said):
    light, text = words(**changes)
    assert light == "look"
    assert said in text


def test_few_spots_of_a_small_cell_on_fine_slices_are_a_lattice():
    assert words(per_image=1.0)[0] == "good"


def test_a_centred_cell_is_as_small_as_its_primitive_one():
    cell = (30.0, 30.0, 30.0, 90.0, 90.0, 90.0)
    assert words(lattice="cP", unit_cell=cell)[0] == "good"
    assert words(lattice="cF", unit_cell=cell)[0] == "look"


def test_how_far():
    assert "planned" not in words()[1]
    assert "the planned 40 degrees give 88%" in words(planned=40.0, at_plan=0.88)[1]
    assert "the blind cone leaves 4%" in words(blind=0.04)[1]
    assert "planned" not in words(planned=None, at_plan=None)[1]
    assert words(complete_after=None, planned=10.0, at_plan=None)[1].endswith("mosaicity 0.12")
