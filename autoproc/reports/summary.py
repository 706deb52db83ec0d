"""The story of a sweep on one page, for people (summary.txt) and for programs (summary.json)."""

from __future__ import annotations

import re
import shlex
import textwrap
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from autoproc import __version__
from autoproc.errors import AutoprocError
from autoproc.merging.merging_statistics import MergingStatistics
from autoproc.merging.tables import NAMES, format_table_one
from autoproc.models.data_sets import one_a_sweep
from autoproc.models.space_group import symbol
from autoproc.passing import may_pass, remedy
from autoproc.reports import by_wavelength
from autoproc.reports.by_wavelength import main_wavelength, merged_statistics
from autoproc.reports.checks import EQUIVALENTS, VERY_FEW_INDEXED, overall_verdict
from autoproc.reports.checks.check import Check, Verdict
from autoproc.reports.damage_page import damage_facts
from autoproc.reports.data_sets import as_facts
from autoproc.reports.journal import decisions_that_stand, sentence
from autoproc.reports.quality import quality_checks
from autoproc.reports.recipes import recipes
from autoproc.reports.story import StoryLine, story
from autoproc.reports.told_by_visit import told_lines
from autoproc.reports.warned import is_lattice_wrong, warnings_in_order
from autoproc.reports.whose_crystal import whose_crystal
from autoproc.stages.anisotropy import AXES
from autoproc.stages.pipeline import Processing
from autoproc.wording import VERDICTS, WIDTH, angstrom, first_of

RANGE_KEYS = (
    "d_max", "d_min", "completeness", "multiplicity", "i_over_sigma", "r_merge", "r_meas", "r_pim", "cc_half",
    "anomalous_completeness", "anomalous_multiplicity", "cc_anom", "cc_anom_significant",
    "n_observations", "n_unique",
)  # fmt: skip
MEMORY = "start `autoproc run` with fewer workers (service.n_workers=1) or less room for images (run.frame_cache=0)"
UNFORESEEN = (
    "a flaw of the program: send autoproc.log, beside this summary, to its authors; other sweeps are not affected"
)
HAS_PARAMETER = re.compile(r"\b[a-z_]+\.[a-z_]+=|\b[a-z_]+=\S")
"""An advice with a parameter in it."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a sweep could not be processed: the stage, what happened, what to do about it; whether it may pass.

    status : of the whole; "not_combined" of sweeps of which no two agree, which is no fault of anything
    """

    stage: str
    message: str
    hint: str = ""
    retryable: bool = False
    status: Literal["failed", "not_combined"] = "failed"

    @property
    def in_words(self) -> str:
        """What did not come about, and why."""
        what = "not combined" if self.status == "not_combined" else f"failed at {self.stage}"
        return f"{what}: {self.message}"

    @classmethod
    def of(cls, stage: str, error: Exception) -> Failure:
        """From whatever was raised; an unforeseen exception is called what it is."""
        if isinstance(error, AutoprocError):
            return cls(stage, error.message, error.advice, error.retryable or may_pass(error))
        if isinstance(error, OSError):
            return cls(
                stage,
                f"{error.strerror or error} ({error.filename or 'while writing'})",
                remedy(error),
                may_pass(error),
            )
        if isinstance(error, MemoryError):
            return cls(
                stage, f"the memory was not enough ({error})" if str(error) else "the memory was not enough", MEMORY
            )
        return cls(stage, f"unforeseen {type(error).__name__}: {error}", UNFORESEEN)


def summarise(name: str, processing: Processing | None, failure: Failure | None) -> dict[str, Any]:
    """Everything of summary.json; what a failed sweep did not reach is None."""
    summary: dict[str, Any] = {
        "autoproc_version": __version__,
        "sweep": name,
        "status": failure.status if failure else "processed",
        "error": failure.message if failure else None,
        "error_stage": failure.stage if failure else None,
        "error_hint": with_way_on(failure.hint, name) if failure else None,
        "error_retryable": failure.retryable if failure else None,
    }
    summary |= _crystal_facts(processing)
    summary |= _spot_facts(processing)
    summary |= _intensity_facts(processing)
    checks = quality_checks(processing)
    summary["warnings"] = warnings_in_order(processing, checks, summary["error_stage"])
    summary["recipes"] = recipes(name, processing)
    summary["quality"] = {"verdict": _verdict(failure, checks), "checks": list(map(asdict, checks))}
    summary["decisions"] = [d.as_dict() for d in processing.decisions] if processing else []
    summary["timings"] = {k: round(v, 3) for k, v in processing.timings.items()} if processing else {}
    return summary


def _verdict(failure: Failure | None, checks: Sequence[Check]) -> Verdict | None:
    """On the intensities; None where there are none and nothing is wrong."""
    if failure is not None:
        return None if failure.status == "not_combined" else "bad"
    return "bad" if is_lattice_wrong(checks, None) else overall_verdict(checks)


def with_way_on(hint: str, name: str) -> str:
    """The advice, with the command that takes its parameters."""
    if not HAS_PARAMETER.search(hint) or "`autoproc r" in hint:
        return hint
    return f"{hint}; parameters go into `autoproc reprocess {shlex.quote(name)} KEY=VALUE`"


def _crystal_facts(p: Processing | None) -> dict[str, Any]:
    facts: dict[str, Any] = {"space_group": None, "laue_group": None, "alternatives": [], "unit_cell": None}
    facts["n_lattices"] = None
    facts["may_be"] = []
    if p is None:
        return facts
    facts["may_be"] = whose_crystal(p)
    models = p.indexed or p.refined
    if models is not None:
        facts["n_lattices"] = len(models.experiments)
        facts["unit_cell"] = _rounded(models.experiments[0].crystal.cell)  # type: ignore[union-attr]
    if p.symmetry is not None:
        facts["space_group"] = symbol(p.symmetry.space_group)
        facts["laue_group"] = symbol(p.symmetry.laue_group)
        facts["alternatives"] = p.symmetry.untold
    if p.merged is not None:
        facts["unit_cell"] = _rounded(p.merged.cell.parameters)
    return facts


def _spot_facts(p: Processing | None) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "n_images": None,
        "n_images_used": None,
        "n_without_beam": None,
        "wavelength": None,
        "remarks": [],
        "n_spots": None,
        "fraction_indexed": None,
        "rmsd": None,
    }
    if p is None:
        return facts
    main = main_wavelength(p)
    facts["wavelength"] = round(p.experiment.beam.wavelength if main is None else main.wavelength, 6)
    if p.data_sets:
        facts["n_images"] = sum(row.n_images for row in one_a_sweep(p.data_sets))
        inside = one_a_sweep(row for row in p.data_sets if not row.why_aside)
        facts["n_images_used"] = sum(row.n_images for row in inside)
        facts["data_sets"] = as_facts(p.data_sets)
        facts["wavelengths"] = by_wavelength.as_facts(p)
        return facts
    facts["n_images"] = p.experiment.scan.n_images
    facts["remarks"] = list(p.experiment.remarks)
    if p.found is not None:
        facts["n_spots"] = len(p.found.reflections)
        facts["n_images_used"] = p.experiment.scan.n_images - p.found.n_unread
    if p.indexed is not None and p.found is not None:
        facts["fraction_indexed"] = round(p.indexed.fraction_indexed, 6)
    if p.integrated is not None:
        facts["n_without_beam"] = p.integrated.n_without_beam
    if p.refined is not None and p.refined.rmsds:
        first = p.refined.rmsds[0]
        facts["rmsd"] = {"x_px": first.x_px, "y_px": first.y_px, "z_images": first.z_images}
    return facts


def _intensity_facts(p: Processing | None) -> dict[str, Any]:
    facts: dict[str, Any] = {"d_min": None, "isa": None, "wilson_b": None, "merging_statistics": None}
    facts["anisotropy"] = facts["damage"] = None
    if p is None or p.scaled is None:
        return facts
    statistics = merged_statistics(p)
    facts["d_min"] = round(statistics.overall.d_min, 3)
    facts["isa"] = p.scaled.isa
    if p.merged is not None and np.isfinite(p.merged.wilson_b):
        facts["wilson_b"] = round(p.merged.wilson_b, 2)
    facts["merging_statistics"] = statistics_by_range(statistics)
    if p.anisotropy is not None:
        facts["anisotropy"] = {
            "d_min_along": dict(zip(AXES, (round(d, 3) for d in p.anisotropy.along), strict=True)),
            "d_min_best": round(p.anisotropy.best, 3),
            "d_min_worst": round(p.anisotropy.worst, 3),
            "delta_b": round(p.anisotropy.model.delta_b, 2),
            "is_notable": p.anisotropy.is_notable,
        }
    facts["damage"] = None if p.damage is None else damage_facts(p.damage)
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
    lines += _headline(summary) if summary["status"] == "processed" else _failure_lines(summary)
    if summary["warnings"]:
        lines += ["", "Warnings", "-" * 8]
        lines += [_wrapped(f"* {warning}", indent="  ") for warning in summary["warnings"]]
    if summary["recipes"]:
        lines += ["", "To try", "-" * 6]
        lines += [_with_whole_commands(f"* {recipe}") for recipe in summary["recipes"]]
    done = [*told_lines(summary), *(story(processing) if processing is not None else ())]
    if done:
        lines += ["", "What was done", "-" * 13, *map(_row, done)]
    decided = decisions_that_stand(summary["decisions"])
    if decided:
        lines += ["", "What was decided", "-" * 16]
        lines += [_wrapped(f"{d['stage']:<13}{sentence(d)}", indent=" " * 13) for d in decided]
    if processing is not None and processing.scaled is not None:
        lines += ["", *_whose_figures(summary), format_table_one(merged_statistics(processing)).rstrip()]
        lines += ["", _wrapped(NAMES)]
    if summary["timings"]:
        total = sum(summary["timings"].values())
        parts = ", ".join(f"{stage} {seconds:.1f}" for stage, seconds in summary["timings"].items())
        words = "Seconds in the stages, some of them side by side, without what is written between them"
        lines += ["", _wrapped(f"{words}: {total:.1f} ({parts})")]
    return "\n".join(lines) + "\n"


def _failure_lines(summary: dict[str, Any]) -> list[str]:
    what = "NOT COMBINED" if summary["status"] == "not_combined" else f"FAILED at {summary['error_stage']}"
    lines = [_wrapped(f"{what}: {summary['error']}")]
    if summary["error_hint"]:
        lines.append(_wrapped(f"What to do: {summary['error_hint']}", indent="            "))
    return lines


def _headline(summary: dict[str, Any]) -> list[str]:
    cell = " ".join(f"{x:.2f}" for x in summary["unit_cell"])
    overall = summary["merging_statistics"]["overall"]
    isa = "" if summary["isa"] is None else f"    ISa {summary['isa']:.1f}"
    lines = [
        f"PROCESSED    {summary['space_group']}    {cell}",
        f"             {angstrom(summary['d_min'])} A    {overall['completeness']:.1f}% complete    "
        f"multiplicity {overall['multiplicity']:.1f}{isa}",
    ]
    lines += [f"{'':13}{words}" for words in _whose_figures(summary)]
    if (summary["n_lattices"] or 0) > 1:
        lines.append(f"{'':13}{summary['n_lattices']} lattices, merged together")
    if summary["fraction_indexed"] is not None and summary["fraction_indexed"] < VERY_FEW_INDEXED:
        what = "this lattice: it" if summary["n_lattices"] == 1 else "these lattices: they"
        words = f"only {summary['fraction_indexed']:.0%} of the spots are on {what} may be wrong"
        lines.append(f"{'':13}{words}")
    for check in summary["quality"]["checks"]:
        if check["name"] == EQUIVALENTS and check["verdict"] == "bad":
            lines.append(_wrapped(f"{'':13}{EQUIVALENTS}: {check['value']}", " " * 13))
    if summary["alternatives"]:
        others = " or ".join(summary["alternatives"])
        lines.append(_wrapped(f"{'':13}these data cannot tell {summary['space_group']} from {others}", " " * 13))
    return [*lines, "", quality_line(summary)]


def _whose_figures(summary: dict[str, Any]) -> list[str]:
    """Which of several wavelengths the figures are of; no line where there is but one."""
    several = summary.get("wavelengths") or ()
    if len(several) < 2:
        return []
    return [f"of {summary['wavelength']:.4f} A, as merged.mtz; each of the {len(several)} wavelengths is told below"]


def quality_line(summary: dict[str, Any]) -> str:
    """The outcome of the checks in one line."""
    checks = summary["quality"]["checks"]
    failed = [check["name"] for verdict in ("bad", "look") for check in checks if check["verdict"] == verdict]
    if not failed:
        return f"QUALITY      good: nothing unusual in {len(checks)} checks"
    word = VERDICTS[summary["quality"]["verdict"]].upper()
    return _wrapped(f"{word:<13}{first_of(failed)} (see the warnings)", indent=" " * 13)


def _row(line: StoryLine) -> str:
    return _wrapped(f"{line.label:<13}{line.text}", indent=" " * 13)


def _wrapped(text: str, indent: str = "  ") -> str:
    return textwrap.fill(text, WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


def _with_whole_commands(text: str) -> str:
    """Wrapped, but not within `commands`, so that they can be copied."""
    held = re.sub("`[^`]*`", lambda command: command[0].replace(" ", "\0"), text)
    return _wrapped(held).replace("\0", " ")
