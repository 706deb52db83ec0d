"""What compiled loops are given is looked at before: shapes, types, ranges."""

import math

import numpy as np
import pytest
from claim_holders import holders
from hypothesis import given as drawn
from hypothesis import strategies as st

from autoproc.kernels import arguments as given
from autoproc.kernels.integrate_background import Background, constant_background
from autoproc.kernels.integrate_fit import measure_shoeboxes, profile_equations
from autoproc.kernels.integrate_shoebox import FREE, UNTRUSTED, ClaimMap, Shoeboxes, claim_pixels, copy_pixels
from autoproc.kernels.integrate_survey import BackgroundSum, survey_frame
from autoproc.kernels.predict import predict_plane
from autoproc.kernels.refinement_gradients import position_gradients
from autoproc.kernels.simulate_spots import add_spots

BBOX = np.array([[2, 6, 1, 5, 0, 3], [7, 10, 0, 4, 1, 2]], np.int32)
SHAPE = (12, 14)


def boxes(**changed):
    made = Shoeboxes.empty(BBOX, np.ones((2, 3)), np.tile(np.eye(2), (2, 1, 1)), np.ones(2))
    made.counts[:], made.label[:] = UNTRUSTED, FREE
    names = ("bbox", "centre", "transform", "rate", "start", "counts", "label")
    return Shoeboxes(**{name: getattr(made, name) for name in names} | changed)


BACKGROUND = Background(np.ones(2), np.ones(2), np.full(2, 9, np.int32), np.full(2, 9, np.int32))


@pytest.mark.parametrize(
    "changed",
    [
        {"bbox": BBOX[:1]},
        {"bbox": BBOX + np.array([0, 1, 0, 0, 0, 0], np.int32)},
        {"bbox": BBOX[:, [1, 0, 3, 2, 4, 5]]},
        {"bbox": BBOX.astype(np.int64)},
        {"start": np.array([0, 48, 50])},
        {"start": np.array([0, 61, 60])},
        {"start": np.array([-1, 48, 60])},
        {"counts": np.zeros(59, np.int32)},
        {"label": np.zeros(61, np.uint8)},
        {"label": np.zeros(120, np.uint8)[::2]},
        {"centre": np.ones((3, 3))},
        {"transform": np.ones((2, 4))},
    ],
)
def test_shoeboxes_whose_pixels_lie_elsewhere_cannot_be_made(changed):
    with pytest.raises(ValueError, match="expected|start does not say"):
        boxes(**changed)


@pytest.mark.parametrize("name", ["counts", "bbox", "rate"])
def test_shoeboxes_are_made_of_arrays(name):
    with pytest.raises(TypeError, match="expected an array"):
        boxes(**{name: [1, 2]})


@pytest.mark.parametrize(
    "bbox", [[0, 0, 0, 1, 0, 1], [3, 1, 3, 1, 0, 1], [0, 1 << 17, 0, 1, 0, 1], [2**31 - 2, 2**31 - 1, 0, 1, 0, 1]]
)
def test_a_box_without_pixels_or_beyond_all_images_is_refused(bbox):
    with pytest.raises(ValueError, match="bbox"):
        Shoeboxes.empty(np.array([bbox], np.int32), np.ones((1, 3)), np.ones((1, 2, 2)), np.ones(1))


@pytest.mark.parametrize("rows", [[-1], [2], [0.5], [math.nan], [[0]], ["a"]])
def test_rows_that_are_none_are_refused_everywhere(rows):
    maps, image = ClaimMap.of(np.ones(SHAPE, np.uint8)), np.zeros(SHAPE, np.int32)
    half, some = np.ones((2, 2)), boxes()
    with pytest.raises(ValueError, match="rows must|rows is"):
        claim_pixels(1, rows, some.centre, some.transform, some.rate, half, 3.0, 5.0, maps, np.zeros(2, np.uint8))
    with pytest.raises(ValueError, match="rows must|rows is"):
        copy_pixels(1, rows, 0, image, 0.0, 1e6, maps, some)
    with pytest.raises(ValueError, match="rows must|rows is"):
        profile_equations(some, BACKGROUND, rows, np.ones(2), 7, 1.0, 1.0, 0.1)


@pytest.mark.parametrize("centre", [math.nan, math.inf, -math.inf, 1e300, -1e300, 2.0**31])
def test_peaks_at_places_that_are_none_claim_nothing(centre):
    maps, some = ClaimMap.of(np.ones(SHAPE, np.uint8)), boxes()
    nowhere = np.column_stack([np.full((2, 2), centre), np.ones(2)])
    half, contested = np.ones((2, 2)), np.zeros(2, np.uint8)
    claim_pixels(1, [0, 1], nowhere, some.transform, some.rate, half, 3.0, 5.0, maps, contested)
    assert np.all(holders(maps) == -1)


def test_what_is_no_map_of_a_frame_is_no_claim_map():
    for owner in (np.zeros(12, np.uint16), np.zeros(SHAPE, np.int32)):
        with pytest.raises(ValueError, match=f"owner is {owner.dtype}"):
            ClaimMap(owner)
    with pytest.raises(TypeError, match="expected an array"):
        ClaimMap([[0, 0]])


@pytest.mark.parametrize("value", [math.nan, math.inf, -1e300])
def test_profiles_where_no_pixel_is_are_zero(value):
    some = boxes(transform=np.full((2, 2, 2), value))
    found = measure_shoeboxes(
        some, BACKGROUND, np.ones((1, 7, 7)), np.zeros(2, int), 1.0, np.ones(2), 3.0, 1.0, 3, 0.1
    )  # fmt: skip
    np.testing.assert_array_equal(found.variance_sum, -1)


@pytest.mark.parametrize("gain", [0.0, -1.0, math.nan, math.inf, 10**400])
def test_a_gain_by_which_nobody_can_divide_is_refused(gain):
    with pytest.raises(ValueError, match="gain"):
        constant_background(boxes(), 10, gain)
    with pytest.raises(ValueError, match="gain"):
        survey_frame(np.zeros(SHAPE, int), np.ones(SHAPE, bool), 1e6, [[1, 1]], [1.0], 0.0, gain)


def test_a_spot_at_the_farthest_place_with_the_largest_radius_is_counted_safely():
    far = 1 << 30
    out, covered = survey_frame(np.zeros(SHAPE, np.int32), np.ones(SHAPE, np.uint8), 1e6, [[far, far]], [float(far)])
    assert out.shape == (1, 5)
    assert covered.ndim == 1
    assert len(set(covered.tolist())) == len(covered) <= SHAPE[0] * SHAPE[1]


def test_sums_of_several_shapes_take_no_frame():
    sums = BackgroundSum(np.zeros(SHAPE, np.int32), np.zeros((2, 2), np.uint16), np.zeros(SHAPE, np.uint16), 0)
    ones = np.ones(SHAPE, np.uint8)
    with pytest.raises(ValueError, match="not of one shape"):
        sums.add([np.zeros(SHAPE, np.int32)], ones, [np.empty(0, int)], np.zeros(SHAPE, np.int32))


@pytest.mark.parametrize(
    "changed",
    [
        {"settings": np.empty((0, 3, 3))},
        {"settings": np.ones((2, 3, 4))},
        {"scan": (math.nan, 0.01)},
        {"scan": (0.0, math.inf)},
        {"phi_range": (0.0, math.inf)},
        {"phi_range": (1e17, 2e17)},
        {"d_min": math.nan},
        {"k_range": (0, 2**31 - 1)},
        {"k_range": (-(2**70), 0)},
        {"k_range": (-5000, 5000), "l_range": (-5000, 5000)},
    ],
)
def test_planes_without_end_are_refused(changed):
    right = {
        "h": 1, "k_range": (-1, 1), "l_range": (-1, 1), "settings": np.eye(3) / 30, "axis": [1, 0, 0],
        "t0": [0, 0, -1], "scan": (0.0, 0.01), "phi_range": (0.0, 1.0), "d_min": 4.0,
    }  # fmt: skip
    predict_plane(**right)
    with pytest.raises(ValueError, match="expected|too many|no setting"):
        predict_plane(**right | changed)


def test_settings_that_are_no_numbers_predict_nothing():
    settings = np.full((3, 3, 3), math.nan)
    hkl, *_ = predict_plane(1, (-1, 1), (-1, 1), settings, [1, 0, 0], [0, 0, -1], (0.0, 0.01), (0.0, 1.0), 4.0)
    assert len(hkl) == 0


def test_inverse_matrices_of_another_shape_are_refused():
    eye, spots = np.eye(3), [np.ones((2, 3))] * 6
    panels = np.ones((2, 2, 2)), eye, np.zeros(3)
    with pytest.raises(ValueError, match="inverse d matrices"):
        position_gradients(
            spots, np.zeros(2, int), panels, eye, (eye[0], eye[0], eye, eye), (eye, np.ones((6, 1))),
            (np.arange(6), np.arange(4)), np.ones((2, 1)), np.ones((2, 3)),
        )  # fmt: skip


def test_spots_thinner_than_any_are_added_safely():
    image = np.zeros(SHAPE)
    with np.errstate(all="ignore"):
        add_spots(image, [[5.0, 5.0]], [[1e-300, 0.0, 1e300]], [1.0], 1e-200)
    assert image.shape == SHAPE


@drawn(value=st.one_of(st.integers(), st.floats(), st.text(max_size=3), st.none()))
def test_numbers_are_in_their_range_or_refused(value):
    for check in (
        lambda: given.number(value, "x", -5, 5),
        lambda: given.positive(value, "x"),
        lambda: given.whole(value, -5, 5, "x"),
    ):
        try:
            found = check()
        except (ValueError, TypeError):
            continue
        assert math.isfinite(found)
        assert found == float(value)


def test_flags_share_their_memory_and_are_nothing_else():
    mask = np.ones(SHAPE, bool)
    assert np.shares_memory(given.flags(mask, SHAPE, "mask"), mask)
    with pytest.raises(ValueError, match="must be bool or uint8"):
        given.flags(mask.astype(float), SHAPE, "mask")
