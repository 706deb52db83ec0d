"""Saturation, wherever firmware and beamlines put it."""

from __future__ import annotations

import h5py
import numpy as np
import pytest

from autoproc.formats.hdf5.detector_limits import NO_LIMIT, saturation

CUTOFF = "countrate_correction_count_cutoff"


def limit(dtype=None, **values):
    with h5py.File("x.h5", "w", driver="core", backing_store=False) as handle:
        detector = handle.create_group("detector")
        for name, value in values.items():
            path = name.replace("__", "/")
            detector[path] = value
            if "threshold" in path:
                detector[path].parent.attrs["NX_class"] = "NXdetector_channel"
        return saturation(detector, None if dtype is None else np.dtype(dtype))


@pytest.mark.parametrize(
    "place",
    [
        "saturation_value", CUTOFF, "detectorSpecific__saturation_value", f"detectorSpecific__{CUTOFF}",
        f"detectorSpecific__detectorModule_000__{CUTOFF}", "threshold_1_channel__saturation_value",
        f"detectorSpecific__threshold_1_channel__{CUTOFF}", "unclassed_channel__saturation_value",
    ],
)  # fmt: skip
@pytest.mark.parametrize("value", [np.int64(3000), np.uint32(3000), np.float32(3000), np.array([3000]), [[3000]]])
def test_every_place_and_type(place, value):
    assert limit(np.uint32, **{place: value}) == 3000


def test_of_limits_of_each_pixel_the_lowest_counts():
    each = np.random.default_rng(1).integers(3000, 9000, (40, 50))
    each[3, 4], each[5, 6] = 2900, 0
    assert limit(np.uint32, saturation_value=each) == 2900


@pytest.mark.parametrize("text", ["3000", np.bytes_(b" 3000.0 ")])
def test_a_number_may_be_a_text(text):
    assert limit(np.uint32, saturation_value=text) == 3000


def test_modules_of_nexus_have_limits_too():
    with h5py.File("x.h5", "w", driver="core", backing_store=False) as handle:
        module = handle.create_group("detector/module")
        module.attrs["NX_class"] = "NXdetector_module"
        module["saturation_value"] = 3000
        assert saturation(handle["detector"]) == 3000


def test_the_lowest_counts_but_modules_only_where_nothing_else_is_said():
    assert limit(saturation_value=5000, detectorSpecific__countrate_correction_count_cutoff=4000) == 4000
    both = {f"detectorSpecific__{CUTOFF}": 12440, f"detectorSpecific__detectorModule_000__{CUTOFF}": 7472}
    assert limit(**both) == 12440
    modules = {f"detectorSpecific__detectorModule_{n:03d}__{CUTOFF}": 7000 + n for n in range(3)}
    assert limit(**modules) == 7000


@pytest.mark.parametrize("nonsense", [0, -1, np.nan, np.bytes_(b"high")])
def test_what_is_no_limit(nonsense):
    assert limit(saturation_value=nonsense) == NO_LIMIT


@pytest.mark.parametrize(
    ("dtype", "highest"),
    [(np.uint8, 253), (np.uint16, 65533), (np.int16, 32767), (np.uint32, NO_LIMIT), (np.float32, NO_LIMIT)],
)
def test_the_bits_of_a_pixel_are_the_last_limit(dtype, highest):
    assert limit(dtype) == highest
    assert limit(dtype, saturation_value=2**31 - 1) == highest
