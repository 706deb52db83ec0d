"""XDS.INP of several sweeps: each in the standard setting of its own space group, and read again as it was."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from models_for_tests import crystal, experiment

from autoproc.formats.export.export_params import ExportParams
from autoproc.formats.export.writers import WRITERS
from autoproc.formats.observed.xds_inp import read_xds_inp
from autoproc.models.experiment import ImageSet
from autoproc.models.reflections import Reflections
from autoproc.stages.export import export

PARAMS = ExportParams(format="xds")
I2 = crystal((63, 52, 81, 90, 95, 90), "I 1 2 1", seed=2)


def sweep(name, made):
    """Every sweep shares its scan with the others, as files of DIALS have it."""
    one = experiment(made)
    return replace(one, imageset=ImageSet("cbf", f"/data/{name}_####.cbf"), scan=SHARED, identifier=name)


SHARED = experiment().scan


def written(experiments, folder):
    """The remark, and what is read of the files that were written."""
    exported = export(experiments, Reflections({}), PARAMS, "x")
    paths = WRITERS["xds"].write(folder / "XDS.INP", exported, PARAMS)
    return exported.remark, [read_xds_inp(path) for path in paths]


@pytest.mark.parametrize("order", [(0, 1, 2), (1, 2, 0)])
def test_each_form_goes_to_its_own_standard_setting(tmp_path, order):
    forms = [crystal(), I2, crystal((60, 71, 80, 90, 100, 90), "P 1 21 1", seed=3)]
    given = [sweep(f"s{n}", forms[n]) for n in order]
    remark, read = written(given, tmp_path)
    assert remark == "XDS knows I 1 2 1 as C 1 2 1 only (a-c,b,c): indices and cell are in that setting"
    for before, after in zip(given, read, strict=True):
        group = before.crystal.space_group
        assert after.crystal.space_group.number == group.number
        assert after.imageset.template == before.imageset.template
        assert after.scan.image_range == before.scan.image_range
        same = group.xhm() != "I 1 2 1"
        change = np.eye(3) if same else np.array([[1, 0, -1], [0, 1, 0], [0, 0, 1]])
        np.testing.assert_allclose(after.crystal.A @ change, before.crystal.A, atol=1e-6)
        np.testing.assert_allclose(after.detector[0].origin, before.detector[0].origin, atol=1e-3)


def test_a_sweep_without_a_crystal_is_written_beside_one_with_it(tmp_path):
    _, read = written([replace(sweep("a", I2), crystal=None), sweep("b", I2)], tmp_path)
    assert read[0].crystal is None
    assert read[1].crystal.space_group.number == 5


def test_of_several_lattices_the_first_is_written_and_the_others_are_told(tmp_path):
    second = replace(sweep("a", crystal(seed=5)), identifier="other")
    remark, read = written([sweep("a", crystal()), second, sweep("b", crystal())], tmp_path)
    assert remark == "XDS takes one lattice a sweep: the first; 1 other left out"
    assert [e.imageset.template for e in read] == ["/data/a_####.cbf", "/data/b_####.cbf"]
    np.testing.assert_allclose(read[0].crystal.A, crystal().A, atol=1e-6)
