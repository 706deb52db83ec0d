from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from models_for_tests import crystal, experiment, scaled
from shared_data import shared

from autoproc.errors import CorruptFile, UnreadableFile
from autoproc.formats.dials.expt import goniometer_from_axes, identifier_for, read_expt, write_expt
from autoproc.formats.dials.refl import read_refl, read_refl_columns, write_refl
from autoproc.models.crystal import Crystal
from autoproc.models.experiment import ProfileModel


def test_experiment_round_trip(tmp_path):
    made = crystal()
    varying = Crystal(made.A, made.space_group, made.A * np.linspace(1, 1.001, 41)[:, None, None])
    gonio = goniometer_from_axes(
        np.array([[1, 0, 0], [0.6428, -0.766, 0], [1, 0, 0]]), ("PHI", "KAPPA", "OMEGA"), (-80.0, 55.0, 38.0), 0
    )
    before = replace(experiment(varying), profile=ProfileModel(0.05, 0.2, 3.5, 0.03), goniometer=gonio)
    write_expt(tmp_path / "a b.expt", [before])
    (after,) = read_expt(tmp_path / "a b.expt")
    np.testing.assert_allclose(after.crystal.A, made.A)
    np.testing.assert_allclose(after.crystal.A_at_scan_points, varying.A_at_scan_points)
    assert after.crystal.space_group.hall == made.space_group.hall
    np.testing.assert_allclose(after.detector[0].d_matrix, before.detector[0].d_matrix)
    np.testing.assert_allclose(after.goniometer.setting, gonio.setting, atol=1e-12)
    assert after.detector[0].mask == before.detector[0].mask
    assert after.detector[0].mu == before.detector[0].mu
    assert after.profile == before.profile
    assert after.scan.oscillation == before.scan.oscillation
    assert after.identifier == before.identifier
    assert after.imageset.template == before.imageset.template


def test_lattices_of_one_sweep_still_share_their_models(tmp_path):
    first = experiment()
    write_expt(tmp_path / "x.expt", [first, replace(first, crystal=crystal(seed=4))])
    one, two = read_expt(tmp_path / "x.expt")
    assert one.detector is two.detector
    assert one.imageset is two.imageset
    assert one.crystal is not two.crystal


def test_reflection_round_trip(tmp_path):
    table = scaled(crystal(), d_min=8.0)
    write_refl(tmp_path / "x.refl", table)
    again = read_refl(tmp_path / "x.refl")
    assert again.names == table.names
    assert again.identifiers == table.identifiers
    for name in table:
        np.testing.assert_array_equal(again[name], table[name])
        assert again[name].dtype == table[name].dtype


@pytest.mark.parametrize("content", [b"", b"not msgpack at all", b"\x93\xa1a\x01\x80"])
def test_damaged_reflection_files_are_named(tmp_path, content):
    (tmp_path / "bad.refl").write_bytes(content)
    with pytest.raises(CorruptFile, match=r"bad\.refl"):
        read_refl(tmp_path / "bad.refl")


@pytest.mark.parametrize("content", ["", "{", "[]", '{"experiment": [{"beam": 3}], "beam": []}'])
def test_damaged_experiment_files_are_named(tmp_path, content):
    (tmp_path / "bad.expt").write_text(content)
    with pytest.raises(CorruptFile, match=r"bad\.expt"):
        read_expt(tmp_path / "bad.expt")


def test_absent_files():
    with pytest.raises(UnreadableFile):
        read_expt("/nowhere/x.expt")
    with pytest.raises(UnreadableFile):
        read_refl("/nowhere/x.refl")


def test_identifier_is_that_of_the_images():
    e = experiment()
    assert identifier_for(e.imageset, e.scan) == identifier_for(e.imageset, e.scan)
    assert identifier_for(e.imageset, e.scan) != identifier_for(e.imageset, e.scan, lattice=1)


def test_shared_file_of_image_sets_alone():
    (e,) = read_expt(shared("real/phi_scan/imported.expt"))
    assert e.crystal is None
    assert e.goniometer.names[e.goniometer.scan_axis] == "GONIOMETER_PHI"
    raw = read_refl_columns(shared("real/phi_scan/strong.refl"))
    assert raw["n_rows"] == 2038
    assert raw["types"]["shoebox"] == "Shoebox<>"


def test_shared_integrated_data():
    (e,) = read_expt(shared("real/l_cysteine_integrated/20_integrated.expt"))
    table = read_refl(shared("real/l_cysteine_integrated/20_integrated.refl"))
    assert len(table) == 4417
    assert e.crystal.n_scan_points == 1801
    assert "qe" in table


def test_a_crystal_keeps_every_digit(tmp_path):
    """Else a step by hand would begin a little beside where the one before it ended."""
    for seed in range(20):
        setting = np.random.default_rng(seed).normal(size=(3, 3)) / 50
        made = experiment()
        crystal = replace(made.crystal, A=setting, A_at_scan_points=None, cell_esd=(0.1, 0.2, 0.3, 0.4, 0.5, 1 / 3))
        write_expt(tmp_path / "x.expt", [replace(made, crystal=crystal)])
        (read,) = read_expt(tmp_path / "x.expt")
        np.testing.assert_array_equal(read.crystal.A, setting)
        assert read.crystal.cell_esd == crystal.cell_esd


def test_axes_changed_by_another_program_count(tmp_path):
    write_expt(tmp_path / "x.expt", [experiment()])
    content = json.loads((tmp_path / "x.expt").read_text())
    (crystal,) = content["crystal"]
    crystal["real_space_a"] = [1.001 * x for x in crystal["real_space_a"]]
    (tmp_path / "x.expt").write_text(json.dumps(content))
    before, (after,) = experiment().crystal, read_expt(tmp_path / "x.expt")
    np.testing.assert_allclose(after.crystal.real_space[0], 1.001 * before.real_space[0])
    assert after.crystal.cell_esd is None
