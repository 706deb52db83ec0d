"""The report's tables: rows of text from the results of the stages."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from autoproc.indexing.lattices import LatticeRotation
from autoproc.merging.merging_statistics import MergingStatistics, ShellStatistics
from autoproc.merging.tables import NAMES, ROWS, figure_of, notes
from autoproc.models.crystal import Crystal
from autoproc.models.experiment import Experiment
from autoproc.models.space_group import symbol
from autoproc.refinement.rounds import Rmsd
from autoproc.reports.table import NOTHING, Table, text
from autoproc.scaling.result import ScaleResult
from autoproc.stages.determine_symmetry import SymmetryResult
from autoproc.symmetry.absences import ScrewAxis
from autoproc.symmetry.glide_plane import GlidePlane
from autoproc.symmetry.reindex import format_basis
from autoproc.symmetry.report import LEAST_TOLD, spaced
from autoproc.wording import Form, angstrom, with_uncertainty


def table_one(statistics: MergingStatistics) -> Table:
    """Table 1: overall, low and high shell."""
    rows = []
    shells = (statistics.overall, statistics.inner, statistics.outer)
    for label, field, form in ROWS:
        sources = (statistics,) if hasattr(statistics, field) else shells
        values = [figure_of(source, field, form, NOTHING) for source in sources]
        rows.append([label, *values, *[""] * (3 - len(values))])
    return Table("Table 1", ("", "Overall", "Low", "High"), rows, " ".join((NAMES, *notes(shells))))


SHELL_COLUMNS: tuple[tuple[str, str, Form], ...] = (
    ("d max", "d_max", angstrom), ("d min", "d_min", angstrom), ("obs", "n_observations", "{:d}"),
    ("unique", "n_unique", "{:d}"), ("mult", "multiplicity", "{:.2f}"), ("compl %", "completeness", "{:.1f}"),
    ("mean I", "mean_intensity", "{:z.1f}"), ("I/\u03c3", "i_over_sigma", "{:z.1f}"), ("Rmerge", "r_merge", "{:.3f}"),
    ("Rmeas", "r_meas", "{:.3f}"), ("Rpim", "r_pim", "{:.3f}"), ("Ranom", "r_anom", "{:.3f}"),
    ("CC\u00bd", "cc_half", "{:.3f}"), ("CCano", "cc_anom", "{:.3f}"),
)  # fmt: skip


def shells(statistics: MergingStatistics) -> Table:
    """One row for each shell, and one for all."""

    def row(shell: ShellStatistics) -> list[str]:
        cells = [figure_of(shell, field, form, NOTHING) for _, field, form in SHELL_COLUMNS]
        cells[-2] += "*" * shell.cc_half_significant
        cells[-1] += "*" * shell.cc_anom_significant
        return cells

    every = [row(shell) for shell in (*statistics.shells, statistics.overall)]
    is_starred = any("*" in cell for cells in every for cell in cells)
    words = "The last line is all shells together." + " An asterisk: significant at the 1% level." * is_starred
    words = " ".join((words, *notes((*statistics.shells, statistics.overall))))
    views = [*map(_view, statistics.shells), ""]
    return Table("Resolution shells", [c[0] for c in SHELL_COLUMNS], every, words, len(every) - 1, views)


def _view(shell: ShellStatistics) -> str:
    """A shell's reflections, those first that lie farthest from their equivalents."""
    return f"stage=scaled&d={_outwards(shell.d_max, math.ceil)},{_outwards(shell.d_min, math.floor)}&order=deviation"


def _outwards(d: float, rounded: Callable[[float], int]) -> str:
    """With so few digits that it can be read, and no reflection of the edge is lost."""
    return f"{rounded(d * 1e4) / 1e4:.4f}"


def lattices(experiments: Sequence[Experiment], counts: Sequence[int], rmsds: Sequence[Rmsd]) -> Table:
    """Cell, spots and RMSD of each lattice."""
    rows = []
    for number, experiment in enumerate(experiments):
        if experiment.crystal is None:
            continue
        rmsd = rmsds[number] if number < len(rmsds) else None
        deviations = ["\u2013"] * 3 if rmsd is None else [f"{v:.3f}" for v in (rmsd.x_px, rmsd.y_px, rmsd.z_images)]
        n = str(counts[number]) if number < len(counts) else "\u2013"
        rows.append([str(number + 1), *cell_cells(experiment.crystal), n, *deviations])
    lengths = [f"{name} (\u00c5)" for name in "abc"]
    angles = [f"{name} (\u00b0)" for name in "\u03b1\u03b2\u03b3"]
    header = ("lattice", *lengths, *angles, "spots", "RMSD x (px)", "y (px)", "z (images)")
    crystals = [e.crystal for e in experiments if e.crystal is not None]
    words = "Cells as they were refined against the spots"
    if all(c.space_group.number == 1 for c in crystals):
        words += ", without symmetry"
    if any(c.cell_esd for c in crystals):
        words += "; standard uncertainties of the last digits in brackets"
    return Table("Lattices", header, rows, f"{words}.")


def cell_cells(crystal: Crystal) -> list[str]:
    """Six parameters with their uncertainties."""
    esds = crystal.cell_esd or (0.0,) * 6
    return [with_uncertainty(v, s) if s > 0 else f"{v:.3f}" for v, s in zip(crystal.cell, esds, strict=True)]


def rotations(found: Sequence[LatticeRotation]) -> Table:
    """How the lattices are turned against the first."""

    def row(r: LatticeRotation) -> list[str]:
        axes = [" ".join(f"{x + 0.0:.3f}" for x in axis) for axis in (r.axis, r.widest_axis)]
        return [f"{r.first + 1} \u2192 {r.second + 1}", f"{r.angle:.2f}", axes[0], f"{r.widest_angle:.2f}", axes[1]]

    header = ("lattices", "angle (\u00b0)", "about", "equivalent to (\u00b0)", "about")
    words = (
        "The smallest rotation that brings one onto the other, and the widest of its equivalents: near 180\u00b0 the "
        "crystal is split by a two-fold that is not its own."
    )
    return Table("Rotation between lattices", header, [row(r) for r in found], words)


def symmetry_elements(symmetry: SymmetryResult) -> Table:
    """The score of each rotation of the lattice."""
    rows = [
        [f"{e.order} | ({', '.join(map(str, e.axis))})", f"{e.likelihood:.3f} {e.stars}".strip(), f"{e.cc:.3f}",
         f"{e.z_cc:.2f}", f"{e.sums.n_pairs:.0f}"]
        for e in symmetry.elements
    ]  # fmt: skip
    words = (
        f"Correlation of intensities that each rotation of the lattice relates; {symmetry.model.cc_true:.2f} is "
        "expected of a true one. Axes are directions in the reduced cell; 1 is the identity (repeated measurements)."
    )
    return Table("Symmetry elements", ("element", "likelihood", "CC", "Z-CC", "pairs"), rows, words)


def laue_groups(symmetry: SymmetryResult) -> Table:
    """The score of each possible Laue group."""
    rows = [
        [
            spaced(s.subgroup.patterson), f"{s.likelihood:.3f} {s.stars}".strip(),
            f"{round(s.net_z_cc, 2) + 0.0:.2f}", f"{s.cc_for:.2f}", f"{s.cc_against:.2f}",
            f"{s.subgroup.delta:.2f}", format_basis(s.subgroup.basis),
        ]
        for s in symmetry.subgroups
    ]  # fmt: skip
    header = ("Laue group", "likelihood", "net Z-CC", "CC for", "CC against", "\u03b4 (\u00b0)", "reindex")
    best = next((n for n, s in enumerate(symmetry.subgroups) if s is symmetry.best), None)
    words = "\u03b4 is how far the lattice is from that symmetry."
    return Table("Laue groups", header, rows, words, best)


def absent_reflections(symmetry: SymmetryResult) -> Table:
    """What the axial reflections say of screw axes, and those of zones of glide planes."""
    tested: list[ScrewAxis | GlidePlane] = [*symmetry.absences.screw_axes, *symmetry.absences.glide_planes]
    rows = [
        [s.name, f"{s.score:.3f}", str(s.n_present), str(s.n_absent), f"{s.i_over_sigma_present:.1f}",
         f"{s.i_over_sigma_absent:.1f}"]
        for s in tested
    ]  # fmt: skip
    header = ("screw axis or glide plane", "probability", "should be present", "should be absent", "I/\u03c3 present",
              "I/\u03c3 absent")  # fmt: skip
    return Table("Systematic absences", header, rows)


def space_groups(symmetry: SymmetryResult) -> Table:
    """Space groups by their absences."""
    of_all = symmetry.absences.centre is not None
    candidates = [c for c in symmetry.absences.candidates if not of_all or c.score >= LEAST_TOLD]
    rows = [[", ".join(symbol(g) for g in c.groups), f"{c.score:.3f}"] for c in candidates]
    several = any(len(c.groups) > 1 for c in candidates)
    words = "Groups on one line have the same absences: these data cannot tell them apart." if several else ""
    chosen = next((n for n, c in enumerate(candidates) if symmetry.space_group in c.groups), None)
    return Table("Space groups", ("space group", "probability"), rows, words, chosen)


def error_model(scaled: ScaleResult) -> Table:
    """How the error model does, by intensity."""
    rows = [
        [f"{b.i_max:.1f}\u00a0\u2013\u00a0{b.i_min:.1f}", str(b.n), f"{b.before:.2f}", f"{b.after:.2f}"]
        for b in scaled.error_bins
    ]
    model, header = scaled.error_model, ("intensity", "observations", "before", "after")
    if scaled.isa is None:
        words = f"Not fitted: {scaled.errors_in_words}. Mean squared deviations in units of \u03c3\u00b2."
        return Table("Error model", header, rows, words)
    words = (
        f"\u03c3\u2032\u00b2 = a\u00b2(\u03c3\u00b2 + (bI)\u00b2) with a = {model.a:.3f}, b = {model.b:.4f}; "
        f"ISa = 1/(ab) = {model.isa:.1f}. Mean squared deviations in units of \u03c3\u00b2: 1 is right."
    )
    return Table("Error model", header, rows, words)


def scaling_facts(scaled: ScaleResult) -> Table:
    """Observations kept and left out, parameters, and the choice of intensities."""
    rows = [
        ["observations given", f"{scaled.n_given}"],
        ["scaled", f"{scaled.n_scaled}"],
        ["outliers", f"{scaled.n_outliers} ({scaled.n_outliers / max(1, scaled.n_scaled + scaled.n_outliers):.2%})"],
        ["in shadow or on hot regions", f"{scaled.n_shadowed}"],
        ["blank images left out", f"{len(scaled.blank_images)}"],
        ["images left out whose intensities are off", f"{len(scaled.odd_images)}"],
        *([f"{name} parameters", str(n)] for name, n in scaled.n_parameters.items()),
        ["cycles", f"{scaled.n_cycles}{'' if scaled.converged else ', stopped before convergence'}"],
    ]
    if scaled.candidates:
        best = scaled.candidates[0]
        rows.append(["intensities used", f"{best.name} (Rmeas {text(best.r_meas, '{:.4f}')})"])
    return Table("Scaling", ("", ""), rows)
