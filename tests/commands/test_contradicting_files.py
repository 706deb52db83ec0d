"""Steps tell what contradicts itself in the .expt and .refl files that they are given, and stop at the impossible."""

from __future__ import annotations

from dataclasses import replace

import gemmi
import numpy as np
import pytest
from scaled_for_tests import Recipe, synthetic
from typer.testing import CliRunner

from autoproc.cli import app
from autoproc.formats.dials.expt import read_expt, write_expt
from autoproc.formats.dials.image_numbers import to_file_frames
from autoproc.formats.dials.refl import write_refl


@pytest.fixture
def written(tmp_path):
    """Writes files of one sweep with a space group and rows of choice; their names."""
    made = synthetic(Recipe(n_observations=3000))

    def write(group="P 41 21 2", rows=slice(None)):
        crystal = replace(made.experiment.crystal, space_group=gemmi.SpaceGroup(group))
        experiment = replace(made.experiment, crystal=crystal)
        table = made.reflections.without("s1")[rows]  # directions that are no spots of any lattice
        table = table.replace(xyz_cal_px=np.zeros((len(table), 3)), xyz_obs_px=table["xyz_obs_px"] * [0, 0, 1])
        write_expt(tmp_path / "a.expt", [experiment])
        write_refl(tmp_path / "a.refl", to_file_frames(table, [experiment]))
        return [str(tmp_path / "a.expt"), str(tmp_path / "a.refl")]

    return write


def run(step, *arguments, into):
    result = CliRunner().invoke(app, [step, *map(str, arguments), "-o", str(into), "-j", "1"])
    return result.exit_code, " ".join(result.output.split())


def test_a_cell_that_the_group_cannot_have_stops_all_but_reindexing(written, tmp_path):
    files = written("P 63")
    status, said = run("export", *files, "format=json", into=tmp_path)
    assert status != 0
    assert "P 63 is hexagonal, and the cell 40 40 60 90 90 90" in said
    shown = CliRunner().invoke(app, ["show", files[0]])
    assert shown.exit_code == 0
    assert "Warning:" in shown.output
    assert "P 63 is hexagonal" in shown.output
    status, said = run("reindex", *files, "change_of_basis_op=a,b,c", "space_group=P1", into=tmp_path)
    assert status == 0, said
    assert read_expt(tmp_path / "reindexed.expt")[0].crystal.space_group.xhm() == "P 1"


def test_reflections_twice_are_told_once(written, tmp_path):
    files = written(rows=np.r_[0:3000, 0:40])
    status, said = run("export", *files, "format=json", into=tmp_path)
    assert status == 0, said
    assert said.count("40 reflections are in the table twice or more, and are used once") == 1
    assert "40 reflections are in the table twice or more" in CliRunner().invoke(app, ["show", files[1]]).output
