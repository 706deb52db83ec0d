"""Files of other programs, given to the steps that work on intensities."""

from __future__ import annotations

from dataclasses import replace

import gemmi
import numpy as np
import pytest
from typer.testing import CliRunner
from xds_files import measured_sweep, write_correct, write_integrate, write_xscale

from autoproc.cli import app
from autoproc.formats.dials.expt import read_expt
from autoproc.formats.dials.refl import read_refl
from autoproc.formats.observed.mtz import write_unmerged_mtz
from autoproc.formats.observed.xds_inp import write_xds_inp
from autoproc.models.experiment import ImageSet

CELL = (40.0, 50.0, 60.0, 90, 90, 90)


@pytest.fixture(scope="module")
def sweep():
    return measured_sweep("P 21 21 21", CELL, d_min=3.5, n_images=100)


@pytest.fixture(scope="module")
def files(tmp_path_factory, sweep):
    experiment, table = sweep
    folder = tmp_path_factory.mktemp("foreign")
    write_correct(folder / "XDS_ASCII.HKL", experiment, table, rejected=(3,))
    write_integrate(folder / "INTEGRATE.HKL", experiment, table)
    write_xscale(folder / "xscale.ahkl", [sweep, sweep])
    write_unmerged_mtz(folder / "unmerged.hkl", [experiment], table.replace(qe=np.ones(len(table))), "x")  # no .mtz
    return folder


def run(step, files, *arguments, into, fails=False):
    given = [str(files / a) if "." in a and "=" not in a and "/" not in a else str(a) for a in arguments]
    result = CliRunner().invoke(app, [step, *given, "-o", str(into), "-j", "1"])
    assert (result.exit_code != 0) == fails, result.output
    return " ".join(result.output.split())


@pytest.mark.parametrize("name", ["XDS_ASCII.HKL", "INTEGRATE.HKL", "unmerged.hkl", "xscale.ahkl"])
def test_symmetry_then_scale_then_merge(files, tmp_path, name):
    said = run("symmetry", files, name, into=tmp_path)
    assert f"Read {files / name}" in said
    (group,) = {e.crystal.space_group.xhm() for e in read_expt(tmp_path / "symmetrized.expt")}
    assert group == "P 21 21 21"
    given = (f"{tmp_path}/symmetrized.expt", f"{tmp_path}/symmetrized.refl")
    twice = {"xscale.ahkl": ("check_settings=false",)}.get(name, ())  # its second sweep is the first once more
    said = run("scale", files, *given, *twice, into=tmp_path)
    assert ("absorption is not corrected" in said) == (name == "xscale.ahkl")
    unchecked = ("check_forms=false",) if twice else ()
    run("merge", files, f"{tmp_path}/scaled.expt", f"{tmp_path}/scaled.refl", *unchecked, into=tmp_path)
    written = sorted(tmp_path.glob("merged*.mtz"))
    of_two = ["merged_0.9000A.mtz", "merged_1.0000A.mtz"]
    assert [path.name for path in written] == (of_two if name == "xscale.ahkl" else ["merged.mtz"])
    for path in written:
        merged = gemmi.read_mtz_file(str(path))
        assert merged.spacegroup.xhm() == "P 21 21 21"
        assert merged.nreflections > 1000


def test_what_others_scaled_is_merged_as_it_is(files, tmp_path, sweep):
    said = run("merge", files, "XDS_ASCII.HKL", into=tmp_path)
    assert "scaled by CORRECT" in said
    assert f"Merged {len(sweep[1]) - 1 - absent(sweep)} observations" in said


def absent(sweep) -> int:
    experiment, table = sweep
    return int(np.sum(experiment.crystal.space_group.operations().systematic_absences(table["hkl"])))


def test_it_is_said_that_scaling_is_done_again(files, tmp_path):
    assert "were scaled by CORRECT, and are scaled again" in run("scale", files, "XDS_ASCII.HKL", into=tmp_path)


def test_beside_our_own_files(files, tmp_path):
    run("symmetry", files, "INTEGRATE.HKL", into=tmp_path)
    given = (f"{tmp_path}/symmetrized.expt", f"{tmp_path}/symmetrized.refl")
    assert "the same observations" in run("scale", files, *given, "INTEGRATE.HKL", into=tmp_path, fails=True)
    run("scale", files, *given, "INTEGRATE.HKL", "check_settings=false", into=tmp_path)
    table = read_refl(tmp_path / "scaled.refl")
    assert np.bincount(table["experiment_id"]).tolist() == [len(table) // 2] * 2


@pytest.mark.parametrize("step", ["index", "refine", "integrate", "find-spots"])
def test_steps_that_need_spots_say_so(files, tmp_path, step):
    said = run(step, files, "XDS_ASCII.HKL", into=tmp_path, fails=True)
    assert "holds intensities" in said


def test_what_is_not_scaled_cannot_be_merged(files, tmp_path):
    assert "autoproc scale" in run("merge", files, "INTEGRATE.HKL", into=tmp_path, fails=True)


@pytest.mark.parametrize("name", ["XDS_ASCII.HKL", "INTEGRATE.HKL", "xscale.ahkl"])
def test_show(files, name):
    result = CliRunner().invoke(app, ["show", str(files / name)])
    assert result.exit_code == 0, result.output
    assert "40.0" in result.output
    assert "miller_index" in result.output


def test_import_of_xds_inp(tmp_path, sweep):
    experiment, _ = sweep
    write_xds_inp(tmp_path / "XDS.INP", replace(experiment, imageset=ImageSet("cbf", "/nowhere/x_####.cbf")))
    result = CliRunner().invoke(app, ["import", str(tmp_path / "XDS.INP"), "-o", str(tmp_path), "distance=130"])
    assert result.exit_code == 0, result.output
    assert "x_0001.cbf" in result.output
    (read,) = read_expt(tmp_path / "imported.expt")
    assert read.detector[0].distance == pytest.approx(130)
    assert read.scan.image_range == (1, 100)
    result = CliRunner().invoke(app, ["show", str(tmp_path / "XDS.INP")])
    assert "120" in result.output


def test_shelx_without_an_ins_file_needs_the_cell(tmp_path, sweep):
    _, table = sweep
    rows = zip(table["hkl"].tolist(), table["intensity_sum"], np.sqrt(table["variance_sum"]), strict=True)
    lines = [f"{h:4d}{k:4d}{m:4d}{value:8.2f}{sigma:8.2f}" for (h, k, m), value, sigma in rows]
    (tmp_path / "a.hkl").write_text("\n".join(lines) + "\n")
    into = {"into": tmp_path}
    said = run("scale", tmp_path, "a.hkl", fails=True, **into)
    assert "symmetry.unit_cell=" in said
    known = ("symmetry.unit_cell=40,50,60,90,90,90", "symmetry.space_group=P212121")
    said = run("scale", tmp_path, "a.hkl", *known, **into)
    assert "do not tell on which images" in said
    run("merge", tmp_path, f"{tmp_path}/scaled.expt", f"{tmp_path}/scaled.refl", **into)
    run("symmetry", tmp_path, "a.hkl", "unit_cell=40,50,60,90,90,90", **into)
    assert read_expt(tmp_path / "symmetrized.expt")[0].crystal.space_group.xhm() == "P 21 21 21"
