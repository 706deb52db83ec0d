"""report.html: one self-contained page for a sweep."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from autoproc.merging.by_image import agreement_by_image
from autoproc.merging.twinning import l_test
from autoproc.models.data_set_names import names_in_group
from autoproc.reports import captions, maps, plots, resolution_plots, tables
from autoproc.reports.by_wavelength import merged_statistics, wavelengths_table
from autoproc.reports.collected import collected
from autoproc.reports.damage_page import damage_section
from autoproc.reports.data_sets import data_sets_table, reasons_table
from autoproc.reports.deviation_maps import deviation_maps
from autoproc.reports.direction_plots import limits_chart
from autoproc.reports.intensity_plots import agreement, error_model_chart, l_test_chart, signal
from autoproc.reports.journal import decisions_that_stand
from autoproc.reports.outliers import outliers_table
from autoproc.reports.page import Figure, Section, render
from autoproc.reports.quality import is_macromolecular
from autoproc.reports.story import detector_reach, story
from autoproc.reports.table import Table
from autoproc.reports.told_by_visit import told_lines
from autoproc.stages.pipeline import Processing
from autoproc.threads import map_in_order
from autoproc.wording import images_in_words

USED_SPOTS = "stage=refined&words=used+in+refinement&order=residual"
"""What the image viewer is asked for to list the spots that are in a cell of the map of deviations, the worst first."""
LATTICES_SHOWN = 3
"""Lattices with plots of their own; more would bury the others."""


@dataclass(frozen=True, slots=True)
class Report:
    """What is told of a sweep beside its summary.

    images : how many; journal : (label, text, seconds) of what was done; collected : (what, value) of the measurement
    """

    images: str | None
    journal: Sequence[tuple[str, str, str]]
    table_one: Table | None
    sections: Sequence[Section]
    collected: Sequence[tuple[str, str]] = ()


def report_of(summary: dict[str, Any], processing: Processing | None) -> Report:
    """The plots of the stages that were reached, and the story."""
    lines = [*told_lines(summary), *(story(processing) if processing is not None else ())]
    n_images = summary["n_images"]
    return Report(
        None if n_images is None else images_in_words(n_images, summary["n_images_used"]),
        [(line.label, line.text, _seconds(summary, line.stage)) for line in lines],
        tables.table_one(merged_statistics(processing)) if processing and processing.scaled else None,
        sections(processing),
        collected(processing.experiment) if processing is not None and not processing.data_sets else (),
    )


def write_report(path: Path, summary: dict[str, Any], report: Report) -> None:
    """Write the page."""
    path.write_text(report_page(summary, report), encoding="utf-8", errors="backslashreplace")


def report_page(summary: dict[str, Any], report: Report) -> str:
    """The page as text; the same results give the same bytes."""
    decided = decisions_that_stand(summary["decisions"])
    return render(
        "report.html", summary=summary, images=report.images, journal=report.journal, table_one=report.table_one,
        sections=report.sections, decided=decided,
        given_up=[d for d in summary["decisions"] if d not in decided],
    )  # fmt: skip


def _seconds(summary: dict[str, Any], stage: str) -> str:
    seconds = summary["timings"].get(stage)
    return "" if seconds is None else f"{seconds:.1f} s"


def sections(p: Processing | None) -> list[Section]:
    """What every stage that was reached has to show; sections without content are left out."""
    if p is None:
        return []
    builders: tuple[Callable[[Processing], Section], ...] = (
        merged_data, data_sets, spots_and_lattices, refinement, scaling, damage, symmetry, integration,
    )  # fmt: skip
    made = map_in_order(lambda build: build(p), builders)
    return [s for s in made if s.figures or s.tables]


def merged_data(p: Processing) -> Section:
    """Statistics against resolution."""
    if p.scaled is None:
        return Section("Data quality")
    statistics, estimate = merged_statistics(p), None if p.by_wavelength else p.resolution
    large = p.merged is not None and is_macromolecular(p.merged)
    figures = [
        Figure("CC\u00bd", captions.cc_half(statistics, estimate), resolution_plots.cc_half(statistics, estimate)),
        Figure("I/\u03c3", captions.i_over_sigma(statistics), resolution_plots.i_over_sigma(statistics)),
        Figure("Completeness", captions.completeness(statistics, detector_reach(p)),
               resolution_plots.completeness(statistics)),
        Figure("R factors", captions.r_factors(statistics), resolution_plots.r_factors(statistics)),
        Figure("Multiplicity", captions.MULTIPLICITY, resolution_plots.multiplicity(statistics)),
        Figure("Wilson plot", captions.wilson(statistics, large), resolution_plots.wilson(statistics)),
    ]  # fmt: skip
    if p.anisotropy is not None:
        used = statistics.overall.d_min
        figures.append(Figure("Resolution by direction", captions.directions(p.anisotropy, used),
                              limits_chart(p.anisotropy, used)))  # fmt: skip
    test = l_test(p.merged) if p.merged is not None and large else None
    if test is not None:
        figures.append(Figure("Twinning", captions.l_test(test), l_test_chart(test)))
    return Section("Data quality", figures, [tables.shells(statistics)])


def data_sets(p: Processing) -> Section:
    """What was put together, and what each data set added."""
    if not p.data_sets:
        return Section("Data sets")
    found = [wavelengths_table(p)] if p.by_wavelength else []
    found += filter(None, (data_sets_table(p.data_sets), reasons_table(p.data_sets)))
    return Section("Data sets", [], found)


def spots_and_lattices(p: Processing) -> Section:
    """Spots by image, and what the lattices are."""
    if p.found is None:
        return Section("Spots and lattices")
    figures, found = [], []
    indexed = None
    if p.indexed is not None:
        table = p.indexed.reflections
        indexed = plots.count_by_image(table, p.experiment, table["experiment_id"] >= 0)
        start = p.found.first_frame
        indexed = indexed[start : start + len(p.found.spots_per_image)]
    if len(p.found.spots_per_image):
        n_indexed = None if indexed is None else int(indexed.sum())
        words = captions.spots_per_image(n_indexed, int(np.sum(p.found.spots_per_image)))
        drawn = plots.spots_per_image(p.found.spots_per_image, p.found.first_image, indexed)
        figures.append(Figure("Spots per image", words, drawn))
    if p.indexed is not None:
        models = p.refined.experiments if p.refined is not None else p.indexed.experiments
        rmsds = p.refined.rmsds if p.refined is not None else p.indexed.rmsds
        found.append(tables.lattices(models, p.indexed.n_per_lattice, rmsds))
        if p.indexed.rotations:
            found.append(tables.rotations(p.indexed.rotations))
    return Section("Spots and lattices", figures, found)


def refinement(p: Processing) -> Section:
    """RMSD, cell and orientation against image."""
    if p.refined is None:
        return Section("Refinement")
    figures = []
    spots, n_lattices = p.refined.reflections, len(p.refined.experiments)
    left_out = f" Drawn are the first {LATTICES_SHOWN} of {n_lattices} lattices." if n_lattices > LATTICES_SHOWN else ""
    for number, experiment in enumerate(p.refined.experiments[:LATTICES_SHOWN]):
        which = f", lattice {number + 1}" if n_lattices > 1 else ""
        words = f"How far spots that refinement used lie from where models put them.{left_out}"
        figures.append(Figure(f"RMSD against image{which}", words, plots.rmsd(experiment, spots, number)))
        if experiment.crystal is not None and experiment.crystal.n_scan_points:
            figures += [
                Figure(f"Cell lengths{which}", captions.cell_lengths(experiment),
                       plots.cell_lengths(experiment)),
                Figure(f"Cell angles{which}", captions.cell_angles(experiment), plots.cell_angles(experiment)),
                Figure(f"Orientation{which}", captions.orientation(experiment), plots.orientation(experiment)),
            ]  # fmt: skip
        used = plots.used_in_refinement(spots, number)
        figures += deviation_maps(spots, used, experiment.detector, which, f"{USED_SPOTS}&lattice={number}")
    return Section("Refinement", figures)


def integration(p: Processing) -> Section:
    """Pixels that were not believed."""
    if p.integrated is None:
        return Section("Integration")
    untrusted = p.integrated.untrusted
    words = captions.untrusted(untrusted)
    drawn = maps.untrusted_map(untrusted.is_shadowed, untrusted.is_hot, p.experiment.detector[0])
    return Section("Integration", [Figure("Shadows and hot pixels", words, drawn, "show=shadow,hot")])


def symmetry(p: Processing) -> Section:
    """Elements, Laue groups and absences."""
    if p.symmetry is None:
        return Section("Symmetry")
    found = [tables.laue_groups(p.symmetry), tables.symmetry_elements(p.symmetry)]
    if p.symmetry.absences.screw_axes or p.symmetry.absences.glide_planes:
        found.append(tables.absent_reflections(p.symmetry))
    found.append(tables.space_groups(p.symmetry))
    return Section("Symmetry", [], found)


def scaling(p: Processing) -> Section:
    """What scaling corrected and left."""
    if p.scaled is None:
        return Section("Scaling")
    images, is_fitted = p.scaled.images, p.scaled.isa is not None
    names = names_in_group(p.scaled.experiments)
    by_image = agreement_by_image(p.scaled.experiments, p.scaled.reflections)
    figures: Sequence[Figure] = [
        Figure("Scale against image", "What the intensities of each image are divided by.",
               plots.scales(images, names)),
        Figure("B against image", captions.decay([one.b for one in images]), plots.decay(images, names)),
        Figure("Left over", "Observed over expected intensity of each image, after scaling.",
               plots.ratios(images, names)),
        Figure("Rmerge against image", captions.agreement(by_image), agreement(by_image, names)),
        Figure("I/\u03c3 against image", "Of single observations.", signal(by_image, names)),
        Figure("Error model", captions.error_model(is_fitted),
               error_model_chart(p.scaled.error_bins)),
    ]  # fmt: skip
    found = [tables.scaling_facts(p.scaled), tables.error_model(p.scaled)]
    worst = outliers_table(p.scaled)
    return Section("Scaling", figures, found if worst is None else [*found, worst])


def damage(p: Processing) -> Section:
    """What radiation did to the crystal."""
    return Section("Damage") if p.damage is None else damage_section(p.damage)
