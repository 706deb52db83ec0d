"""DIALS, where it is installed, reads what is written and finds the crystal that was simulated."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import hdf5plugin
import numpy as np
import pytest
from simulated import simulated_frames, simulated_sweep

from autoproc.formats.dials.expt import read_expt

pytestmark = pytest.mark.skipif(shutil.which("dials.index") is None, reason="needs DIALS")

FEW = {"n_images": 20, "d_min": 2.8, "cell_drift": 0.0, "wobble": 0.0}
QUICK = ("n_macro_cycles=1", "detector.fix=distance", "basis_vector_combinations.max_refine=3",
         "fft3d.reciprocal_space_grid.n_points=128")  # fmt: skip
"""A sixth of the time; all spots are indexed all the same."""


def dials(directory: Path, *command: str) -> str:
    outside = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    environment = {**outside, "HDF5_PLUGIN_PATH": hdf5plugin.PLUGIN_PATH, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=directory, env=environment, check=True, capture_output=True, text=True)
    return done.stdout


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Folders with an imported.expt of the same sweep in both formats."""
    made = {}
    for file_format in ("minicbf", "nxmx"):
        made[file_format] = tmp_path_factory.mktemp(file_format)
        written = simulated_sweep(tmp_path_factory, file_format, **FEW)
        images = written.images if file_format == "minicbf" else (written.start,)
        dials(made[file_format], "dials.import", *map(str, images))
    return made


@pytest.mark.parametrize("file_format", ["minicbf", "nxmx"])
def test_dials_imports_the_true_geometry(folders, file_format):
    (imported,) = read_expt(folders[file_format] / "imported.expt")
    truth = simulated_frames(**FEW).header_experiment()
    assert imported.scan.oscillation == pytest.approx(truth.scan.oscillation)
    assert imported.scan.image_range == truth.scan.image_range
    assert imported.beam.wavelength == truth.beam.wavelength
    np.testing.assert_allclose(imported.beam.s0, truth.beam.s0, atol=1e-9)
    np.testing.assert_allclose(imported.goniometer.lab_axis, [1.0, 0.0, 0.0], atol=1e-9)
    panel, expected = imported.detector[0], truth.detector[0]
    for name in ("origin", "fast_axis", "slow_axis", "pixel_size", "image_size", "thickness"):
        np.testing.assert_allclose(getattr(panel, name), getattr(expected, name), atol=1e-9, err_msg=name)
    assert panel.mu == pytest.approx(expected.mu, rel=0.02)


@pytest.mark.slow
def test_dials_finds_the_crystal(folders, tmp_path_factory):
    written, folder = simulated_sweep(tmp_path_factory, **FEW), folders["minicbf"]
    dials(folder, "dials.find_spots", "imported.expt", "nproc=1")
    log = dials(folder, "dials.index", "imported.expt", "strong.refl", *QUICK)
    truth = np.load(written.truth)
    cell = json.loads(str(truth["params"]))["cell"]
    (indexed,) = read_expt(folder / "indexed.expt")
    np.testing.assert_allclose(sorted(indexed.crystal.cell[:3]), sorted(cell[:3]), rtol=2e-3)
    np.testing.assert_allclose(indexed.crystal.cell[3:], cell[3:], atol=0.1)
    basis = np.linalg.inv(truth["A"][0].mean(axis=0)) @ indexed.crystal.A
    np.testing.assert_allclose(basis, np.round(basis), atol=3e-3)
    assert abs(round(np.linalg.det(basis))) == 1
    assert float(re.findall(r"\| *([\d.]+)% *\|", log)[-1]) > 95
