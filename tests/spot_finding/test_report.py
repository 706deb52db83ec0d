from __future__ import annotations

import numpy as np

from autoproc.spot_finding.report import format_removed, format_spots_per_image, histogram_bins


def test_histogram_looks_as_in_the_tutorial():
    text = format_spots_per_image(np.array([10, 5, 1, 0, 0, 0, 0, 0, 0, 0, 0, 2]))
    lines = text.split("\n")
    assert lines[:2] == [
        "Histogram of per-image spot count for imageset 0:",
        "18 spots found on 12 images (max 10 / bin)",
    ]
    assert lines[2:12] == ["*           "] * 5 + ["**          "] * 3 + ["**         *", "***        *"]
    assert lines[12] == "1  image  12"


def test_many_images_share_bins_of_equal_width():
    bins, per_bin = histogram_bins(np.full(160, 7))
    assert (per_bin, len(bins)) == (3, 54)
    np.testing.assert_allclose(bins, 21.0)


def test_axis_has_the_numbers_of_the_images():
    lines = format_spots_per_image(np.full(1800, 4), first_image=101).split("\n")
    assert lines[-1].startswith("101 ")
    assert lines[-1].endswith(" 1900")
    assert {len(line) for line in lines[2:]} == {60}


def test_one_image_and_no_spots():
    assert format_spots_per_image(np.array([3]), 7).split("\n")[-1] == "7"
    assert format_spots_per_image(np.zeros(4)).split("\n")[1] == "0 spots found on 4 images"


def test_removed_spots_add_up():
    counts = {"extracted": 100, "too_small": 30, "too_large": 2, "hot": 5, "far_peak": 3}
    lines = format_removed(counts, 3, 1000).split("\n")
    assert lines == [
        "Extracted 100 spots",
        "Removed 30 spots with size < 3 pixels",
        "Removed 2 spots with size > 1000 pixels",
        "Calculated 68 spot centroids",
        "Calculated 68 spot intensities",
        "Removed 5 spots on pixels that are strong on most images",
        "Filtered 60 of 63 spots by peak-centroid distance",
    ]
