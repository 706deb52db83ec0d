"""Charts against image: what is drawn of the numbers that they are given."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from scaled_for_tests import Recipe, experiment

from autoproc.merging.by_image import ImageAgreement
from autoproc.merging.twinning import TwinningTest
from autoproc.models.data_set_names import names_in_group
from autoproc.models.reflections import Flag, Reflections
from autoproc.reports import intensity_plots, plots
from autoproc.reports.chart import HEIGHT, TOP
from autoproc.reports.chart_data import chart_facts, chart_of
from autoproc.scaling.error_model import ErrorBin
from autoproc.scaling.result import ImageScales


def legend(svg: str) -> list[str]:
    return re.findall(r'class="entry"[^>]*>([^<]*)<', svg)


def y_ticks(svg: str) -> list[float]:
    return [float(t.replace("\u2212", "-")) for t in re.findall(r'class="tick y"[^>]*>([^<]*)<', svg)]


def heights(svg: str, colour: int = 0) -> list[float]:
    """y of every point of a line, downwards from the top."""
    path = re.findall(rf'class="line c{colour}" d="([^"]*)"', svg)[0]  # then that of the legend
    return [float(y) for _, y in re.findall(r"([\d.]+) ([\d.]+)", path)]


def images(scale=1.0, b=0.0, ratio=1.0, n: int = 20) -> ImageScales:
    return ImageScales(np.arange(1, n + 1), np.full(n, scale), b + np.zeros(n), ratio + np.zeros(n))


def test_spots_are_an_area_and_indexed_ones_a_line():
    found = np.full(30, 100)
    assert legend(plots.spots_per_image(found, 1)) == ["found"]
    assert legend(plots.spots_per_image(found, 1, found)) == ["found"], "all of them were indexed"
    assert legend(plots.spots_per_image(found, 1, found - 1)) == ["found", "indexed"]


def test_a_long_sweep_keeps_its_single_bad_images():
    counts = np.full(4000, 100.0)
    counts[1234] = 0
    assert "least to greatest of neighbouring images" in legend(plots.spots_per_image(counts, 1))
    assert "least to greatest of neighbouring images" not in legend(plots.spots_per_image(counts[:400], 1))


@pytest.mark.parametrize(("first", "tick"), [(1, ">10<"), (1001, ">1010<")])
def test_images_have_the_numbers_of_their_files(first, tick):
    assert tick in plots.spots_per_image(np.full(30, 9), first)


def test_small_changes_of_b_do_not_fill_the_chart():
    assert max(y_ticks(plots.decay([images(b=0.1)]))) == 2
    assert min(y_ticks(plots.decay([images(b=-9.0)]))) < -2


def test_what_is_left_over_has_an_axis_about_one():
    ticks = y_ticks(plots.ratios([images()]))
    assert (min(ticks), max(ticks)) == (0.9, 1.1)
    assert max(y_ticks(plots.ratios([images(ratio=1.5)]))) > 1.4
    assert min(y_ticks(plots.ratios([images(ratio=0.3)]))) < 0.5
    assert "no data" in plots.ratios([images(ratio=np.nan)])


def test_lattices_are_named_where_there_are_several():
    for draw in (plots.scales, plots.decay, plots.ratios):
        assert legend(draw([images()])) == []
        assert legend(draw([images(), images()])) == ["lattice 1", "lattice 2"]


def test_data_sets_are_told_by_their_names_and_lattices_of_one_sweep_by_their_numbers():
    sweep, other = (replace(experiment(Recipe()), identifier=name) for name in ("native", "peak"))
    assert names_in_group([sweep, other]) == ["native", "peak"]
    assert names_in_group([sweep, sweep]) == []
    for draw in (plots.scales, plots.decay, plots.ratios):
        assert legend(draw([images(), images()], ["native", "peak"])) == ["native", "peak"]
    assert legend(intensity_plots.signal([agreement([0.1])] * 2, ["native", "peak"])) == ["native", "peak"]


def test_a_scale_is_drawn_from_zero():
    drawn = plots.scales([images(scale=2.0)])
    assert min(y_ticks(drawn)) == 0
    assert all(TOP < y < HEIGHT / 3 for y in heights(drawn))


def test_spots_of_refinement_are_those_of_the_lattice_that_were_used():
    flags = np.array([Flag.USED_IN_REFINEMENT, Flag.INDEXED, Flag.USED_IN_REFINEMENT], np.uint64)
    table = Reflections({"flags": flags, "experiment_id": np.array([0, 0, 1], np.int32)})
    assert plots.used_in_refinement(table, 0).tolist() == [True, False, False]
    assert plots.used_in_refinement(table, 1).tolist() == [False, False, True]


def agreement(r_merge, i_over_sigma=5.0) -> ImageAgreement:
    r = np.asarray(r_merge, float)
    return ImageAgreement(np.arange(1, len(r) + 1), np.ones(len(r)), np.full(len(r), i_over_sigma), r)


def test_rmerge_of_noise_does_not_flatten_the_others():
    drawn = intensity_plots.agreement([agreement([0.1, 0.2, 900.0])])
    assert max(y_ticks(drawn)) == 2
    low, high, noise = heights(drawn)
    assert noise < high < low


def test_signal_of_images_is_drawn_from_zero():
    drawn = intensity_plots.signal([agreement([0.1, 0.1], 8.0)])
    assert min(y_ticks(drawn)) == 0
    assert max(y_ticks(drawn)) >= 8
    assert legend(intensity_plots.signal([agreement([0.1])] * 2)) == ["lattice 1", "lattice 2"]


def test_the_error_model_before_and_after_by_intensity():
    bins = [ErrorBin(1000.0, 100.0, 9, 4.0, 1.0), ErrorBin(100.0, 10.0, 9, 2.0, 1.1)]
    drawn = intensity_plots.error_model_chart(bins)
    assert legend(drawn) == ["before", "after"]
    titles = re.findall(r"<title>([^<]*)</title>", drawn)
    assert [t.split(": ")[1] for t in titles] == ["4", "2", "1", "1.1"]
    assert float(titles[0].split(":")[0]) == pytest.approx(np.log10(550), abs=1e-3)
    assert 'class="mark"' in drawn


def test_intensities_below_zero_have_a_place_on_a_logarithmic_axis():
    assert "nan" not in intensity_plots.error_model_chart([ErrorBin(-5.0, -9.0, 9, 1.0, 1.0)])


def test_the_l_test_lies_between_a_single_crystal_and_a_perfect_twin():
    x = np.linspace(0, 1, 11)
    drawn = intensity_plots.l_test_chart(TwinningTest(900, 0.45, 0.3, 1.8, x, 0.5 * (x + 0.5 * x * (3 - x**2)), 2.0))
    assert legend(drawn) == ["measured", "single crystal", "perfect twin"]
    measured, single, twin = (heights(drawn, colour) for colour in (0, 5, 1))
    assert all(t <= m <= s for t, m, s in zip(twin, measured, single, strict=True))
    assert single[0] == pytest.approx(twin[0])
    assert single[-1] == pytest.approx(twin[-1])


def test_a_curve_knows_whose_images_it_counts():
    """A point of it leads to an image of that sweep."""
    names = ["native", "peak lattice 1", "peak lattice 2"]
    assert [plots.sweep_number(n, names) for n in range(3)] == [0, 1, 1]
    assert plots.sweep_number(2, []) == 0
    drawn = plots.scales([images()] * 3, names).chart
    assert [series.sweep for series in drawn.series] == [0, 1, 1]
    assert [series.sweep for series in chart_of(chart_facts(drawn)).series] == [0, 1, 1]
