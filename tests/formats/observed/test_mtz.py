from __future__ import annotations

from dataclasses import replace

import gemmi
import numpy as np
import pytest
from exported_for_tests import observations, sweeps
from models_for_tests import crystal, experiment, scaled

from autoproc.formats.observed.mtz import BatchNumbers, cambridge_frame, write_merged_mtz, write_unmerged_mtz
from autoproc.formats.observed.read_unmerged_mtz import read_unmerged_mtz
from autoproc.merging.merging_statistics import merging_statistics
from autoproc.stages.merge import MergeParams, merge


@pytest.fixture(params=["P 43 21 2", "C 1 2 1", "I 1 2 1", "H 3"])
def made(request):
    cells = {"P 43 21 2": (77, 77, 37, 90, 90, 90), "H 3": (77, 77, 90, 90, 90, 120)}
    return crystal(cells.get(request.param, (81, 52, 63, 90, 105, 90)), request.param)


def test_merged_round_trip(tmp_path, made):
    merged = merge([experiment(made)], scaled(made), MergeParams())
    write_merged_mtz(tmp_path / "merged data.mtz", merged, "a name")
    mtz = gemmi.read_mtz_file(str(tmp_path / "merged data.mtz"))
    assert mtz.spacegroup.xhm() == made.space_group.xhm()
    assert mtz.dataset(1).wavelength == pytest.approx(0.9763)
    np.testing.assert_allclose(mtz.cell.parameters, made.cell, rtol=1e-5)
    np.testing.assert_array_equal(mtz.make_miller_array(), merged.hkl)
    np.testing.assert_allclose(mtz.column_with_label("IMEAN").array, merged.intensity, rtol=1e-5)
    kinds = {c.label: c.type for c in mtz.columns}
    assert kinds["FreeR_flag"] == "I"
    assert kinds["I(+)"] == "K"
    assert kinds["SIGF(-)"] == "L"
    assert kinds["DANO"] == "D"
    before = mtz.make_miller_array().copy()
    mtz.ensure_asu()
    np.testing.assert_array_equal(before, mtz.make_miller_array())


def test_halves_are_there_and_make_cc_half(tmp_path, made):
    e, obs = experiment(made), scaled(made, noise=1.0, multiplicity=9)
    merged = merge([e], obs, MergeParams())
    write_merged_mtz(tmp_path / "m.mtz", merged)
    mtz = gemmi.read_mtz_file(str(tmp_path / "m.mtz"))
    kinds = {c.label: c.type for c in mtz.columns}
    assert [kinds[label] for label in ("IHALF1", "SIGIHALF1", "IHALF2", "SIGIHALF2")] == ["J", "Q", "J", "Q"]
    halves = [np.asarray(mtz.column_with_label(label).array) for label in ("IHALF1", "IHALF2")]
    known = np.isfinite(halves[0]) & np.isfinite(halves[1])
    found = np.corrcoef(halves[0][known], halves[1][known])[0, 1]
    assert found == pytest.approx(merging_statistics([e], obs).overall.cc_half, abs=0.03)  # a mean of five splits


def test_data_without_halves(tmp_path, made):
    merged = replace(merge([experiment(made)], scaled(made), MergeParams()), halves=None)
    write_merged_mtz(tmp_path / "m.mtz", merged)
    assert "IHALF1" not in {c.label for c in gemmi.read_mtz_file(str(tmp_path / "m.mtz")).columns}


def test_unmerged_original_indices_come_back(tmp_path, made):
    obs = scaled(made)
    write_unmerged_mtz(tmp_path / "u.mtz", [experiment(made)], obs, "x")
    mtz = gemmi.read_mtz_file(str(tmp_path / "u.mtz"))
    assert [b.number for b in mtz.batches] == list(range(1, 41))
    value = np.asarray(mtz.column_with_label("I").array).copy()
    assert mtz.switch_to_original_hkl()
    found = {tuple(h) + (round(float(i), 2),) for h, i in zip(mtz.make_miller_array(), value, strict=True)}
    expected = obs["intensity_scale"] / obs["inverse_scale"]
    wanted = {tuple(h) + (round(float(np.float32(i)), 2),) for h, i in zip(obs["hkl"], expected, strict=True)}
    assert found == wanted


def test_batch_orientation_is_a_rotation_that_diffracts_like_the_crystal(tmp_path):
    made = crystal()
    e = experiment(made)
    write_unmerged_mtz(tmp_path / "u.mtz", [e], scaled(made), "x")
    batch = gemmi.read_mtz_file(str(tmp_path / "u.mtz")).batches[3]
    u = np.array(list(batch.floats)[6:15]).reshape(3, 3).T
    np.testing.assert_allclose(u @ u.T, np.eye(3), atol=1e-5)
    np.testing.assert_allclose(u, cambridge_frame(e) @ made.U, atol=1e-5)
    assert list(batch.floats)[36:38] == pytest.approx([11.5, 12.0])
    np.testing.assert_allclose(cambridge_frame(e) @ e.goniometer.axis, [0, 0, 1], atol=1e-12)
    np.testing.assert_allclose(cambridge_frame(e) @ e.beam.s0 * e.beam.wavelength, [1, 0, 0], atol=1e-12)


def test_batches_of_several_sweeps_never_meet():
    made = crystal()
    numbers = BatchNumbers.of([experiment(made, n_images=n) for n in (900, 1800, 40)])
    assert numbers.first == (1, 1001, 3001)


@pytest.mark.parametrize("first", [0, 1, 7, 1000])
@pytest.mark.parametrize("counts", [(40,), (40, 40), (1000, 3, 999), (1, 2500, 40)])
def test_batches_are_above_0_and_each_image_has_its_own(first, counts):
    made = crystal()
    sweeps = [experiment(made, n_images=n) for n in counts]
    sweeps = [replace(e, scan=replace(e.scan, image_range=(first, first + e.scan.n_images - 1))) for e in sweeps]
    numbers = BatchNumbers.of(sweeps).first
    assert numbers[0] == max(first, 1)
    batches = [start + image for start, n in zip(numbers, counts, strict=True) for image in range(n)]
    assert min(batches) > 0
    assert len(set(batches)) == sum(counts)


def test_images_from_0_are_batches_from_1(tmp_path):
    made = crystal()
    e = experiment(made)
    write_unmerged_mtz(tmp_path / "u.mtz", [replace(e, scan=replace(e.scan, image_range=(0, 39)))], scaled(made), "x")
    mtz = gemmi.read_mtz_file(str(tmp_path / "u.mtz"))
    assert [b.number for b in mtz.batches] == list(range(1, 41))
    assert set(mtz.column_with_label("BATCH").array) <= set(range(1, 41))


def test_each_wavelength_is_a_data_set(tmp_path):
    pairs = zip(sweeps(3), (0.9795, 0.9, 0.9795), strict=True)
    known = [replace(e, beam=replace(e.beam, wavelength=w)) for e, w in pairs]
    write_unmerged_mtz(tmp_path / "x.mtz", known, observations(3), "x")
    mtz = gemmi.read_mtz_file(str(tmp_path / "x.mtz"))
    assert [(d.dataset_name, round(d.wavelength, 4)) for d in mtz.datasets[1:]] == [
        ("x_0.9000A", 0.9),
        ("x_0.9795A", 0.9795),
    ]
    assert len({(d.project_name, d.crystal_name) for d in mtz.datasets[1:]}) == 1
    np.testing.assert_allclose([d.cell.parameters for d in mtz.datasets], [mtz.cell.parameters] * 3)
    batches = {b.number: (b.dataset_id, round(b.floats[86], 4)) for b in mtz.batches}
    assert {batches[n] for n in range(1, 41)} == {batches[n] for n in range(2001, 2041)} == {(2, 0.9795)}
    assert {batches[n] for n in range(1001, 1041)} == {(1, 0.9)}
    read = read_unmerged_mtz(tmp_path / "x.mtz")
    np.testing.assert_allclose([e.beam.wavelength for e in read.experiments], [0.9795, 0.9, 0.9795], rtol=1e-6)
