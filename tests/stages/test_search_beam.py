from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from shared_data import shared

from autoproc.beam_search.score import shift_beam_centre
from autoproc.errors import IndexingFailed, TooFewSpots
from autoproc.formats.dials.expt import read_expt
from autoproc.formats.dials.refl import read_refl
from autoproc.geometry.detector import beam_centre_px, is_on_panel, px_from_s1
from autoproc.geometry.reciprocal import ewald_angles
from autoproc.geometry.rotation import lab_from_crystal
from autoproc.models.experiment import Beam, Detector, Experiment, Goniometer, Panel, Scan
from autoproc.models.reflections import Reflections
from autoproc.stages import search_beam
from autoproc.stages.search_beam import SearchBeamParams, format_search_beam, search_beam_position

PIXEL = 0.172


PANEL = Panel(
    fast_axis=np.array([1.0, 0, 0]),
    slow_axis=np.array([0.0, -1, 0]),
    origin=np.array([-43.0, 51.0, -150.0]),
    pixel_size=(PIXEL, PIXEL),
    image_size=(487, 619),
)


def an_experiment(n_images=120):
    return Experiment(Beam(0.98), Detector((PANEL,)), Goniometer(), Scan((1, n_images), (0.0, 0.5)))


def spots_of(experiment, cell=(51.0, 64.0, 78.0), seed=0, rotation=None, noise=0.2):
    """Spots of an orthorhombic lattice, wherever the experiment predicts them, with an error in px."""
    rng = np.random.default_rng(seed)
    if rotation is None:
        rotation = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    limit = [int(edge / 3) for edge in cell]
    grid = np.meshgrid(*(np.arange(-m, m + 1) for m in limit), indexing="ij")
    rlp = np.stack(grid, axis=-1).reshape(-1, 3) / np.array(cell) @ rotation.T
    rlp = rlp[(np.linalg.norm(rlp, axis=1) < 1 / 3.0) & np.any(rlp != 0, axis=1)]
    rows = []
    for phi in ewald_angles(experiment.goniometer, experiment.beam, rlp).T:
        seen = np.isfinite(phi)
        frame = experiment.scan.frame_at(phi[seen])
        s1 = lab_from_crystal(experiment.goniometer, phi[seen], rlp[seen]) + experiment.beam.s0
        rows.append(np.column_stack([px_from_s1(experiment.detector[0], s1), frame]))
    xyz = np.concatenate(rows)
    inside = is_on_panel(experiment.detector[0], xyz[:, :2]) & (xyz[:, 2] >= 0)
    xyz = xyz[inside & (xyz[:, 2] <= experiment.scan.n_images)]
    xyz += rng.normal(scale=noise, size=xyz.shape)
    return table(xyz, rng.exponential(100.0, len(xyz)))


def table(xyz, intensity):
    return Reflections({"xyz_obs_px": xyz, "panel": np.zeros(len(xyz)), "intensity_sum": intensity})


@pytest.mark.parametrize("off", [(0, 0), (10, 0), (-7, 7), (3.3, -9.8)])
def test_beam_centre_is_found(off):
    right = an_experiment()
    wrong = shift_beam_centre(right, np.array(off) * PIXEL)
    result = search_beam_position(wrong, spots_of(right), SearchBeamParams())
    np.testing.assert_allclose(result.shift.px, -np.array(off), atol=0.2)
    np.testing.assert_allclose(result.centre_after, np.array(result.centre_before) - off, atol=0.2)
    assert result.shift.agreement > 0.8
    assert result.is_improved == any(off)
    assert not result.is_ambiguous


def test_wide_scan_of_a_large_cell():
    right = an_experiment(n_images=60)
    wrong = shift_beam_centre(right, np.array([1.2, -0.9]))
    result = search_beam_position(wrong, spots_of(right, cell=(90.0, 120.0, 160.0), noise=0.1), SearchBeamParams())
    np.testing.assert_allclose(result.shift.mm, [-1.2, 0.9], atol=0.5 * PIXEL)


def test_shift_by_a_reciprocal_lattice_vector_is_told():
    """With a lattice row along the axis of one image, and badly measured spots, all looks alike one row further."""
    right = an_experiment(n_images=1)
    spots = spots_of(right, rotation=np.eye(3), noise=2.0)
    row_px = 0.98 * 150 / 51.0 / PIXEL
    wrong = shift_beam_centre(right, np.array([row_px, 0.0]) * PIXEL)
    result = search_beam_position(wrong, spots, SearchBeamParams(far_shift=0))
    assert result.is_ambiguous
    assert not result.is_improved
    assert result.confidence < 0.9
    fast = [shift.px[0] for shift in (result.shift, *result.alternatives)]
    assert min(abs(x) for x in fast) < 1
    assert min(abs(x + row_px) for x in fast) < 1
    assert "do not tell" in format_search_beam(result)


@pytest.mark.parametrize("seed", [1])
@pytest.mark.parametrize("off", [(0, 0), (6, -8), (-16, 12)])
def test_narrow_sweeps_tell_a_centre_from_its_neighbours(off, seed):
    right = an_experiment(n_images=10)
    wrong = shift_beam_centre(right, np.array(off) * PIXEL)
    result = search_beam_position(wrong, spots_of(right, seed=seed), SearchBeamParams())
    np.testing.assert_allclose(result.shift.px, -np.array(off), atol=1.0)
    assert not result.is_ambiguous
    assert result.is_improved == any(off)
    assert result.confidence > 0.95


@pytest.mark.parametrize("seed", [0, 2])
@pytest.mark.parametrize("n_images", [10, 40])
def test_a_good_header_is_never_spoilt_by_a_wrong_distance(n_images, seed):
    header = replace(an_experiment(n_images), detector=Detector((replace(PANEL, origin=PANEL.origin + [0, 0, 1.5]),)))
    result = search_beam_position(header, spots_of(an_experiment(n_images), seed=seed), SearchBeamParams())
    assert np.hypot(*result.shift.px) < 2.5


def test_geometry_other_than_the_beam_centre_stays():
    right = an_experiment()
    result = search_beam_position(shift_beam_centre(right, np.array([0.5, 0.5])), spots_of(right), SearchBeamParams())
    assert result.experiment.beam is right.beam
    np.testing.assert_allclose(result.experiment.detector[0].distance, 150.0)
    np.testing.assert_allclose(result.experiment.detector[0].origin, right.detector[0].origin, atol=0.2 * PIXEL)


def test_noise_improves_nothing():
    rng = np.random.default_rng(3)
    spots = table(rng.uniform(0, [487, 619, 120], (900, 3)), np.ones(900))
    try:
        result = search_beam_position(an_experiment(), spots, SearchBeamParams(far_shift=0))
    except IndexingFailed:
        return
    assert result.shift.px == (0.0, 0.0)
    assert result.is_ambiguous
    assert not result.is_improved
    assert result.confidence < 0.9


@pytest.mark.parametrize("off", [(0, 0), (-6, 8)])
def test_strongest_spots_of_a_large_cell_are_far_apart(off):
    right = an_experiment(n_images=20)
    wrong = shift_beam_centre(right, np.array(off) * PIXEL)
    spots = spots_of(right, cell=(118.0, 118.0, 186.0), noise=0.3, seed=1)
    result = search_beam_position(wrong, spots, SearchBeamParams())
    np.testing.assert_allclose(result.shift.px, -np.array(off), atol=0.5)
    assert result.shift.agreement > 0.5


def test_a_centre_far_from_the_headers_is_found():
    off_mm = (-5.0, 4.0)
    right = an_experiment(n_images=60)
    wrong = shift_beam_centre(right, np.array(off_mm))
    spots = spots_of(right, cell=(37.0, 43.0, 49.0))
    result = search_beam_position(wrong, spots, SearchBeamParams(spots_per_wedge=40))
    np.testing.assert_allclose(result.shift.mm, -np.array(off_mm), atol=0.05)
    np.testing.assert_allclose(result.shift.px, -np.array(off_mm) / PIXEL, atol=0.3)
    before, after = (beam_centre_px(e.detector, e.beam) for e in (wrong, right))
    np.testing.assert_allclose(result.centre_before, before, atol=1e-6)
    np.testing.assert_allclose(result.centre_after, after, atol=0.3)
    assert result.is_improved
    assert f"the header says ({before[0]:.1f}, {before[1]:.1f}) px" in result.in_words
    assert f"{np.hypot(*off_mm):.1f} mm away; check it" in result.in_words


def test_spots_of_two_lattices_are_no_reason_to_look_far_from_a_good_header(monkeypatch):
    """They share the agreement, which convinces with no centre then."""
    right, far = an_experiment(n_images=30), []
    spots = Reflections.concatenate([spots_of(right, (37.0, 43.0, 49.0), seed) for seed in (0, 5)])
    near = search_beam._search_around(right, spots, SearchBeamParams(spots_per_wedge=40))
    assert near.bears_header_out
    assert near.shift.agreement < search_beam.CONVINCING
    doubtful = replace(near, confidence=0.5)
    for first, n_far in ((near, 0), (doubtful, 8)):
        monkeypatch.setattr(search_beam, "_search_around", lambda *_, first=first: far.append(1) or first)
        assert search_beam_position(right, spots, SearchBeamParams()) is first
        assert len(far) == 1 + n_far
        far.clear()


@pytest.mark.parametrize(
    ("change", "is_borne_out"),
    [
        ({}, True),
        ({"mm": (0.3, 0.1)}, False),
        ({"agreement": 0.49}, False),
        ({"confidence": 0.98}, False),
        ({"alternatives": True}, False),
    ],
)
def test_what_bears_a_header_out(change, is_borne_out):
    shift = search_beam.BeamShift(change.get("mm", (0.2, 0.2)), (1.0, 1.0), change.get("agreement", 0.51), np.ones(2))
    others = (shift,) if "alternatives" in change else ()
    confidence = change.get("confidence", 0.995)
    found = search_beam.SearchBeamResult(an_experiment(), shift, 0.4, others, 2, 3, (0, 0), (1, 1), confidence)
    assert found.bears_header_out == is_borne_out


def test_a_centre_that_does_not_convince_is_said_to_be_doubtful():
    right = an_experiment(n_images=40)
    found = search_beam_position(right, spots_of(right), SearchBeamParams())
    doubtful = replace(found, shift=replace(found.shift, agreement=0.55))
    assert "it may well be wrong, as spots agree with it only to 0.55" in doubtful.in_words
    assert "may well be wrong" not in found.in_words


def test_too_few_spots_are_refused():
    spots = spots_of(an_experiment())
    with pytest.raises(TooFewSpots, match="only 12 spots"):
        search_beam_position(an_experiment(), spots[np.arange(12)], SearchBeamParams())


def test_report_has_both_centres():
    right = an_experiment()
    text = format_search_beam(
        search_beam_position(shift_beam_centre(right, np.array([1.72, 0.0])), spots_of(right), SearchBeamParams())
    )
    assert "before: 260.00 296.51 px" in text
    assert re.search(r"shift:  -(9.9|10.0)\d -?0.0\d px, -1.7\d", text)
    assert len(text.splitlines()) == 4


def test_real_header_is_corrected():
    """Diamond I19, phi scan: indexing and refinement by DIALS move the beam centre by 12.3 -2.9 px."""
    experiment = read_expt(shared("real/phi_scan/imported.expt"))[0]
    result = search_beam_position(experiment, read_refl(shared("real/phi_scan/strong.refl")), SearchBeamParams())
    np.testing.assert_allclose(result.shift.px, [12.3, -2.9], atol=0.5)
    assert result.is_improved
