from __future__ import annotations

from dataclasses import replace

import gemmi
import numpy as np
import pytest
from wedges_for_tests import mtz_of, n_alike, wedges_of

from autoproc.combining.against_reference import ReferenceDoesNotFit, ReferenceFit
from autoproc.formats.observed.reference_data import NoReference, ReferenceData, read_reference
from autoproc.stages.combine import CombineParams, combine, format_combine
from autoproc.symmetry.params import SymmetryParams


@pytest.mark.parametrize("kind", [("IMEAN", "J"), ("FP", "F")])
@pytest.mark.parametrize("change", [np.eye(3), [[0, 1, 0], [1, 0, 0], [0, 0, -1]], [[-1, 0, 0], [0, -1, 0], [0, 0, 1]]])
def test_the_setting_is_the_references(tmp_path, change, kind):
    wedges = wedges_of("P 3", 4)
    reference = read_reference(mtz_of(tmp_path / "known.mtz", "P 3", wedges, change, *kind))
    result = combine(wedges.experiments, wedges.reflections, CombineParams(), SymmetryParams(), reference)
    operators = [f.change_of_basis @ wedges.operators[f.number] for f in result.data_sets]
    assert n_alike("P 3", [*operators, np.asarray(change, float)]) == 5
    assert result.fit.cc > 0.9
    assert result.fit.next_best < 0.5
    assert result.experiments[0].crystal.space_group.xhm() == "P 3"
    assert "Reference (merged data): CC of E^2 0.9" in format_combine(result)
    observed = np.linalg.norm(result.reflections["s1"] - result.experiments[0].beam.s0, axis=1)
    rows = result.reflections["experiment_id"] == 0
    calculated = np.linalg.norm(result.reflections["hkl"][rows] @ result.experiments[0].crystal.A.T, axis=1)
    np.testing.assert_allclose(calculated, observed[rows], rtol=0.01)


def test_a_reference_of_another_form_is_refused():
    wedges = wedges_of("P 3", 2)
    cell = gemmi.UnitCell(44, 44, 50, 90, 90, 120)
    reference = ReferenceData(wedges.hkl, wedges.intensity, cell, gemmi.SpaceGroup("P 3"), "merged data")
    with pytest.raises(ReferenceDoesNotFit, match="the reference's cell, 44.00"):
        combine(wedges.experiments, wedges.reflections, CombineParams(), SymmetryParams(), reference)


def test_a_reference_of_another_crystal_in_the_same_cell_turns_nothing_and_is_warned_of():
    wedges = wedges_of("P 3", 3)
    other = np.random.default_rng(5).exponential(wedges.intensity.mean(), len(wedges.intensity))
    cell = gemmi.UnitCell(*wedges.experiments[0].crystal.cell)
    reference = ReferenceData(wedges.hkl, other, cell, gemmi.SpaceGroup("P 3"), "merged data")
    alone = combine(wedges.experiments, wedges.reflections, CombineParams(), SymmetryParams(space_group="P 3"))
    result = combine(wedges.experiments, wedges.reflections, CombineParams(), SymmetryParams(), reference)
    assert any("hardly agree with those of the reference" in warning for warning in result.warnings)
    np.testing.assert_array_equal(result.reflections["hkl"], alone.reflections["hkl"])


def test_a_reference_that_fits_two_settings_alike_does_not_tell():
    fit = ReferenceFit(np.eye(3), 0.8, 1000, 0.79, 1.5, 0.001, "merged data")
    assert "another fits it as well" in fit.doubt
    assert not replace(fit, next_best=0.1, margin=20.0).doubt
    assert not replace(fit, next_best=float("nan"), margin=float("inf")).doubt


def test_what_is_no_reference_is_refused(tmp_path):
    (tmp_path / "x.pdb").write_text("nothing\n")
    (tmp_path / "x.mtz").write_bytes(b"nothing")
    for path in (tmp_path / "x.pdb", tmp_path / "x.mtz", tmp_path / "none.cif"):
        with pytest.raises(NoReference, match=path.name):
            read_reference(path)


def test_a_model_gives_structure_factors(tmp_path):
    structure = gemmi.Structure()
    structure.cell, structure.spacegroup_hm = gemmi.UnitCell(30, 30, 40, 90, 90, 120), "P 3"
    model, chain, residue = gemmi.Model(1), gemmi.Chain("A"), gemmi.Residue()
    residue.name = "ALA"
    for n, position in enumerate(((3, 4, 5), (6, 9, 12), (8, 3, 20))):
        atom = gemmi.Atom()
        atom.name, atom.element, atom.pos, atom.b_iso = f"C{n}", gemmi.Element("C"), gemmi.Position(*position), 20.0
        residue.add_atom(atom)
    chain.add_residue(residue)
    model.add_chain(chain)
    structure.add_model(model)
    path = tmp_path / "model.pdb"
    structure.write_pdb(str(path))
    found = read_reference(path)
    assert found.kind == "a model"
    assert found.space_group.xhm() == "P 3"
    assert len(found.hkl) > 100
    assert found.intensity.min() >= 0
