"""The story of a sweep on one page, for people (summary.txt) and for programs (summary.json)."""

from __future__ import annotations

import textwrap
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from autoproc import __version__
from autoproc.errors import AutoprocError
from autoproc.geometry.detector import beam_centre_px
from autoproc.merging.statistics import MergingStatistics
from autoproc.merging.tables import format_table_one
from autoproc.stages.pipeline import Processing

RANGE_KEYS = (
    "d_max", "d_min", "completeness", "multiplicity", "i_over_sigma", "r_merge", "r_meas", "r_pim", "cc_half",
    "anomalous_completeness", "anomalous_multiplicity", "cc_anom", "n_observations", "n_unique",
)  # fmt: skip
WIDTH = 100


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a sweep could not be processed: the stage, what happened, what to do about it."""

    stage: str
    message: str
    hint: str = ""

    @classmethod
    def of(cls, stage: str, error: Exception) -> Failure:
        """From whatever was raised; an unforeseen exception is called what it is."""
        if isinstance(error, AutoprocError):
            return cls(stage, error.message, error.advice)
        if isinstance(error, OSError):
            return cls(
                stage,
                f"{error.strerror or error} ({error.filename or 'while writing'})",
                "make room or mend the disk, then run again",
            )
        return cls(stage, f"unforeseen {type(error).__name__}: {error}", "the log has the details; please report it")


def summarise(name: str, processing: Processing | None, failure: Failure | None) -> dict[str, Any]:
    """Everything of summary.json; what a failed sweep did not reach is None."""
    summary: dict[str, Any] = {
        "autoproc_version": __version__,
        "sweep": name,
        "status": "failed" if failure else "processed",
        "error": failure.message if failure else None,
        "error_stage": failure.stage if failure else None,
        "error_hint": failure.hint if failure else None,
    }
    summary |= _crystal_facts(processing)
    summary |= _spot_facts(processing)
    summary |= _intensity_facts(processing)
    summary["warnings"] = list(processing.warnings) if processing else []
    summary["timings"] = {k: round(v, 3) for k, v in processing.timings.items()} if processing else {}
    return summary


def _crystal_facts(p: Processing | None) -> dict[str, Any]:
    facts: dict[str, Any] = {"space_group": None, "laue_group": None, "alternatives": [], "unit_cell": None}
    facts["n_lattices"] = None
    if p is None:
        return facts
    models = p.indexed or p.refined
    if models is not None:
        facts["n_lattices"] = len(models.experiments)
        facts["unit_cell"] = _rounded(models.experiments[0].crystal.cell)  # type: ignore[union-attr]
    if p.symmetry is not None:
        facts["space_group"] = p.symmetry.space_group.xhm()
        facts["laue_group"] = p.symmetry.laue_group.xhm()
        facts["alternatives"] = [g.xhm() for g in p.symmetry.alternatives]
    if p.merged is not None:
        facts["unit_cell"] = _rounded(p.merged.cell.parameters)
    return facts


def _spot_facts(p: Processing | None) -> dict[str, Any]:
    facts: dict[str, Any] = {"n_images": None, "n_spots": None, "fraction_indexed": None, "rmsd": None}
    if p is None:
        return facts
    facts["n_images"] = p.experiment.scan.n_images
    if p.found is not None:
        facts["n_spots"] = len(p.found.reflections)
    if p.indexed is not None and p.found is not None:
        facts["fraction_indexed"] = round(float(np.mean(p.indexed.reflections["experiment_id"] >= 0)), 4)
    if p.refined is not None:
        first = p.refined.rmsds[0]
        facts["rmsd"] = {"x_px": first.x_px, "y_px": first.y_px, "z_images": first.z_images}
    return facts


def _intensity_facts(p: Processing | None) -> dict[str, Any]:
    facts: dict[str, Any] = {"d_min": None, "isa": None, "wilson_b": None, "merging_statistics": None}
    if p is None or p.scaled is None:
        return facts
    statistics = p.scaled.statistics
    facts["d_min"] = round(statistics.overall.d_min, 3)
    facts["isa"] = round(p.scaled.isa, 2)
    if p.merged is not None and np.isfinite(p.merged.wilson_b):
        facts["wilson_b"] = round(p.merged.wilson_b, 2)
    facts["merging_statistics"] = statistics_by_range(statistics)
    return facts


def statistics_by_range(statistics: MergingStatistics) -> dict[str, dict[str, Any]]:
    """Overall, inner and outer shell, and all shells."""
    ranges = {"overall": statistics.overall, "inner": statistics.inner, "outer": statistics.outer}
    result: dict[str, Any] = {name: {key: asdict(shell)[key] for key in RANGE_KEYS} for name, shell in ranges.items()}
    result["shells"] = [asdict(shell) for shell in statistics.shells]
    return result


def _rounded(cell: Any) -> list[float]:
    return [round(float(x), 4) for x in cell]


def format_summary(summary: dict[str, Any], processing: Processing | None) -> str:
    """The page that a tired user reads first."""
    lines = [f"autoproc {__version__}    sweep {summary['sweep']}", "=" * WIDTH, ""]
    if summary["status"] == "failed":
        lines += _failure_lines(summary)
    else:
        lines += _headline(summary)
    if processing is not None:
        lines += ["", "What was found", "-" * 14, *_story(summary, processing)]
    if summary["warnings"]:
        lines += ["", "Warnings", "-" * 8]
        lines += [_wrapped(f"* {warning}", indent="  ") for warning in summary["warnings"]]
    if processing is not None and processing.scaled is not None:
        lines += ["", format_table_one(processing.scaled.statistics).rstrip()]
    if summary["timings"]:
        total = sum(summary["timings"].values())
        parts = ", ".join(f"{stage} {seconds:.1f}" for stage, seconds in summary["timings"].items())
        lines += ["", _wrapped(f"Seconds: {total:.1f} in all ({parts})")]
    return "\n".join(lines) + "\n"


def _failure_lines(summary: dict[str, Any]) -> list[str]:
    lines = [_wrapped(f"FAILED at {summary['error_stage']}: {summary['error']}")]
    if summary["error_hint"]:
        lines.append(_wrapped(f"What to do: {summary['error_hint']}"))
    return lines


def _headline(summary: dict[str, Any]) -> list[str]:
    cell = " ".join(f"{x:.2f}" for x in summary["unit_cell"])
    overall = summary["merging_statistics"]["overall"]
    lines = [
        f"PROCESSED    {summary['space_group']}    {cell}",
        f"             {summary['d_min']:.2f} A    {overall['completeness']:.1f}% complete    "
        f"multiplicity {overall['multiplicity']:.1f}    ISa {summary['isa']:.1f}",
    ]
    if summary["alternatives"]:
        others = " or ".join(summary["alternatives"])
        lines.append(f"             these data cannot tell {summary['space_group']} from {others}")
    return lines


def _story(summary: dict[str, Any], p: Processing) -> list[str]:
    panel, scan = p.experiment.detector[0], p.experiment.scan
    fast, slow = beam_centre_px(p.experiment.detector, p.experiment.beam)
    first, last = scan.image_range
    end = scan.oscillation[0] + scan.n_images * scan.oscillation[1]
    template = p.experiment.imageset.template if p.experiment.imageset else ""
    lines = [
        _row("Images", f"{scan.n_images} ({first} to {last}), {scan.oscillation[1]:g} degrees each, "
                       f"{scan.oscillation[0]:g} to {end:g}"),
        _row("", template),
        _row("Geometry", f"distance {panel.distance:.2f} mm, wavelength {p.experiment.beam.wavelength:.5f} A, "
                         f"beam centre {fast:.1f} {slow:.1f} px"),
    ]  # fmt: skip
    if summary["n_spots"] is not None:
        lines.append(_row("Spots", f"{summary['n_spots']}"))
    if p.indexed is not None:
        n = summary["n_lattices"]
        what = "one lattice" if n == 1 else f"{n} lattices"
        lines.append(_row("Indexing", f"{summary['fraction_indexed']:.1%} of the spots, {what}"))
    if summary["rmsd"] is not None:
        r = summary["rmsd"]
        lines.append(_row("RMSD", f"{r['x_px']:.3f} {r['y_px']:.3f} px, {r['z_images']:.3f} images"))
    if p.integrated is not None:
        lines.append(_row("Integration", f"{len(p.integrated.reflections)} observations"))
    if p.symmetry is not None:
        lines.append(_row("Symmetry", f"Laue group {summary['laue_group']}, probability {p.symmetry.probability:.3f}, "
                                      f"confidence {p.symmetry.confidence:.3f}"))  # fmt: skip
    if p.scaled is not None:
        lines.append(_row("Scaling", f"{p.scaled.n_scaled} observations, {p.scaled.n_outliers} outliers, "
                                     f"ISa {summary['isa']:.1f}"))  # fmt: skip
    if p.resolution is not None:
        r = p.resolution
        how = "CC1/2 is above the limit to the edge" if r.limited_by_data else f"where CC1/2 falls to {r.cc_limit:g}"
        lines.append(_row("Resolution", f"{summary['d_min']:.2f} A, {how}; integrated to {r.edge:.2f} A"))
    if summary["wilson_b"] is not None:
        lines.append(_row("Wilson B", f"{summary['wilson_b']:.1f} A^2"))
    return lines


def _row(label: str, text: str) -> str:
    return _wrapped(f"{label:<13}{text}", indent=" " * 13)


def _wrapped(text: str, indent: str = "  ") -> str:
    return textwrap.fill(text, WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
