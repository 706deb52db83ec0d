"""The story of a scaling run as text."""

from __future__ import annotations

from autoproc.merging.merging_statistics import MergingStatistics
from autoproc.merging.tables import format_shells, format_table_one
from autoproc.scaling.left_out import all_left_out
from autoproc.scaling.result import ScaleResult
from autoproc.text_tables import ruled_table
from autoproc.wording import accounted, number_ranges


def format_scale(result: ScaleResult, suggested: MergingStatistics | None = None) -> str:
    """Corrections, choice of intensities, error model, shells and table 1.

    suggested : statistics to a suggested resolution limit, for a column of their own in table 1
    """
    blocks = [_corrections(result), _choices(result), _error_model(result), format_shells(result.statistics)]
    account = accounted(result.n_scaled, all_left_out(result), "scaled")
    return "\n".join([*blocks, format_table_one(result.statistics, suggested), account])


def _corrections(result: ScaleResult) -> str:
    lines = [ruled_table(("correction", "n_parameters"), list(result.n_parameters.items()), left=(0,))]
    ending = "converged" if result.converged else "stopped"
    lines.append(f"{ending} after {result.n_cycles} cycles; weighted rms residual {_last(result.rms)}")
    if result.blank_images:
        lines.append(f"{len(result.blank_images)} blank images left out: {_ranges(result)}")
    lines += [f"{words}: left out" for words in result.odd_image_words]
    lines += result.unsteady_words
    lines += [f"Warning: {words}" for words in (*result.apart_words, result.uncorrected) if words]
    return "\n".join(lines) + "\n"


def _last(rms: tuple[float, ...]) -> str:
    return f"{rms[-1]:.4f}" if rms else "-"


def _ranges(result: ScaleResult) -> str:
    """Consecutive image numbers as ranges, each experiment's apart."""
    by_experiment: dict[int, list[int]] = {}
    for experiment, image in result.blank_images:
        by_experiment.setdefault(experiment, []).append(image)
    return ", ".join(number_ranges(images) for images in by_experiment.values())


TRIAL_R_MEAS = (
    "The trial Rmeas is of observations above their sigmas after the first cycle, without the greatest deviations;\n"
    "Rmeas of the scaled data is in the tables below."
)


def _choices(result: ScaleResult) -> str:
    if not result.candidates:
        return ""
    rows = [(c.name, "-" if c.r_meas is None else f"{c.r_meas:.5f}") for c in result.candidates]
    table = ruled_table(("Intensities", "trial Rmeas"), rows, left=(0,))
    best = result.candidates[0]
    why = "of noise, Rmeas tells nothing" if best.r_meas is None else "no others give a lower trial Rmeas"
    return f"{table}\n{best.name} intensities are used: {why}\n{TRIAL_R_MEAS}\n"


def _error_model(result: ScaleResult) -> str:
    model = result.error_model
    header = ("Intensity range (<Ih>)", "n_refl", "Uncorrected variance", "Corrected variance")
    rows = [(f"{b.i_max:.2f} - {b.i_min:.2f}", b.n, f"{b.before:.3f}", f"{b.after:.3f}") for b in result.error_bins]
    limit, how = ("none", " (assumed, not fitted)") if result.isa is None else (f"{result.isa:.3f}", "")
    lines = [
        "Error model details:",
        "  Type: basic",
        f"  Parameters: a = {model.a:.5f}, b = {model.b:.5f}{how}",
        "  Error model formula: \u03c3'\u00b2 = a\u00b2(\u03c3\u00b2 + (bI)\u00b2)",
        f"  estimated I/sigma asymptotic limit: {limit}",
        *([f"Warning: {result.errors_in_words}"] if result.isa is None else []),
        "",
        ruled_table(header, rows, left=(0,)),
    ]
    return "\n".join(lines) + "\n"
