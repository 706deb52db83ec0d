"""The report's charts of how intensities agree: by image, by intensity, and as distributions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from autoproc.merging.by_image import ImageAgreement
from autoproc.merging.twinning import TwinningTest
from autoproc.reports.chart import Chart, ChartSeries, Mark, draw
from autoproc.reports.plots import IMAGE, curves
from autoproc.scaling.error_model import ErrorBin

HIGHEST_R = 2.0
"""Rmerge of an image that is drawn at most: beyond there is nothing but noise."""


def agreement(by_image: Sequence[ImageAgreement], names: Sequence[str] = ()) -> str:
    """Rmerge of each image; names : as names_in_group."""
    return _by_image(by_image, [np.clip(one.r_merge, 0, HIGHEST_R) for one in by_image], "Rmerge", names)


def signal(by_image: Sequence[ImageAgreement], names: Sequence[str] = ()) -> str:
    """Mean I/sigma(I) of the observations of each image; names : as names_in_group."""
    return _by_image(by_image, [one.i_over_sigma for one in by_image], "mean I/\u03c3(I)", names)


def _by_image(
    by_image: Sequence[ImageAgreement], values: Sequence[np.ndarray], y_label: str, names: Sequence[str]
) -> str:
    series = curves(by_image, values, names)
    return draw(Chart(series, IMAGE, y_label, (0.0, None)))


def error_model_chart(bins: Sequence[ErrorBin]) -> str:
    """Mean squared normalised deviations before and after the error model, by intensity."""
    middle = np.array([np.log10(max(1e-9, 0.5 * (b.i_min + b.i_max))) for b in bins])
    series = [
        ChartSeries(middle, np.array([b.before for b in bins]), "before", "both", 1),
        ChartSeries(middle, np.array([b.after for b in bins]), "after", "both", 0),
    ]
    return draw(Chart(series, "log\u2081\u2080 of the expected intensity", "mean squared deviation / \u03c3\u00b2",
                      (0.0, None), [Mark(1.0)]))  # fmt: skip


def l_test_chart(test: TwinningTest) -> str:
    """The cumulative distribution of |L| beside those of a single crystal and a perfect twin."""
    x = test.abs_l
    series = [
        ChartSeries(x, test.cumulative, "measured", "line", 0),
        ChartSeries(x, x, "single crystal", "line", 5),
        ChartSeries(x, 0.5 * x * (3 - x**2), "perfect twin", "line", 1),
    ]
    return draw(Chart(series, "|L|", "fraction of pairs", (0.0, 1.0)))
