from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from pydantic import ValidationError
from scipy.spatial.transform import Rotation
from shared_data import shared
from synthetic_spots import beam_shifted, miller_indices, random_spots, setting, spots_of, sweep

from autoproc.errors import IndexingFailed, KnownCellNotFound, TooFewSpots
from autoproc.formats.dials.expt import read_expt
from autoproc.formats.dials.refl import read_refl
from autoproc.indexing import solve
from autoproc.indexing.search import find_lattice
from autoproc.models.reflections import Flag, Reflections
from autoproc.stages.index import IndexParams, format_index, index

TETRAGONAL = (77.6, 77.6, 37.4, 90.0, 90.0, 90.0)
REDUCED = (37.4, 77.6, 77.6, 90.0, 90.0, 90.0)


@pytest.fixture(scope="module")
def tetragonal():
    e, A = sweep(n_images=80), setting(TETRAGONAL, 3)
    return e, A, spots_of(e, A, 3.8)


@pytest.fixture(scope="module")
def indexed(tetragonal):
    e, _, spots = tetragonal
    return index([e], Reflections.concatenate([spots, random_spots(e, 500)]), IndexParams())


def assert_cell(result, cell, length=1e-3, angle=0.05, lattice=0):
    found = result.crystals[lattice].cell
    np.testing.assert_allclose(found[:3], cell[:3], rtol=length)
    np.testing.assert_allclose(found[3:], cell[3:], atol=angle)


def test_cell_and_fraction(indexed):
    assert_cell(indexed, REDUCED)
    assert indexed.n_lattices == 1
    n = sum(indexed.n_indexed) + sum(indexed.n_unindexed)
    assert sum(indexed.n_unindexed) == pytest.approx(500, abs=40)
    assert indexed.fraction_indexed == pytest.approx(1 - 500 / n, abs=0.01)
    assert indexed.warnings == ()


def test_indices_are_those_of_the_truth_in_another_basis(tetragonal, indexed):
    _, A, spots = tetragonal
    table = indexed.reflections
    rows = np.flatnonzero(table["experiment_id"][: len(spots)] == 0)
    change = np.linalg.inv(indexed.crystals[0].A) @ A
    np.testing.assert_allclose(change, np.rint(change), atol=0.02)
    expected = spots["hkl"][rows] @ np.rint(change).T
    assert np.mean(np.all(table["hkl"][rows] == expected, axis=1)) > 0.999


def test_columns_are_those_that_dials_writes(indexed):
    table = indexed.reflections
    is_indexed = table["experiment_id"] >= 0
    np.testing.assert_array_equal(table.has_flag(Flag.INDEXED), is_indexed)
    assert np.all(table["hkl"][~is_indexed] == 0)
    assert np.all(np.any(table["hkl"][is_indexed] != 0, axis=1))
    assert table.identifiers == {0: indexed.experiments[0].identifier}
    difference = (table["xyz_cal_px"] - table["xyz_obs_px"])[table.has_flag(Flag.USED_IN_REFINEMENT)]
    assert np.sqrt(np.mean(difference**2, axis=0)).max() < 0.2
    rmsd = indexed.rmsds[0]
    np.testing.assert_allclose(
        np.sqrt(np.mean(difference**2, axis=0)), (rmsd.x_px, rmsd.y_px, rmsd.z_images), rtol=0.05
    )
    used = table[table.has_flag(Flag.USED_IN_REFINEMENT)]
    np.testing.assert_allclose(used["hkl"] @ indexed.crystals[0].A.T, used["rlp"], atol=5e-3)
    np.testing.assert_allclose(np.linalg.norm(table["s1"], axis=1), 1.0, rtol=1e-9)
    assert {"xyz_obs_mm", "xyz_obs_mm_variance", "xyz_cal_mm", "d", "entering", "imageset_id"} <= set(table.names)


def test_result_does_not_depend_on_the_order_of_the_spots(tetragonal):
    e, _, spots = tetragonal
    shuffled = spots[np.random.default_rng(0).permutation(len(spots))]
    assert_cell(index([e], shuffled, IndexParams()), REDUCED)


@pytest.fixture(scope="module")
def of_two(tetragonal):
    """Spots of two lattices, those of the second, and what is found among them: one lattice, and up to three."""
    e, A, spots = tetragonal
    turn = Rotation.from_rotvec(np.radians(12) * np.array([0, 0.6, 0.8])).as_matrix()
    other = spots_of(e, turn @ A, 3.8, keep=0.5, seed=1)
    both = Reflections.concatenate([spots, other])
    return both, other, index([e], both, IndexParams()), index([e], both, IndexParams(max_lattices=3))


@pytest.fixture
def searched(monkeypatch):
    """Numbers of lattices there were when another was searched for."""
    numbers = []

    def counted(model, *arguments):
        numbers.append(len(model.settings))
        return find_lattice(model, *arguments)

    monkeypatch.setattr(solve, "find_lattice", counted)
    return numbers


def assert_same(one, other):
    """To the bit, models and reflections."""
    for a, b in zip(one.experiments, other.experiments, strict=True):
        assert np.array_equal(a.crystal.A, b.crystal.A)
        assert np.array_equal(a.crystal.cell_esd, b.crystal.cell_esd)
        assert np.array_equal(a.detector[0].origin, b.detector[0].origin)
        assert a.identifier == b.identifier
    for name in other.reflections:
        np.testing.assert_array_equal(one.reflections[name], other.reflections[name])
    assert format_index(one) == format_index(other)


def test_a_second_lattice_is_looked_for_without_finding_the_first_again(tetragonal, of_two, searched):
    e, _, _ = tetragonal
    both, _, one, two = of_two
    gone_on = index([e], both, IndexParams(max_lattices=3), one)
    assert searched == [1]  # and hardly any spots are left for a third
    assert_same(gone_on, two)


def test_where_no_further_lattice_was_found_none_is_looked_for_again(tetragonal, of_two, searched):
    e, _, _ = tetragonal
    both, _, one, _ = of_two
    in_vain = replace(one, begun=replace(one.begun, progress=replace(one.begun.progress, is_over=True)))
    assert_same(index([e], both, IndexParams(max_lattices=3), in_vain), one)
    assert searched == []


def test_an_earlier_indexing_of_something_else_is_ignored(tetragonal, of_two, searched):
    e, _, _ = tetragonal
    both, _, one, two = of_two
    params = IndexParams(max_lattices=3)
    assert one.begun.fits([e], both, params)
    assert not two.begun.fits([e], both, IndexParams())  # more lattices than are asked for
    for experiments, spots, other in (
        ([replace(e)], both, params),
        ([e, e], both, params),
        ([e], both.replace(), params),
        ([e], both, IndexParams(max_lattices=2, method="fft1d")),
    ):
        assert not one.begun.fits(experiments, spots, other)
    assert_same(index([e], both, IndexParams(), two), one)
    assert searched == [0]


def test_two_lattices_are_separated(tetragonal, of_two):
    _, _, spots = tetragonal
    both, other, one, two = of_two
    assert_cell(one, REDUCED)
    assert one.fraction_indexed < 0.75
    assert two.n_lattices == 2
    assert two.fraction_indexed > 0.99
    assert_cell(two, REDUCED, lattice=1)
    assert two.rotations[0].angle == pytest.approx(12, abs=0.05)
    assert two.experiments[0].detector is two.experiments[1].detector
    first, second = two.lattices
    assert (first.n_left, second.n_left) == (len(both), len(both) - first.n_spots)
    assert second.share > 0.97
    assert first.angle == 0.0
    assert second.angle == pytest.approx(12, abs=0.05)
    assert max(second.x_px, second.y_px, second.z_images) < 0.2
    assert min(first.sharpness, second.sharpness) > 10
    assert min(first.information, second.information) > 1000
    assert f"{100 * second.share:.1f}%" in format_index(two)
    truth = np.repeat([0, 1], [len(spots), len(other)])
    assert np.mean(two.reflections["experiment_id"] == truth) > 0.98


@pytest.mark.parametrize(("n_unindexed", "said"), [(10, False), (75, True)])
def test_few_spots_indexed_name_the_way_on(indexed, n_unindexed, said):
    shown = replace(indexed, n_indexed=(100,), n_unindexed=(n_unindexed,))
    assert ("57% of the spots indexed: try max_lattices=2" in format_index(shown)) == said


@pytest.mark.parametrize(("degrees", "n"), [(0.3, 1), (1.5, 2), (3.0, 2)])
def test_a_lattice_hardly_turned_is_the_same_lattice(tetragonal, degrees, n):
    e, A, spots = tetragonal
    turn = Rotation.from_rotvec(np.radians(degrees) * np.array([0, 0.6, 0.8])).as_matrix()
    both = Reflections.concatenate([spots, spots_of(e, turn @ A, 3.8, keep=0.4, seed=1)])
    result = index([e], both, IndexParams(max_lattices=3))
    assert result.n_lattices == n
    assert [r.angle for r in result.rotations] == pytest.approx([degrees] * (n - 1), abs=0.03)


@pytest.mark.parametrize("seed", [0])
def test_noise_beside_a_crystal_is_no_second_lattice(seed):
    e, A = sweep(n_images=60), setting((43.0, 51.0, 63.0, 82.0, 95.0, 101.0), seed)
    spots = spots_of(e, A, 4.0, keep=0.5, noise_px=0.3, noise_frames=0.3, seed=seed)
    both = Reflections.concatenate([spots, random_spots(e, len(spots) // 2, seed)])
    assert index([e], both, IndexParams(max_lattices=3)).n_lattices == 1


@pytest.mark.parametrize("seed", [1])
def test_a_known_cell_is_found_among_nine_times_as_many_other_spots(seed):
    cell = (3.231, 3.231, 5.145, 90.0, 90.0, 120.0)
    e = [sweep(n_images=50, width=1.0, distance=160.0, wavelength=0.4, start=start) for start in (-115.0, 65.0)]
    A = setting(cell, seed)
    parts = [spots_of(x, A, 0.5, keep=0.6, noise_px=0.5, noise_frames=0.3, seed=seed, sweep_id=n)
             for n, x in enumerate(e)]  # fmt: skip
    parts += [random_spots(x, 9 * len(parts[n]), seed, sweep_id=n) for n, x in enumerate(e)]
    n_true = len(parts[0]) + len(parts[1])
    result = index(e, Reflections.concatenate(parts), IndexParams(unit_cell=cell, space_group="P63/mmc"))
    assert_cell(result, cell, length=3e-3)
    assert np.mean(result.reflections["experiment_id"][:n_true] >= 0) > 0.95


def test_known_space_group_constrains_the_cell(tetragonal):
    e, _, spots = tetragonal
    result = index([e], spots, IndexParams(space_group="P43212", unit_cell=(78.0, 78.0, 37.0, 90, 90, 90)))
    cell = result.crystals[0].cell
    assert_cell(result, TETRAGONAL)
    assert cell[0] == pytest.approx(cell[1], abs=1e-9)
    np.testing.assert_allclose(cell[3:], 90, atol=1e-9)
    assert result.crystals[0].space_group.number == 96


def test_centred_lattices_come_out_primitive_or_as_asked():
    e = sweep(n_images=80)
    A = setting((78.0, 78.0, 78.0, 90, 90, 90), 9)
    hkl = miller_indices(A, 2.8)
    spots = spots_of(e, A, hkl=hkl[hkl.sum(axis=1) % 2 == 0])
    assert_cell(index([e], spots, IndexParams()), [67.55] * 3 + [109.47] * 3)
    assert_cell(index([e], spots, IndexParams(space_group="I213")), [78.0] * 3 + [90.0] * 3)


@pytest.mark.parametrize("method", ["fft1d", "real_space_grid_search"])
def test_other_methods(tetragonal, method):
    e, _, spots = tetragonal
    known = (77.6, 77.6, 37.4, 90, 90, 90) if method == "real_space_grid_search" else None
    result = index([e], spots, IndexParams(method=method, unit_cell=known))
    assert_cell(result, TETRAGONAL if known else REDUCED)


@pytest.mark.parametrize("shift", [(1.0, 0.5), (4.0, -2.0)])
def test_a_beam_centre_some_pixels_off_is_refined(tetragonal, shift):
    e, _, spots = tetragonal
    result = index([beam_shifted(e, shift)], spots, IndexParams())
    assert_cell(result, REDUCED)
    assert result.fraction_indexed > 0.99


def test_a_beam_centre_far_off_is_warned_of(tetragonal):
    e, _, spots = tetragonal
    result = index([beam_shifted(e, (12.0, 6.0))], spots, IndexParams())
    assert "beam centre" in result.warnings[0]


@pytest.mark.parametrize("shift", [(-6.2, 9.4), (-1.7, -8.4), (0.0, 0.0)])
def test_a_beam_centre_a_spacing_off_in_a_narrow_sweep_is_found_by_the_neighbouring_indices(shift):
    e, A = sweep(n_images=10), setting(TETRAGONAL, 6)
    spots = spots_of(e, A, 2.6, keep=0.4, noise_px=0.2, noise_frames=0.25, seed=6)
    result = index([beam_shifted(e, shift)], spots, IndexParams())
    change = np.linalg.inv(result.crystals[0].A) @ A
    table = result.reflections
    right = np.all(table["hkl"] == spots["hkl"] @ np.rint(change).T, axis=1)
    assert np.mean(right) > 0.97
    moved = any(result.origin_shift)
    assert moved == bool(any("lattice spacing" in w for w in result.warnings)) == any(shift)


@pytest.mark.parametrize(("seed", "shift"), [(0, (-7.2, -8.4)), (2, (-1.1, 15.4))])
def test_a_beam_centre_half_a_spacing_off_does_not_double_the_cell(seed, shift):
    e, A = sweep(n_images=70), setting((37.0, 43.0, 49.0, 90.0, 90.0, 90.0), seed)
    spots = spots_of(e, A, 2.2, noise_px=0.2, noise_frames=0.2, seed=seed)
    result = index([beam_shifted(e, shift)], spots, IndexParams())
    assert_cell(result, (37.0, 43.0, 49.0, 90.0, 90.0, 90.0), length=3e-3)
    assert len(result.warnings) == 1, "that the centre was off, and that alone"


@pytest.mark.parametrize("n", [2000, 200])
def test_few_spots(tetragonal, n):
    e, _, spots = tetragonal
    some = spots[np.random.default_rng(1).permutation(len(spots))[:n]]
    assert_cell(index([e], some, IndexParams()), REDUCED, length=3e-3, angle=0.2)


@pytest.mark.parametrize("seed", [0, 5])
def test_thirty_spots(seed):
    """Their distances tell of no axis as long as the cell's."""
    e, A = sweep(n_images=60), setting((45.0, 60.0, 70.0, 90.0, 109.0, 90.0), seed)
    spots = spots_of(e, A, 3.0, noise_px=0.3, noise_frames=0.3, seed=seed)
    some = spots[np.sort(np.random.default_rng(seed).permutation(len(spots))[:30])]
    assert_cell(index([e], some, IndexParams()), (45.0, 60.0, 70.0, 90.0, 109.0, 90.0), length=0.02, angle=1.5)


@pytest.mark.parametrize("share", [0.3, 2.0])
def test_noise(tetragonal, share):
    e, _, spots = tetragonal
    both = Reflections.concatenate([spots, random_spots(e, int(share * len(spots)))])
    result = index([e], both, IndexParams())
    assert_cell(result, REDUCED)
    noise = result.reflections["experiment_id"][len(spots) :]
    assert np.mean(noise >= 0) < 0.05


def test_narrow_wedge():
    e, A = sweep(n_images=20, width=0.1), setting(TETRAGONAL, 3)
    assert_cell(index([e], spots_of(e, A, 2.2), IndexParams()), REDUCED, length=3e-3, angle=0.2)


def test_long_axes():
    e = sweep(n_images=100, width=0.1, distance=400.0, size=2000)
    A = setting((290.0, 301.0, 310.0, 90, 90, 90), 5)
    assert_cell(index([e], spots_of(e, A, 5.0, keep=0.3), IndexParams()), (290, 301, 310, 90, 90, 90))


def test_weak_superlattice_is_seen():
    e = sweep(n_images=80)
    A = setting((60.0, 70.0, 80.0, 85.0, 95.0, 100.0), 6)
    hkl = miller_indices(A, 3.0)
    some = (hkl[:, 2] % 2 == 0) | (np.random.default_rng(0).random(len(hkl)) < 0.1)
    result = index([e], spots_of(e, A, hkl=hkl[some]), IndexParams())
    assert result.crystals[0].unit_cell.volume == pytest.approx(abs(np.linalg.det(np.linalg.inv(A))), rel=2e-3)


def test_several_sweeps_of_one_crystal():
    A = setting((5.4, 8.1, 12.0, 90, 90, 90), 2)
    e = [sweep(n_images=40, distance=80.0, wavelength=0.7, start=s) for s in (0.0, 60.0)]
    spots = Reflections.concatenate([spots_of(e[n], A, 0.75, sweep_id=n) for n in range(2)])
    result = index(e, spots, IndexParams())
    assert len(result.experiments) == 2
    assert result.n_lattices == 1
    assert_cell(result, (5.4, 8.1, 12.0, 90, 90, 90))
    np.testing.assert_array_equal(result.reflections["imageset_id"], spots["imageset_id"])
    is_indexed = result.reflections["experiment_id"] >= 0
    np.testing.assert_array_equal(result.reflections["experiment_id"][is_indexed], spots["imageset_id"][is_indexed])
    assert "Imageset" in format_index(result)


def test_too_few_spots(tetragonal):
    e, _, spots = tetragonal
    with pytest.raises(TooFewSpots, match="5 spots"):
        index([e], spots[:5], IndexParams())


@pytest.mark.parametrize("n", [100, 1000])
def test_noise_alone_is_no_lattice(n):
    e = sweep()
    with pytest.raises(IndexingFailed, match="best candidate|no candidate"):
        index([e], random_spots(e, n), IndexParams())


def test_wrong_known_cell_fails_with_its_reason(tetragonal):
    e, _, spots = tetragonal
    with pytest.raises(KnownCellNotFound, match="known cell.*another crystal.*index.unit_cell=none"):
        index([e], spots, IndexParams(unit_cell=(50, 60, 70, 90, 90, 90)))


def test_parameters_are_checked():
    with pytest.raises(ValidationError, match="space group"):
        IndexParams(space_group="P 7")
    with pytest.raises(ValidationError, match="unit cell"):
        IndexParams(unit_cell=(10, 10, 10, 10, 10, 170))


def test_tables_are_the_familiar_ones(indexed):
    text = format_index(indexed)
    n, rest = indexed.n_indexed[0], indexed.n_unindexed[0]
    assert f"|          0 |       {n:5d} |         {rest:5d} |" in text
    assert f"model 1 ({n} reflections):" in text
    for phrase in (
        "RMSDs by experiment:",
        "Unit cell: 37.",
        "U matrix:  {{",
        "A = UB:    {{",
        "% indexed",
        "Max cell: ",
    ):
        assert phrase in text


def test_real_small_molecule_spots():
    folder = shared("real/phi_scan")
    result = index(read_expt(folder / "imported.expt"), read_refl(folder / "strong.refl"), IndexParams())
    assert result.fraction_indexed >= 0.98
    assert_cell(result, (11.62, 13.54, 30.09, 90.0, 93.72, 90.1), length=3e-3, angle=0.15)
