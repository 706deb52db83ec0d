"""What is exported together is of one crystal form, in every format."""

from __future__ import annotations

from dataclasses import replace

import pytest
from exported_for_tests import integrated, observations, sweeps
from models_for_tests import crystal

from autoproc.combining.one_form import CellsDiffer, GroupsDiffer
from autoproc.formats.export.export_params import ExportParams
from autoproc.formats.export.writers import WRITERS
from autoproc.merging.params import MergeParams
from autoproc.models.crystal import Crystal
from autoproc.models.experiment import ImageSet
from autoproc.stages.export import export

OF_OBSERVATIONS = sorted({name for name, writer in WRITERS.items() if writer.of_observations} - {"pets"})


def with_second(other):
    """Two sweeps, on images of their own, the second of another crystal."""
    first, second = sweeps(2)
    return [first, replace(second, crystal=other, scan=replace(second.scan, image_range=(1001, 1040)))]


def stretched(by):
    made = crystal()
    return Crystal(made.A / by, made.space_group)


def of_lower_symmetry():
    return crystal(group="P 4")


@pytest.mark.parametrize("form", OF_OBSERVATIONS)
@pytest.mark.parametrize(("other", "error"), [(of_lower_symmetry, GroupsDiffer), (lambda: stretched(1.2), CellsDiffer)])
def test_crystal_forms_do_not_go_into_one_file(form, other, error):
    with pytest.raises(error):
        export(with_second(other()), observations(2), ExportParams(format=form), "x")


def test_nor_do_those_of_integrated_data():
    with pytest.raises(GroupsDiffer):
        export(with_second(of_lower_symmetry()), integrated(observations(2)), ExportParams(format="mtz"), "x")


def test_nor_do_two_lattices_of_a_sweep_that_are_of_two_forms():
    first, second = (replace(e, imageset=ImageSet("cbf", "a_####.cbf")) for e in sweeps(2))
    lattices = [first, replace(second, crystal=stretched(1.2))]
    with pytest.raises(CellsDiffer, match="another lattice of the sweep"):
        export(lattices, integrated(observations(2)), ExportParams(format="mtz"), "x")


@pytest.mark.parametrize("form", OF_OBSERVATIONS)
def test_cells_that_are_alike_do(form):
    exported = export(with_second(stretched(1.002)), observations(2), ExportParams(format=form), "x")
    assert len(exported.experiments) == 2


def test_forms_go_together_where_that_is_asked_for():
    forms = with_second(of_lower_symmetry())
    exported = export(forms, observations(2), ExportParams(format="mtz"), "x", MergeParams(check_forms=False))
    assert len(exported.experiments) == 2


def test_points_of_the_reciprocal_lattice_are_of_any_crystals():
    exported = export(with_second(of_lower_symmetry()), observations(2), ExportParams(format="json"), "x")
    assert len(exported.experiments) == 2
