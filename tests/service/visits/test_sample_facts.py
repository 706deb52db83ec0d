"""What is known of a sample, under the names of ISPyB: taken as expectations, nonsense said, unknowns passed over."""

import pytest

from autoproc.service.visits.sample_facts import tables_of

CELL = [61.0, 74.0, 112.0, 90.0, 97.0, 90.0]


@pytest.mark.parametrize(
    "said",
    [
        {"cell": CELL},
        {"unit_cell": [str(x) for x in CELL]},
        {"unitCell": "61, 74 112  90 97,90"},
        dict(zip(("cell_a", "cell_b", "cell_c", "cell_alpha", "cell_beta", "cell_gamma"), CELL, strict=True)),
        {"crystal": dict(zip(("cellA", "cellB", "cellC", "cellAlpha", "cellBeta", "cellGamma"), CELL, strict=True))},
        [{"cell": CELL}],
        {"sample": {"cell": CELL}, "beamline": "i03", "runs": [1, 2]},
    ],
    ids=lambda said: str(next(iter(said)))[:12],
)
def test_a_cell_is_known_in_every_way_of_writing_it(said):
    assert tables_of(said) == ({"index": {"expected_cell": CELL}}, [])


@pytest.mark.parametrize("name", ["spaceGroup", "space_group", "crystalSpaceGroup"])
def test_a_space_group_is_compared_with_and_not_taken(name):
    assert tables_of({name: " P 43 21 2 "}) == ({"symmetry": {"expected_space_group": "P 43 21 2"}}, [])
    assert tables_of({name: 96})[0] == {"symmetry": {"expected_space_group": "96"}}


@pytest.mark.parametrize(
    ("said", "element"),
    [
        ({"diffractionPlan": {"anomalousScatterer": "Se"}}, "Se"),
        ({"element": "Zn", "chemicalFormula": "C10 H10 Fe"}, "Zn"),
        ({"chemicalFormula": "C10 H10 Fe"}, "Fe"),
        ({"chemicalFormula": "(C6 H6)2 Fe Cl2 (H2 O)2.5"}, "Fe"),
    ],
)
def test_an_anomalous_scatterer_is_named_or_the_heavy_one_of_the_formula(said, element):
    assert tables_of(said) == ({"scale": {"expected_element": element, "anomalous": True}}, [])


def test_what_every_protein_holds_is_no_anomalous_scatterer():
    assert tables_of({"name": "x", "chemicalFormula": "C3 H7 N O2 S Cl"}) == ({}, [])


@pytest.mark.parametrize("value", [None, "", "none", "Unknown", 0, " - "])
def test_what_a_database_holds_for_unknown_says_nothing(value):
    said = {"acronym": "thau", "cell": value, "spaceGroup": value, "anomalousScatterer": value}
    assert tables_of(said) == ({}, [])
    assert tables_of({"acronym": "thau", "cell": [0] * 6, "cell_a": 0.0, "cell_b": None}) == ({}, [])


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ([[{"cell": CELL}]], "it holds no object with fields"),
        ([1, 2], "it holds no object with fields"),
        ("text", "it holds no object with fields"),
        ({"x": 1}, "it has none of the fields"),
        ({"cell": [1, 2, 3]}, "cell is not six numbers"),
        ({"cell": {"a": 1}}, "cell is not six numbers"),
        ({"cell": ["a"] * 6}, "cell is not six numbers"),
        ({"cell": [10**400] + [90] * 5}, "cell is not six numbers"),
        ({"cell_a": 61.0, "cell_c": 112.0}, "the cell lacks cell_b, cell_alpha, cell_beta, cell_gamma"),
        ({"cellA": [], "cellB": 1, "cellC": 1, "cellAlpha": 1, "cellBeta": 1, "cellGamma": 1}, "are not six numbers"),
        ({"spaceGroup": ["P 1"]}, "spaceGroup is not a short text"),
        ({"spaceGroup": "P" * 5000}, "spaceGroup is not a short text"),
        ({"chemicalFormula": "Xx3"}, "there is no element Xx"),
    ],
)
def test_nonsense_is_said(said, problem):
    found, problems = tables_of(said)
    assert found == {}
    assert len(problems) == 1
    assert problem in problems[0]
