"""A page of plots for the .expt and .refl files of any stage: what their columns allow."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from autoproc.errors import AutoprocError
from autoproc.geometry.reciprocal import resolution, s1_of_spots
from autoproc.merging.by_image import agreement_by_image
from autoproc.merging.merging_statistics import MergingStatistics, merging_statistics
from autoproc.models.data_set_names import names_in_group
from autoproc.models.experiment import Experiment
from autoproc.models.reflections import Flag, Reflections
from autoproc.models.space_group import symbol
from autoproc.refinement.by_image import crystal_by_image
from autoproc.reports import captions, distribution_plots, intensity_plots, plots, resolution_plots, tables
from autoproc.reports.captions import MULTIPLICITY
from autoproc.reports.deviation_maps import deviation_maps
from autoproc.reports.page import Figure, Section, render
from autoproc.reports.table import Table
from autoproc.scaling.result import ImageScales

MOST_EXPERIMENTS = 6
"""Experiments with plots of their own."""


@dataclass(frozen=True, slots=True, eq=False)
class Data:
    """Experiments and reflections, frames from the start of each scan; d : (N,) Angstrom, NaN where unknown."""

    experiments: Sequence[Experiment]
    reflections: Reflections
    d: np.ndarray

    def __contains__(self, column: str) -> bool:
        return column in self.reflections

    def rows_of(self, number: int) -> np.ndarray:
        """(N,) bool: reflections of one experiment."""
        return self.reflections["experiment_id"] == number

    def name(self, number: int) -> str:
        """Of an experiment, for titles; empty where there is one only."""
        return f", experiment {number}" if len(self.experiments) > 1 else ""


def files_page(title: str, experiments: Sequence[Experiment], reflections: Reflections) -> str:
    """The page as text. reflections : frames counted from the start of each scan."""
    data = Data(experiments, reflections, resolution_of(experiments, reflections))
    builders: tuple[Callable[[Data], Section], ...] = (overview, spots, refinement, intensities, scaling, merging)
    made = [build(data) for build in builders]
    return render("files.html", title=title, sections=[s for s in made if s.figures or s.tables])


def resolution_of(experiments: Sequence[Experiment], reflections: Reflections) -> np.ndarray:
    """(N,) d of each reflection: its column, or from where its spot is."""
    if "d" in reflections:
        return np.asarray(reflections["d"])
    d = np.full(len(reflections), np.nan)
    if "xyz_obs_px" not in reflections or not len(reflections):
        return d
    panel = reflections["panel"] if "panel" in reflections else np.zeros(len(reflections), np.uint64)
    for number, experiment in enumerate(experiments):
        own = experiment_of_each(experiments, reflections) == number
        if own.any():
            s1 = s1_of_spots(experiment.detector, experiment.beam, panel[own], reflections["xyz_obs_px"][own, :2])
            d[own] = resolution(experiment.beam, s1)
    return d


def experiment_of_each(experiments: Sequence[Experiment], reflections: Reflections) -> np.ndarray:
    """(N,) an experiment of the images that each reflection was seen on; unindexed spots too have one."""
    ids = np.asarray(reflections["experiment_id"])
    if not np.any(ids < 0):
        return ids
    images = np.asarray(reflections["imageset_id"]) if "imageset_id" in reflections else np.zeros(len(ids), np.int32)
    known = {int(images[n]): int(ids[n]) for n in np.flatnonzero(ids >= 0)[::-1]}
    fallback = [known.get(int(i), min(max(int(i), 0), len(experiments) - 1)) for i in np.unique(images)]
    return np.where(ids >= 0, ids, np.array(fallback)[np.searchsorted(np.unique(images), images)])


def overview(data: Data) -> Section:
    """Experiments, and how many reflections have which flag."""
    rows = []
    for number, e in enumerate(data.experiments):
        first, last = e.scan.image_range
        crystal = e.crystal
        cell = "\u2013" if crystal is None else " ".join(tables.cell_cells(crystal))
        group = "\u2013" if crystal is None else symbol(crystal.space_group)
        images = e.imageset.template if e.imageset is not None else "\u2013"
        rows.append([str(number), images, f"{first}\u2013{last}", group, cell, str(int(data.rows_of(number).sum()))])
    header = ("experiment", "images", "range", "space group", "cell", "reflections")
    found = [Table("Experiments", header, rows)]
    if "flags" in data and len(data.reflections):
        n = len(data.reflections)
        counts = [(str(f.name).lower(), int(data.reflections.has_flag(f).sum())) for f in Flag]
        flags = [[name, str(count), f"{100 * count / n:.1f}"] for name, count in counts if count]
        found.append(Table("Flags", ("flag", "reflections", "%"), flags))
    return Section("Overview", [], found)


def spots(data: Data) -> Section:
    """Spots against image, and over resolution."""
    if "xyz_obs_px" not in data or not len(data.reflections):
        return Section("Reflections")
    figures, table = [], data.reflections
    sweep = experiment_of_each(data.experiments, table)
    indexed = table["experiment_id"] >= 0 if "hkl" in data else None
    if indexed is not None:
        indexed = indexed & np.any(table["hkl"] != 0, axis=1)
    for number, experiment in enumerate(data.experiments[:MOST_EXPERIMENTS]):
        own = sweep == number
        if not own.any():
            continue
        counts = plots.count_by_image(table, experiment, own)
        good = None if indexed is None else plots.count_by_image(table, experiment, own & indexed)
        drawn = plots.spots_per_image(counts, experiment.scan.image_range[0], good)
        figures.append(Figure(f"Reflections per image{data.name(number)}", "By their observed centroid.", drawn))
    drawn = distribution_plots.counts_by_resolution(data.d, indexed)
    figures.append(Figure("Reflections by resolution", "Ice or salt would make spikes.", drawn))
    return Section("Reflections", figures)


def refinement(data: Data) -> Section:
    """Deviations of spots from predictions; cell and orientation."""
    figures: list[Figure] = []
    for number, experiment in enumerate(data.experiments[:MOST_EXPERIMENTS]):
        which = data.name(number)
        if "xyz_cal_px" in data and "xyz_obs_px" in data and "flags" in data:
            figures += _deviations(data, number, experiment, which)
        if experiment.crystal is not None and experiment.crystal.n_scan_points:
            figures += [
                Figure(f"Cell lengths{which}", captions.cell_lengths(experiment), plots.cell_lengths(experiment)),
                Figure(f"Cell angles{which}", captions.cell_angles(experiment), plots.cell_angles(experiment)),
                Figure(f"Orientation{which}", captions.orientation(experiment), plots.orientation(experiment)),
            ]
    varying = [n for n, e in enumerate(data.experiments) if e.crystal is not None and e.crystal.n_scan_points]
    return Section("Models", figures, [_cell_ranges(data, varying)] if varying else [])


def _deviations(data: Data, number: int, experiment: Experiment, which: str) -> list[Figure]:
    table = data.reflections
    used = plots.used_in_refinement(table, number)
    if not used.any():
        return []
    difference = (table["xyz_cal_px"] - table["xyz_obs_px"])[used]
    figures = [
        Figure(f"RMSD against image{which}", "Of the spots that refinement used.",
               plots.rmsd(experiment, table, number)),
        Figure(f"Deviations{which}", "In units of their standard deviations.",
               distribution_plots.deviations(difference)),
    ]  # fmt: skip
    return figures + (deviation_maps(table, used, experiment.detector, which) if "panel" in data else [])


def _cell_ranges(data: Data, numbers: Sequence[int]) -> Table:
    rows = []
    for number in numbers:
        cells = crystal_by_image(data.experiments[number]).cell
        spans = [f"{low:.3f}\u2013{high:.3f}" for low, high in zip(cells.min(0), cells.max(0), strict=True)]
        rows.append([str(number), *spans])
    header = (
        "experiment",
        "a (\u00c5)",
        "b (\u00c5)",
        "c (\u00c5)",
        "\u03b1 (\u00b0)",
        "\u03b2 (\u00b0)",
        "\u03b3 (\u00b0)",
    )
    return Table("Range of the cell over the scan", header, rows)


def intensities(data: Data) -> Section:
    """Distributions of intensities and of what was measured with them."""
    table = data.reflections
    kinds = {"profile fitting": "prf", "summation": "sum"}
    present = {label: k for label, k in kinds.items() if f"intensity_{k}" in data and f"variance_{k}" in data}
    if not present or not len(table):
        return Section("Intensities")
    values, ratios = {}, {}
    for label, kind in present.items():
        value, variance = table[f"intensity_{kind}"], table[f"variance_{kind}"]
        good = variance > 0
        values[label] = np.where(good, value, np.nan)
        ratios[label] = np.where(good, value / np.sqrt(np.where(good, variance, 1.0)), np.nan)
    figures = [
        Figure("Intensities", "As measured, uncorrected; those above zero.", distribution_plots.intensities(values)),
        Figure("I/\u03c3 of observations", "Mean in shells.",
               distribution_plots.mean_by_resolution(data.d, ratios, "mean I/\u03c3(I)")),
    ]  # fmt: skip
    if "background_mean" in data:
        drawn = distribution_plots.mean_by_resolution(data.d, {"": table["background_mean"]}, "photons per pixel")
        figures.append(Figure("Background", "Mean under the reflections of each shell.", drawn))
    if "profile_correlation" in data:
        drawn = distribution_plots.mean_by_resolution(data.d, {"": table["profile_correlation"]}, "correlation")
        figures.append(Figure("Profile correlation", "Of pixels with the reference profile.", drawn))
    if "partiality" in data:
        drawn = distribution_plots.fractions(table["partiality"], "partiality", 0.0, 1.0)
        figures.append(Figure("Partiality", "Fraction of the rocking curve recorded.", drawn))
    return Section("Intensities", figures)


def scaling(data: Data) -> Section:
    """Scales, and agreement against image."""
    table = data.reflections
    if "inverse_scale" not in data or "xyz_cal_px" not in data or not len(table):
        return Section("Scaling")
    scales = []
    for number, experiment in enumerate(data.experiments):
        rows = data.rows_of(number) & (table["inverse_scale"] > 0) & ~table.has_any_flag(Flag.BAD_FOR_SCALING)
        n = experiment.scan.n_images
        frame = np.clip(table["xyz_cal_px"][rows, 2].astype(int), 0, n - 1)
        count = np.bincount(frame, minlength=n)
        mean = np.bincount(frame, table["inverse_scale"][rows], n) / np.where(count > 0, count, np.nan)
        image = experiment.scan.image_range[0] + np.arange(n)
        scales.append(ImageScales(image, mean, np.zeros(n), np.full(n, np.nan)))
    words, names = "Mean inverse scale of the observations of each image.", names_in_group(data.experiments)
    figures = [Figure("Scale against image", words, plots.scales(scales, names))]
    if "intensity_scale" in data and all(e.crystal is not None for e in data.experiments):
        by_image = agreement_by_image(data.experiments, table)
        figures += [
            Figure("Rmerge against image", captions.agreement(by_image), intensity_plots.agreement(by_image, names)),
            Figure("I/\u03c3 against image", "Of single observations.", intensity_plots.signal(by_image, names)),
        ]
    return Section("Scaling", figures)


def merging(data: Data) -> Section:
    """Statistics of scaled data against resolution."""
    statistics = _statistics(data)
    if statistics is None:
        return Section("Merging")
    figures = [
        Figure("CC\u00bd", captions.cc_half(statistics, None), resolution_plots.cc_half(statistics, None)),
        Figure("I/\u03c3", captions.i_over_sigma(statistics), resolution_plots.i_over_sigma(statistics)),
        Figure("Completeness", captions.completeness(statistics, None), resolution_plots.completeness(statistics)),
        Figure("R factors", captions.r_factors(statistics), resolution_plots.r_factors(statistics)),
        Figure(
            "Multiplicity",
            MULTIPLICITY,
            resolution_plots.multiplicity(statistics),
        ),
        Figure("Wilson plot", captions.wilson(statistics, False), resolution_plots.wilson(statistics)),
    ]
    return Section("Merging", figures, [tables.table_one(statistics), tables.shells(statistics)])


def _statistics(data: Data) -> MergingStatistics | None:
    """None where the reflections are not scaled, or nothing is left of them."""
    needed = ("intensity_scale", "variance_scale", "inverse_scale", "hkl", "flags")
    if not all(name in data for name in needed) or not any(e.crystal is not None for e in data.experiments):
        return None
    try:
        return merging_statistics(data.experiments, data.reflections)
    except AutoprocError:
        return None
