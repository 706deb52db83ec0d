"""Data of several wavelengths: each is merged and written by itself where a file has room for one."""

from __future__ import annotations

from dataclasses import replace

import gemmi
import numpy as np
import pytest
from typer.testing import CliRunner
from xds_files import measured_sweep

from autoproc.cli import app
from autoproc.formats.dials.expt import write_expt
from autoproc.formats.dials.image_numbers import to_file_frames
from autoproc.formats.dials.refl import read_refl, write_refl
from autoproc.models.reflections import Flag, Reflections

WAVELENGTHS = (0.9795, 0.9763)


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    folder = tmp_path_factory.mktemp("two")
    sweep, measured = measured_sweep("P 21 21 21", (40.0, 50.0, 60.0, 90, 90, 90), d_min=5.0, n_images=60)
    known = [replace(sweep, identifier=f"sweep-{w}", beam=replace(sweep.beam, wavelength=w)) for w in WAVELENGTHS]
    n = len(measured)
    one = measured.replace(
        intensity_scale=measured["intensity_sum"], variance_scale=measured["variance_sum"],
        inverse_scale=np.ones(n), qe=np.ones(n),
    ).with_flag(Flag.SCALED, np.full(n, True))  # fmt: skip
    both = Reflections.concatenate(
        [
            one.replace(experiment_id=np.full(n, k), intensity_sum=one["intensity_sum"] * (1 + 0.01 * k))
            for k in range(2)
        ]
    )
    table = both.with_identifiers({k: e.identifier for k, e in enumerate(known)})
    write_expt(folder / "scaled.expt", known)
    write_refl(folder / "scaled.refl", to_file_frames(table, known))
    return folder


def run(step, folder, *arguments, into):
    given = [str(folder / "scaled.expt"), str(folder / "scaled.refl")]
    result = CliRunner().invoke(app, [step, *given, *arguments, "-o", str(into), "-j", "1"])
    assert result.exit_code == 0, result.output
    return " ".join(result.output.split())


@pytest.mark.parametrize(
    ("form", "names"),
    [
        ("shelx", ["scaled_0.9763A.hkl", "scaled_0.9763A.ins", "scaled_0.9795A.hkl", "scaled_0.9795A.ins"]),
        ("sca", ["scaled_0.9763A.sca", "scaled_0.9795A.sca"]),
        ("mmcif", ["reflections_0.9763A.cif", "reflections_0.9795A.cif"]),
        ("xds_ascii", ["XDS_ASCII_1.HKL", "XDS_ASCII_2.HKL"]),
        ("mtz", ["unmerged.mtz"]),
    ],
)
def test_a_file_tells_one_wavelength(two, tmp_path, form, names):
    said = run("export", two, f"format={form}", into=tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir() if p.suffix != ".log") == names
    assert all(name in said for name in names)
    assert ("the data are of 2 wavelengths" in said) == (form in ("shelx", "sca", "mmcif"))
    if form == "shelx":
        assert " 0.97630 " in (tmp_path / "scaled_0.9763A.ins").read_text().splitlines()[2]
    if form == "mmcif":
        block = gemmi.as_refln_blocks(gemmi.cif.read(str(tmp_path / names[1])))[0]
        assert block.wavelength == pytest.approx(0.9795)


def test_each_is_merged_by_itself(two, tmp_path):
    said = run("merge", two, into=tmp_path)
    assert "the data are of 2 wavelengths" in said
    for name, wavelength in (("merged_0.9763A.mtz", 0.9763), ("merged_0.9795A.mtz", 0.9795)):
        assert gemmi.read_mtz_file(str(tmp_path / name)).dataset(1).wavelength == pytest.approx(wavelength)
    assert not (tmp_path / "merged.mtz").exists()


def test_the_same_observations_as_of_two_wavelengths_are_refused(two, tmp_path):
    table = read_refl(two / "scaled.refl")
    first = table["experiment_id"] == 0
    twice = Reflections.concatenate([table[first], table[first].replace(experiment_id=np.ones(first.sum()))])
    write_refl(tmp_path / "scaled.refl", twice.with_identifiers(table.identifiers))
    (tmp_path / "scaled.expt").write_bytes((two / "scaled.expt").read_bytes())
    given = [str(tmp_path / "scaled.expt"), str(tmp_path / "scaled.refl")]
    result = CliRunner().invoke(app, ["merge", *given, "-o", str(tmp_path), "-j", "1"])
    assert "the same observations are in two data sets" in result.output
    assert result.exit_code != 0
