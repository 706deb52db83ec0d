"""Scaled data beside data that are only integrated: their scales are never dropped without a word."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from typer.testing import CliRunner
from xds_files import measured_sweep

from autoproc.cli import app
from autoproc.formats.dials.expt import read_expt, write_expt
from autoproc.formats.dials.image_numbers import to_file_frames
from autoproc.formats.dials.refl import read_refl, write_refl
from autoproc.models.reflections import Flag


@pytest.fixture
def files(tmp_path):
    """A scaled and an integrated sweep, each in its own files."""
    sweep, measured = measured_sweep("P 21 21 21", (40.0, 50.0, 60.0, 90, 90, 90), d_min=5.0, n_images=60)
    n = len(measured)
    scaled = measured.replace(
        intensity_scale=measured["intensity_sum"], variance_scale=measured["variance_sum"],
        inverse_scale=np.ones(n), qe=np.ones(n),
    ).with_flag(Flag.SCALED, np.full(n, True))  # fmt: skip
    other = measured.replace(intensity_sum=measured["intensity_sum"] * 1.01)
    for name, table in (("scaled", scaled), ("symmetrized", other)):
        experiment = replace(sweep, identifier=name)
        rows = table.with_identifiers({0: name})
        write_expt(tmp_path / f"{name}.expt", [experiment])
        write_refl(tmp_path / f"{name}.refl", to_file_frames(rows, [experiment]))
    return [str(tmp_path / f"{name}.{kind}") for name in ("scaled", "symmetrized") for kind in ("expt", "refl")]


def run(step, files, into, *arguments):
    result = CliRunner().invoke(app, [step, *files, *arguments, "-o", str(into), "-j", "1"])
    return result.exit_code, " ".join(result.output.split())


@pytest.mark.parametrize("form", ["mtz", "xds_ascii", "shelx", "mmcif"])
def test_both_together_are_refused_and_nothing_is_written(files, tmp_path, form):
    out = tmp_path / "out"
    status, said = run("export", files, out, f"format={form}")
    assert status != 0
    assert "symmetrized.refl is not scaled, and scaled.refl is" in said
    assert "autoproc scale" in said
    assert not {path.suffix for path in out.glob("*")} & {".mtz", ".HKL", ".hkl", ".cif"}


def test_each_alone_is_exported(files, tmp_path):
    for pair in (files[:2], files[2:]):
        status, said = run("export", pair, tmp_path / "out")
        assert status == 0, said


def test_merging_says_it_too(files, tmp_path):
    status, said = run("merge", files, tmp_path / "out")
    assert status != 0
    assert "symmetrized.refl is not scaled" in said


def test_points_of_the_reciprocal_lattice_may_be_of_both(files, tmp_path):
    status, said = run("export", files, tmp_path / "out", "format=json")
    assert status == 0, said


def test_copies_without_identifiers_are_counted_each(files, tmp_path):
    """Their reflections are as many as their experiments, so that what is wrong is not told as another order."""
    copies = [tmp_path / f"copy.{kind}" for kind in ("expt", "refl")]
    expt, refl = files[:2]
    known = [replace(e, identifier="") for e in read_expt(expt)]
    for path in (expt, copies[0]):
        write_expt(path, known)
    for path in (refl, copies[1]):
        write_refl(path, read_refl(refl).with_identifiers({}))
    status, said = run("merge", [expt, refl, *copies], tmp_path / "out")
    assert status != 0
    assert "does not belong" not in said
