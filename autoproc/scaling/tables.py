"""The story of a scaling run as text."""

from __future__ import annotations

from autoproc.merging.statistics import MergingStatistics
from autoproc.merging.tables import format_shells, format_table_one
from autoproc.scaling.result import ScaleResult


def format_scale(result: ScaleResult, suggested: MergingStatistics | None = None) -> str:
    """Corrections, choice of intensities, error model, shells and table 1.

    suggested : statistics to a suggested resolution limit, for a column of their own in table 1
    """
    blocks = [_corrections(result), _choices(result), _error_model(result), format_shells(result.statistics)]
    return "\n".join([*blocks, format_table_one(result.statistics, suggested)])


def _corrections(result: ScaleResult) -> str:
    lines = [
        "+--------------+----------------+",
        "| correction   |   n_parameters |",
        "|--------------+----------------|",
    ]
    lines += [f"| {name:<12} | {n:14d} |" for name, n in result.n_parameters.items()]
    lines.append(lines[0])
    ending = "converged" if result.converged else "stopped"
    lines.append(f"{ending} after {result.n_cycles} cycles; weighted rms residual {_last(result.rms)}")
    lines.append(f"{result.n_scaled} of {result.n_given} reflections scaled, {result.n_outliers} outliers rejected")
    if result.n_shadowed:
        lines.append(f"{result.n_shadowed} left out where the detector is shadowed or hot")
    if result.blank_images:
        lines.append(f"{len(result.blank_images)} blank images left out: {_ranges(result)}")
    return "\n".join(lines) + "\n"


def _last(rms: tuple[float, ...]) -> str:
    return f"{rms[-1]:.4f}" if rms else "-"


def _ranges(result: ScaleResult) -> str:
    """Consecutive image numbers as ranges, each experiment's apart."""
    texts: list[str] = []
    start = previous = None
    for experiment, image in [*result.blank_images, (-1, -1)]:
        if previous is not None and (experiment, image) != (previous[0], previous[1] + 1) and start is not None:
            texts.append(str(start[1]) if start == previous else f"{start[1]}-{previous[1]}")
            start = None
        start = start or (experiment, image)
        previous = (experiment, image)
    return ", ".join(texts)


def _choices(result: ScaleResult) -> str:
    if not result.candidates:
        return ""
    rule = "+----------------------------+---------+"
    lines = [rule, "| Intensities                |   Rmeas |", "|----------------------------+---------|"]
    for candidate in result.candidates:
        r_meas = "-" if candidate.r_meas is None else f"{candidate.r_meas:.5f}"
        lines.append(f"| {candidate.name:<26} | {r_meas:>7} |")
    return "\n".join([*lines, rule, f"{result.candidates[0].name} intensities give the lowest Rmeas"]) + "\n"


def _error_model(result: ScaleResult) -> str:
    model = result.error_model
    rule = "+--------------------------+----------+------------------------+----------------------+"
    lines = [
        "Error model details:",
        "  Type: basic",
        f"  Parameters: a = {model.a:.5f}, b = {model.b:.5f}",
        "  Error model formula: \u03c3'\u00b2 = a\u00b2(\u03c3\u00b2 + (bI)\u00b2)",
        f"  estimated I/sigma asymptotic limit: {model.isa:.3f}",
        "",
        rule,
        "| Intensity range (<Ih>)   |   n_refl |   Uncorrected variance |   Corrected variance |",
        "|--------------------------+----------+------------------------+----------------------|",
    ]
    for b in result.error_bins:
        span = f"{b.i_max:.2f} - {b.i_min:.2f}"
        lines.append(f"| {span:<24} | {b.n:8d} | {b.before:22.3f} | {b.after:20.3f} |")
    return "\n".join([*lines, rule]) + "\n"
