"""exclude_images, step by step: what import is told holds for all steps behind it."""

from __future__ import annotations

import numpy as np
import pytest
from simulated import simulated_sweep
from typer.testing import CliRunner

from autoproc.cli import app
from autoproc.formats.dials.expt import read_expt
from autoproc.formats.dials.refl import read_refl
from autoproc.models.reflections import Flag

EXCLUDED = (11, 12)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    images = simulated_sweep(tmp_path_factory, n_images=20, hot_pixels=0, d_min=2.6)
    folder = tmp_path_factory.mktemp("steps")
    for step, *arguments in (
        ("import", str(images.start), "exclude_images=11,12"),
        ("find-spots", "imported.expt"),
        ("index", "imported.expt", "strong.refl"),
        ("refine", "indexed.expt", "indexed.refl"),
        ("integrate", "refined.expt", "refined.refl"),
    ):
        paths = [a if "=" in a or a.startswith("/") else str(folder / a) for a in arguments]
        result = CliRunner().invoke(app, [step, *paths, "-o", str(folder), "--threads", "1"])
        assert result.exit_code == 0, result.output
    return folder


@pytest.mark.parametrize("stem", ["imported", "indexed", "refined", "integrated"])
def test_every_file_knows_of_them(folder, stem):
    (experiment,) = read_expt(folder / f"{stem}.expt")
    assert experiment.scan.excluded == EXCLUDED


def test_no_spot_is_found_on_them(folder):
    images = np.floor(read_refl(folder / "strong.refl")["xyz_obs_px"][:, 2]).astype(int) + 1
    assert set(range(1, 21)) - set(images) == set(EXCLUDED)


def test_no_reflection_is_integrated_on_them(folder):
    table = read_refl(folder / "integrated.refl")
    measured = table[table.has_any_flag(Flag.INTEGRATED_SUM | Flag.INTEGRATED_PRF)]
    images = np.floor(measured["xyz_cal_px"][:, 2]).astype(int) + 1
    assert len(measured) > 1000
    assert set(range(1, 21)) - set(images) == set(EXCLUDED)
