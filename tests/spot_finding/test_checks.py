"""What is unusual about images and spots, from small records of them."""

from __future__ import annotations

import numpy as np
import pytest
from models_for_tests import experiment

from autoproc.geometry.ice_rings import ice_ring_inverse_d2
from autoproc.models.reflections import Reflections
from autoproc.spot_finding.checks import Peculiarities, find_notes, find_warnings, peculiarities
from autoproc.spot_finding.images import SearchedImages

COUNTS = {"hot": 0}
NONE_HOT = np.zeros((3, 4), bool)


def searched(n: int = 40, first: int = 0) -> SearchedImages:
    images = SearchedImages((8, 8))
    images.frames = list(range(first, first + n))
    return images


def spots_on(per_image: list[int], first: int = 0, xy: np.ndarray | None = None) -> Reflections:
    """So many spots of one image each."""
    z = np.repeat(np.arange(first, first + len(per_image)), per_image)
    n = len(z)
    place = np.full((n, 2), 100.0) if xy is None else xy
    bbox = np.column_stack([np.zeros((n, 4), int), z, z + 1])
    return Reflections({"bbox": bbox, "xyz_obs_px": np.column_stack([place, z + 0.5]), "panel": np.zeros(n, int)})


def found_in(images: SearchedImages, spots: Reflections) -> Peculiarities:
    return peculiarities(experiment(), images, spots)


def test_images_with_hardly_any_spots_are_blank_by_their_numbers():
    usual = [40] * 40
    usual[7], usual[8], usual[20] = 0, 1, 2
    found = found_in(searched(), spots_on(usual))
    assert found.blank == (8, 9)  # 2 of 40 is a twentieth
    assert found.on_good == 40
    warnings = find_warnings(found, 40, 1400, NONE_HOT, COUNTS)
    assert warnings == (
        "2 of 40 images have hardly any spots (fewer than 2, where good ones see 40): 8-9; "
        "was the beam off, or the crystal out of it?",
    )


def test_images_named_for_another_reason_are_not_called_blank():
    usual = [40] * 40
    usual[7] = usual[8] = usual[9] = 0
    images = searched()
    images.refused, images.unread = [7], [8]
    found = found_in(images, spots_on(usual))
    assert (found.refused, found.blank) == ((8,), (10,))


@pytest.mark.parametrize(("usual", "n_blank"), [(19, 0), (20, 1)])
def test_weak_images_are_not_called_blank(usual, n_blank):
    assert len(found_in(searched(), spots_on([usual] * 39 + [0])).blank) == n_blank


def test_part_of_a_sweep_has_its_own_numbers():
    found = found_in(searched(20, first=15), spots_on([30] * 19 + [0], first=15))
    assert found.blank == (35,)


def at_resolution(d: np.ndarray) -> np.ndarray:
    """(N, 2) px on a slanting line of the panel, without the sensor's parallax to speak of."""
    made = experiment()
    two_theta = 2 * np.arcsin(made.beam.wavelength / (2 * d))
    radius = made.detector[0].distance * np.tan(two_theta)
    return np.column_stack([(43.0 + 0.6 * radius) / 0.172, (50.0 + 0.8 * radius) / 0.172])


def icy(n_ice: int, n_other: int, offset: float = 0.0) -> Reflections:
    """Spots on the strongest rings of ice, and others evenly over 1/d^2 far from every ring."""
    rings = ice_ring_inverse_d2(2.2)
    ice = np.resize(rings, n_ice) + offset
    inverse_d2 = np.concatenate([ice, np.linspace(0.01, 0.05, n_other)])
    return spots_on([n_ice + n_other] + [0] * 39, xy=at_resolution(inverse_d2**-0.5))


def test_spots_on_the_rings_of_ice_are_told_by_their_part_and_their_excess():
    found = found_in(searched(), icy(200, 300))
    assert found.on_ice == pytest.approx(0.4, abs=0.01)
    assert found.ice_excess > 100
    (warning,) = (w for w in find_warnings(found, 40, 500, NONE_HOT, COUNTS) if "ice" in w)
    assert warning.startswith("40% of the spots lie at the resolutions of ice rings")
    assert "find_spots.exclude_ice_rings=true" in warning


def test_beside_the_rings_there_is_no_ice_and_few_spots_are_chance():
    assert found_in(searched(), icy(200, 300, offset=0.003)).on_ice == 0
    assert found_in(searched(), icy(25, 300)).on_ice == 0  # 25 is not above 5 sqrt(25)
    assert found_in(searched(), icy(36, 300)).on_ice > 0


def test_a_little_ice_is_no_warning():
    assert find_warnings(Peculiarities(on_ice=0.099, ice_excess=9.0), 5, 5, NONE_HOT, COUNTS) == ()
    assert len(find_warnings(Peculiarities(on_ice=0.1, ice_excess=9.0), 5, 5, NONE_HOT, COUNTS)) == 1


@pytest.mark.parametrize(
    ("refused", "words"),
    [
        ((4,), "1 image has too many strong pixels to be diffraction and was left out: 4;"),
        ((4, 5, 9), "3 images have too many strong pixels to be diffraction and were left out: 4-5, 9;"),
    ],
)
def test_refused_images_are_named(refused, words):
    (warning,) = find_warnings(Peculiarities(refused=refused), 9, 100, NONE_HOT, COUNTS)
    assert warning.startswith(words)


def test_hot_pixels_are_a_note_and_many_spots_on_them_a_warning():
    hot = NONE_HOT.copy()
    hot[1, 3] = hot[2, 0] = True
    (note,) = find_notes(hot, {"hot": 2})
    assert note == (
        "2 pixels are strong on most images, hot or in stray scatter, at (fast, slow) (3, 1), (0, 2); "
        "2 spots with the peak there were dropped"
    )
    assert find_notes(NONE_HOT, COUNTS) == ()
    assert find_warnings(Peculiarities(), 9, 98, hot, {"hot": 2}) == ()
    assert find_warnings(Peculiarities(), 9, 97, hot, {"hot": 2}) == (note,)


def test_of_many_hot_pixels_some_are_named():
    (note,) = find_notes(np.ones((2, 4), bool), {"hot": 1})
    assert note.count("(") == 6
    assert "and 3 more; 1 spot with the peak there was dropped" in note


def test_a_sweep_without_spots_or_images_is_not_peculiar():
    assert found_in(SearchedImages((8, 8)), spots_on([0])) == Peculiarities()
