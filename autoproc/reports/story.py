"""What was done and found, line by line, in words: for summary.txt and for the report."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from autoproc.damage.text import of_crystal, which_suffer
from autoproc.damage.text import sentences as damage_sentences
from autoproc.geometry.detector import beam_centre_px
from autoproc.geometry.edge import Reach, reach_of
from autoproc.models.experiment import Experiment
from autoproc.models.reflections import Flag
from autoproc.models.space_group import symbol
from autoproc.reports.by_wavelength import merged_statistics
from autoproc.reports.by_wavelength import sentences as of_each_wavelength
from autoproc.reports.data_sets import in_words, sentences
from autoproc.reports.expectations import expectations
from autoproc.reports.how_far import anomalous_words, by_direction, resolution_words
from autoproc.reports.tables import cell_cells
from autoproc.scaling.left_out import MOST_REASONS, reasons_left_out, within_limit
from autoproc.stages.determine_symmetry import SymmetryResult
from autoproc.stages.pipeline import Processing
from autoproc.symmetry.doubts import resting_on_few
from autoproc.wording import angstrom, counted, images_in_words

NOTABLE = 0.001
"""Part of the observations below which a peculiarity is not worth a word."""
SAME_METRIC = 0.5
"""Degrees by which a cell may miss a lattice symmetry that it suggests."""
NOT_DENIED = 0.1
"""Likelihood of a higher symmetry, beside that of the chosen one, from which it is not excluded."""
FEW_LEFT_OUT = 0.01
"""Part of the observations below which it needs no reason that they were left out."""


@dataclass(frozen=True, slots=True)
class StoryLine:
    """One fact or result; stage : what it came from, "" where it goes on from the line above."""

    label: str
    text: str
    stage: str = ""


def story(p: Processing) -> list[StoryLine]:
    """The lines of every stage that was reached."""
    parts: Sequence[Callable[[Processing], list[StoryLine]]] = (
        _images, _geometry, _spots, _lattices, _refinement, _integration, _symmetry, _identity, _scaling, _damage,
        _resolution, _merging,
    )  # fmt: skip
    return [line for part in parts for line in part(p)]


def detector_reach(p: Processing) -> Reach:
    """How far the detector reaches, by the refined geometry where there is one."""
    known = p.refined.experiments[0] if p.refined is not None and p.refined.experiments else p.experiment
    return reach_of(known.detector, known.beam)


def _images(p: Processing) -> list[StoryLine]:
    if p.data_sets:
        lines = [StoryLine("" if n else "Data sets", words) for n, words in enumerate(sentences(p.data_sets))]
        lines += [StoryLine("" if n else "Wavelengths", words) for n, words in enumerate(of_each_wavelength(p))]
        return [StoryLine("Together", in_words(p.data_sets), "combine"), *lines]
    scan = p.experiment.scan
    (first, last), (start, width) = scan.image_range, scan.oscillation
    exposure = ""
    if scan.exposure_times is not None and len(scan.exposure_times) and scan.exposure_times[0] > 0:
        exposure = f", {scan.exposure_times[0]:g} s each"
    end = start + scan.n_images * width
    n_unread = 0 if p.found is None else p.found.n_unread
    count = images_in_words(scan.n_images, scan.n_images - n_unread)
    lines = [
        StoryLine(
            "Images", f"{count} ({first} to {last}) of {width:g} deg, {start:g} to {end:g} deg{exposure}", "import"
        )
    ]
    if p.experiment.imageset is not None:
        lines.append(StoryLine("", p.experiment.imageset.template))
    return lines


def _geometry(p: Processing) -> list[StoryLine]:
    if p.data_sets:
        return []
    lines = [StoryLine("Geometry", _geometry_words(p.experiment))]
    reach = detector_reach(p)
    whole = f"whole rings to {angstrom(reach.inscribed)} A, " if reach.inscribed is not None else ""
    lines.append(StoryLine("Detector", f"{whole}corners at {angstrom(reach.corner)} A"))
    return [*lines, *(StoryLine("" if n else "Notes", remark) for n, remark in enumerate(p.experiment.remarks))]


def _geometry_words(experiment: Experiment) -> str:
    fast, slow = beam_centre_px(experiment.detector, experiment.beam)
    return (
        f"distance {experiment.detector[0].distance:.2f} mm, wavelength {experiment.beam.wavelength:.5f} A, "
        f"beam centre {fast:.1f} {slow:.1f} px"
    )


def _spots(p: Processing) -> list[StoryLine]:
    if p.found is None:
        return []
    n, images = len(p.found.reflections), len(p.found.spots_per_image) - p.found.n_unread
    usual = f", {np.median(p.found.spots_per_image):.0f} on a usual image" if images else ""
    hot = len(p.found.hot_pixels)
    left_out = f"; {counted(hot, 'hot pixel')} left out" if hot else ""
    return [StoryLine("Spots", f"{n} on {counted(images, 'image')}{usual}{left_out}", "find_spots")]


def _lattices(p: Processing) -> list[StoryLine]:
    if p.indexed is None:
        return []
    indexed = p.indexed
    what = "one lattice" if indexed.n_lattices == 1 else f"{indexed.n_lattices} lattices"
    counts = "" if indexed.n_lattices == 1 else ": " + " and ".join(f"{n}" for n in indexed.n_per_lattice) + " spots"
    lines = [StoryLine("Indexing", f"{indexed.fraction_indexed:.1%} of the spots, {what}{counts}", "index")]
    lines += [
        StoryLine(
            "",
            f"lattice {r.second + 1} is turned by {r.angle:.1f} degrees against lattice {r.first + 1}, "
            f"by symmetry the same as {r.widest_angle:.1f}",
        )
        for r in indexed.rotations
    ]
    return lines


def _refinement(p: Processing) -> list[StoryLine]:
    if p.refined is None:
        return []
    lines = []
    for n, rmsd in enumerate(p.refined.rmsds):
        lattice = f" (lattice {n + 1})" if len(p.refined.rmsds) > 1 else ""
        lines.append(
            StoryLine(
                "Refinement" if not n else "",
                f"RMSD {rmsd.x_px:.3f} {rmsd.y_px:.3f} px, {rmsd.z_images:.3f} images over {rmsd.n} spots{lattice}",
                "" if n else "refine",
            )
        )
    first = p.refined.experiments[0]
    lines.append(StoryLine("", _geometry_words(first)))
    for n, experiment in enumerate(p.refined.experiments):
        if experiment.crystal is not None:
            cell = " ".join(cell_cells(experiment.crystal))
            group = experiment.crystal.space_group
            kind = "cell without symmetry" if group.number == 1 else f"cell of {symbol(group)}"
            lines.append(StoryLine("", f"{kind} {cell}" if not n else f"lattice {n + 1} {cell}"))
    return lines


def _identity(p: Processing) -> list[StoryLine]:
    """Whose crystal it may be by its cell: never more than a hint."""
    return [StoryLine("" if n else "Identity", one.words) for n, one in enumerate(expectations(p))]


def _integration(p: Processing) -> list[StoryLine]:
    if p.integrated is None:
        return []
    rows, untrusted = p.integrated.reflections, p.integrated.untrusted
    n = len(rows)
    lines = [
        StoryLine(
            "Integration",
            f"{counted(n, 'observation')}; mosaicity (sigma) "
            + " and ".join(f"{np.degrees(s.sigma_m):.3f}" for s in p.integrated.shapes)
            + " degrees",
            "integrate",
        )
    ]
    told = []
    if untrusted.shadowed_fraction > 0:
        told.append(f"{untrusted.shadowed_fraction:.2%} of the detector in shadow")
    if untrusted.n_hot:
        told.append(counted(untrusted.n_hot, "hot pixel"))
    for flag, words in ((Flag.OVERLAPPED_FG, "overlap a neighbour"), (Flag.OVERLOADED, "have overloaded pixels")):
        count = int(np.count_nonzero(rows.has_flag(flag))) if n else 0
        if count > NOTABLE * n:
            told.append(f"{count / n:.1%} of the observations {words}")
    return [*lines, StoryLine("", "; ".join(told))] if told else lines


def _symmetry(p: Processing) -> list[StoryLine]:
    if p.symmetry is None:
        return []
    s = p.symmetry
    group, laue = symbol(s.space_group), symbol(s.laue_group)
    known = ", as it was given" if s.is_given else ""
    lines = [StoryLine("Symmetry", f"{group}{known}; Laue group {laue}, probability {s.probability:.3f}", "symmetry")]
    if s.new_axes:
        lines.append(StoryLine("", s.new_axes))
    if s.absences.centre is not None and not s.is_given:
        likelihood = f"likelihood {s.absences.candidates[0].score:.3f}"
        lines.append(StoryLine("", f"{likelihood} of all space groups of this Laue class, as for a small molecule"))
    if s.untold:
        lines.append(StoryLine("", f"these data cannot tell it from {' or '.join(s.untold)}"))
    few = "" if s.is_given else resting_on_few(s.space_group, s.absences)
    lines += [StoryLine("", few)] if few else []
    higher = _higher_symmetry(s)
    return [*lines, StoryLine("", higher)] if higher else lines


def _higher_symmetry(s: SymmetryResult) -> str:
    """What the cell alone would allow, and what the intensities say to it; empty where it allows no more."""
    chosen = set(s.best.subgroup.members)
    higher = [g for g in s.subgroups if set(g.subgroup.members) > chosen and g.subgroup.delta < SAME_METRIC]
    if not higher:
        return ""
    highest = max(higher, key=lambda g: len(g.subgroup.members))
    allowed = (
        f"the cell would allow {symbol(highest.subgroup.patterson)} (it misses it by {highest.subgroup.delta:.2f} deg)"
    )
    if s.is_given:
        return f"{allowed}, but the symmetry was given"
    if max(g.likelihood for g in higher) > NOT_DENIED * s.best.likelihood:
        return f"{allowed}; the intensities are too few or too poor to deny it (CC {s.best.cc_against:.2f})"
    return f"{allowed}; the intensities deny it (CC {s.best.cc_against:.2f} of what it would make equal)"


def _scaling(p: Processing) -> list[StoryLine]:
    if p.scaled is None:
        return []
    overall = p.scaled.statistics.overall
    n_within = int(np.count_nonzero(within_limit(p.scaled)))
    outliers = counted(p.scaled.n_outliers, "outlier")
    lines = [
        StoryLine(
            "Scaling",
            f"{p.scaled.n_scaled} of {n_within} observations to {angstrom(overall.d_min)} A used, "
            f"{outliers}; {p.scaled.errors_in_words}",
            "scale",
        )
    ]
    kept = p.scaled.start.params.keep_first
    if kept < 1:
        lines.append(StoryLine("", f"the first {kept:.0%} of the images used; the others are left out, as damaged"))
    reasons = reasons_left_out(p.scaled)[:MOST_REASONS]
    if sum(n for _, n in reasons) > FEW_LEFT_OUT * n_within:
        lines.append(StoryLine("", "left out: " + ", ".join(f"{n} {why}" for why, n in reasons)))
    n_absent = p.scaled.n_scaled - overall.n_observations
    if n_absent > 0:
        are = "is" if n_absent == 1 else "are"
        lines.append(StoryLine("", f"{n_absent} of those used {are} systematically absent and not merged"))
    if p.scaled.blank_images:
        lines.append(StoryLine("", f"{counted(len(p.scaled.blank_images), 'image')} without signal left out"))
    lines += [StoryLine("", f"{words}: left out") for words in p.scaled.odd_image_words]
    return lines


def _damage(p: Processing) -> list[StoryLine]:
    if p.damage is None:
        return []
    lines = [StoryLine("Damage", "; ".join(damage_sentences(p.damage)), "damage_analysis")]
    lines += [StoryLine("", f"{words}; what each took:") for words in which_suffer(p.damage.crystals)]
    return lines + [StoryLine("", of_crystal(one)) for one in p.damage.crystals]


def _resolution(p: Processing) -> list[StoryLine]:
    """How far the data go, why, and how far there is an anomalous signal."""
    if p.scaled is None:
        return []
    limit, *more = resolution_words(p)
    lines = [StoryLine("Resolution", limit, "estimate_resolution"), *(StoryLine("", words) for words in more)]
    for n, words in enumerate(by_direction(p)):
        lines.append(StoryLine("", words) if n else StoryLine("Anisotropy", words, "anisotropy"))
    return [*lines, StoryLine("Anomalous", anomalous_words(merged_statistics(p)))]


def _merging(p: Processing) -> list[StoryLine]:
    if p.merged is None:
        return []
    b = f"; Wilson B {p.merged.wilson_b:.1f} A^2" if np.isfinite(p.merged.wilson_b) else ""
    free = np.mean(p.merged.free_r == 0) if len(p.merged) else 0.0
    return [StoryLine("Merging", f"{len(p.merged)} unique reflections, {free:.1%} of them for free R{b}", "merge"),
            *([StoryLine("", p.merged.remark)] if p.merged.remark else [])]  # fmt: skip
