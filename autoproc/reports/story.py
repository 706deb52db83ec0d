"""What was done and found, line by line, in words: for summary.txt and for the report."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from autoproc.geometry.detector import beam_centre_px
from autoproc.geometry.edge import reach_of
from autoproc.models.experiment import Experiment
from autoproc.models.reflections import Flag
from autoproc.reports.tables import cell_cells
from autoproc.scaling.result import ScaleResult
from autoproc.stages.determine_symmetry import SymmetryResult
from autoproc.stages.pipeline import Processing

ANOMALOUS_CC = 0.3
"""Anomalous correlation of half sets above which a shell holds signal."""
NOTABLE = 0.001
"""Part of the observations below which a peculiarity is not worth a word."""
FEWEST_FOR_ISA = 30
"""Observations with repeats below which the error model is not fitted."""


@dataclass(frozen=True, slots=True)
class Line:
    """One fact or result; stage : what it came from, "" where it goes on from the line above."""

    label: str
    text: str
    stage: str = ""


def story(p: Processing) -> list[Line]:
    """The lines of every stage that was reached."""
    parts: Sequence[Callable[[Processing], list[Line]]] = (
        _images, _geometry, _spots, _lattices, _refinement, _integration, _symmetry, _scaling, _resolution, _merging,
    )  # fmt: skip
    return [line for part in parts for line in part(p)]


def known_isa(scaled: ScaleResult) -> float | None:
    """ISa where the error model was fitted; None where there were too few repeated observations."""
    fitted = sum(b.n for b in scaled.error_bins) >= FEWEST_FOR_ISA
    return scaled.isa if fitted and np.isfinite(scaled.isa) else None


def alternatives_of(symmetry: SymmetryResult) -> list[str]:
    """Space groups that the data cannot tell from the chosen one, each once, whatever its axes are called."""
    return list(dict.fromkeys(g.xhm() for g in symmetry.alternatives if g.number != symmetry.space_group.number))


def _images(p: Processing) -> list[Line]:
    scan = p.experiment.scan
    (first, last), (start, width) = scan.image_range, scan.oscillation
    exposure = ""
    if scan.exposure_times is not None and len(scan.exposure_times) and scan.exposure_times[0] > 0:
        exposure = f", {scan.exposure_times[0]:g} s each"
    end = start + scan.n_images * width
    n_unread = 0 if p.found is None else p.found.n_unread
    count = f"{scan.n_images - n_unread} of {scan.n_images}" if n_unread else f"{scan.n_images}"
    lines = [
        Line("Images", f"{count} ({first} to {last}) of {width:g} deg, {start:g} to {end:g} deg{exposure}", "import")
    ]
    if p.experiment.imageset is not None:
        lines.append(Line("", p.experiment.imageset.template))
    return lines


def _geometry(p: Processing) -> list[Line]:
    lines = [Line("Geometry", _geometry_words(p.experiment))]
    reach = reach_of(p.experiment.detector, p.experiment.beam)
    whole = f"whole rings to {reach.inscribed:.2f} A, " if reach.inscribed is not None else ""
    lines.append(Line("Detector", f"{whole}corners at {reach.corner:.2f} A"))
    return lines


def _geometry_words(experiment: Experiment) -> str:
    fast, slow = beam_centre_px(experiment.detector, experiment.beam)
    return (
        f"distance {experiment.detector[0].distance:.2f} mm, wavelength {experiment.beam.wavelength:.5f} A, "
        f"beam centre {fast:.1f} {slow:.1f} px"
    )


def _spots(p: Processing) -> list[Line]:
    if p.found is None:
        return []
    n, images = len(p.found.reflections), len(p.found.spots_per_image) - p.found.n_unread
    usual = f", {np.median(p.found.spots_per_image):.0f} on a usual image" if images else ""
    hot = len(p.found.hot_pixels)
    left_out = f"; {hot} hot pixel{'s' if hot > 1 else ''} left out" if hot else ""
    return [Line("Spots", f"{n} on {images} images{usual}{left_out}", "find_spots")]


def _lattices(p: Processing) -> list[Line]:
    if p.indexed is None:
        return []
    indexed = p.indexed
    what = "one lattice" if indexed.n_lattices == 1 else f"{indexed.n_lattices} lattices"
    counts = "" if indexed.n_lattices == 1 else ": " + " and ".join(f"{n}" for n in indexed.n_per_lattice) + " spots"
    lines = [Line("Indexing", f"{indexed.fraction_indexed:.1%} of the spots, {what}{counts}", "index")]
    lines += [
        Line("", f"lattice {r.second + 1} is turned by {r.angle:.1f} degrees against lattice {r.first + 1}, "
                 f"by symmetry the same as {r.widest_angle:.1f}")
        for r in indexed.rotations
    ]  # fmt: skip
    return lines


def _refinement(p: Processing) -> list[Line]:
    if p.refined is None:
        return []
    lines = []
    for n, rmsd in enumerate(p.refined.rmsds):
        lattice = f" (lattice {n + 1})" if len(p.refined.rmsds) > 1 else ""
        lines.append(
            Line("Refinement" if not n else "", f"RMSD {rmsd.x_px:.3f} {rmsd.y_px:.3f} px, {rmsd.z_images:.3f} images "
                 f"over {rmsd.n} spots{lattice}", "" if n else "refine")
        )  # fmt: skip
    first = p.refined.experiments[0]
    lines.append(Line("", _geometry_words(first)))
    for n, experiment in enumerate(p.refined.experiments):
        if experiment.crystal is not None:
            cell = " ".join(cell_cells(experiment.crystal))
            lines.append(Line("", f"cell without symmetry {cell}" if not n else f"lattice {n + 1} {cell}"))
    return lines


def _integration(p: Processing) -> list[Line]:
    if p.integrated is None:
        return []
    rows, untrusted = p.integrated.reflections, p.integrated.untrusted
    n = len(rows)
    lines = [Line("Integration", f"{n} observations; mosaicity (sigma) "
                  + " and ".join(f"{np.degrees(s.sigma_m):.3f}" for s in p.integrated.shapes) + " degrees",
                  "integrate")]  # fmt: skip
    told = []
    if untrusted.shadowed_fraction > 0:
        told.append(f"{untrusted.shadowed_fraction:.2%} of the detector in shadow")
    if untrusted.n_hot:
        told.append(f"{untrusted.n_hot} hot pixels")
    for flag, words in ((Flag.OVERLAPPED_FG, "overlap a neighbour"), (Flag.OVERLOADED, "have overloaded pixels")):
        count = int(np.count_nonzero(rows.has_flag(flag))) if n else 0
        if count > NOTABLE * n:
            told.append(f"{count / n:.1%} of the observations {words}")
    return [*lines, Line("", "; ".join(told))] if told else lines


def _symmetry(p: Processing) -> list[Line]:
    if p.symmetry is None:
        return []
    s = p.symmetry
    group, laue = s.space_group.xhm(), s.laue_group.xhm()
    known = ", as it was given" if s.is_given else ""
    lines = [Line("Symmetry", f"{group}{known}; Laue group {laue}, probability {s.probability:.3f}", "symmetry")]
    if s.alternatives:
        others = " or ".join(alternatives_of(s))
        lines.append(Line("", f"these data cannot tell it from {others}"))
    return lines


def _scaling(p: Processing) -> list[Line]:
    if p.scaled is None:
        return []
    isa = known_isa(p.scaled)
    known = f"ISa {isa:.1f}" if isa is not None else "too few repeats to estimate ISa"
    lines = [Line("Scaling", f"{p.scaled.n_scaled} of {_within_limit(p.scaled)} observations to "
                  f"{p.scaled.statistics.overall.d_min:.2f} A used, {p.scaled.n_outliers} outliers; {known}",
                  "scale")]  # fmt: skip
    if p.scaled.blank_images:
        lines.append(Line("", f"{len(p.scaled.blank_images)} images without signal left out"))
    return lines


def _within_limit(scaled: ScaleResult) -> int:
    """Observations given to scaling within its resolution limit."""
    if "d" not in scaled.reflections:
        return scaled.n_given
    return int(np.count_nonzero(scaled.reflections["d"] >= scaled.statistics.overall.d_min * 0.9999))


def _resolution(p: Processing) -> list[Line]:
    if p.scaled is None or p.resolution is None:
        return []
    r, used = p.resolution, p.scaled.statistics.overall.d_min
    if r.limited_by_data:
        how = f"the end of the data: CC1/2 is still above {r.cc_limit:g} there"
    elif abs(used - r.d_min) < 0.02 * used:
        how = f"where the fitted CC1/2 falls to {r.cc_limit:g}; measured to {r.edge:.2f} A"
    else:
        how = f"as asked for; the fitted CC1/2 falls to {r.cc_limit:g} at {r.d_min:.2f} A"
    return [Line("Resolution", f"{used:.2f} A, {how}", "estimate_resolution"), *_anomalous(p.scaled)]


def _anomalous(scaled: ScaleResult) -> list[Line]:
    limit = None
    for shell in scaled.statistics.shells:
        if shell.cc_anom is None or shell.cc_anom < ANOMALOUS_CC or not shell.cc_anom_significant:
            break
        limit = shell.d_min
    words = f"signal to {limit:.2f} A (CCanom above {ANOMALOUS_CC:g})" if limit is not None else "no significant signal"
    return [Line("Anomalous", words)]


def _merging(p: Processing) -> list[Line]:
    if p.merged is None:
        return []
    b = f"; Wilson B {p.merged.wilson_b:.1f} A^2" if np.isfinite(p.merged.wilson_b) else ""
    free = np.mean(p.merged.free_r == 0) if len(p.merged) else 0.0
    return [Line("Merging", f"{len(p.merged)} unique reflections, {free:.1%} of them for free R{b}", "merge")]
