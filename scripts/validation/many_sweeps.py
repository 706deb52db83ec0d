"""Simulate sweeps of every kind, process them, and print how far the results are from the truth."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gemmi
import numpy as np

from validation.programs import Run, autoproc
from validation.sweeps import SWEEPS, Sweep, arguments
from validation.truth import Comparison, NotTheLattice, compare, read_truth

HEADER = (
    f"{'sweep':17}{'true':10}{'found':11}{'Laue':>5}{'spots':>7}{'indexed':>8}{'cell %':>7}{'angle':>6}{'d_min':>6}"
    f"{'compl':>6}{'CC low':>7}{'mid':>7}{'high':>7}{'chi2':>6}{'worst':>7}{'|z|':>5}{'Rmeas':>7}{'ISa':>6}{'s':>6}"
    f"{'cpu':>6}"
)
MOST_CELL_ERROR = 0.1
MOST_ANGLE_ERROR = 0.1
MOST_CHI2 = 3.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a sweep."""

    sweep: Sweep
    summary: dict[str, Any]
    comparison: Comparison | None
    trouble: str


def process_many(names: Sequence[str], folder: Path, keep_images: bool) -> int:
    """Simulate, process, compare and print, one sweep after the other; all if none is named. 1 if any failed."""
    chosen = [sweep for sweep in SWEEPS if not names or sweep.name in names]
    print(HEADER)
    outcomes = []
    for sweep in chosen:
        outcome = process_one(sweep, folder, keep_images)
        outcomes.append(outcome)
        print(row(outcome), flush=True)
    print_warnings(outcomes)
    n_wrong = sum(not is_right(outcome) for outcome in outcomes)
    print(f"\n{len(outcomes) - n_wrong} of {len(outcomes)} sweeps have the right Laue group, cell and intensities")
    return int(n_wrong > 0)


def process_one(sweep: Sweep, folder: Path, keep_images: bool) -> Outcome:
    """Simulate one sweep, unless its images are still there, and process it."""
    images, results = folder / "images" / sweep.name, folder / "processed"
    truth_file = folder / "truth" / f"{sweep.name}.npz"
    made_with = truth_file.with_suffix(".txt")  # the parameters of the images that are there, if any are
    wanted = "\n".join([*arguments(sweep), sweep.image_format])
    if not any(images.glob("*")) or not made_with.exists() or made_with.read_text() != wanted:
        shutil.rmtree(images, ignore_errors=True)
        made = autoproc(
            "simulate",
            "sweep",
            *arguments(sweep),
            "--output",
            images,
            "--name",
            sweep.name,
            "--format",
            sweep.image_format,
        )
        if made.status:
            return Outcome(sweep, {}, None, f"not simulated: {made.error_line}")
        truth_file.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(images / f"{sweep.name}_truth.npz", truth_file)
        made_with.write_text(wanted)
    done = autoproc("run", images, "--once", "--output", results, *sweep.run)
    outcome = judge(sweep, results / sweep.name, truth_file, done)
    if not keep_images:
        shutil.rmtree(images)
    return outcome


def judge(sweep: Sweep, result: Path, truth_file: Path, done: Run) -> Outcome:
    """Compare a sweep's results with its truth."""
    summary_file = result / "summary.json"
    summary = json.loads(summary_file.read_text()) if summary_file.exists() else {}
    summary["wall"], summary["cpu"], summary["memory"] = done.seconds, done.cpu, done.memory
    if summary.get("status") != "processed":
        return Outcome(sweep, summary, None, str(summary.get("error") or done.error_line))
    try:
        return Outcome(sweep, summary, compare(read_truth(truth_file), result / "merged.mtz"), "")
    except NotTheLattice as error:
        return Outcome(sweep, summary, None, f"wrong lattice: {error} {summary['space_group']}")


def true_group(sweep: Sweep) -> gemmi.SpaceGroup:
    """The space group it was simulated in."""
    return gemmi.SpaceGroup(sweep.params.get("space_group", "P 43 21 2"))


def is_right_group(outcome: Outcome) -> bool:
    """The true space group, or one that the result says cannot be told from it."""
    said = [outcome.summary["space_group"], *outcome.summary.get("alternatives", [])]
    return true_group(outcome.sweep).number in {gemmi.SpaceGroup(name).number for name in said}


def is_right(o: Outcome) -> bool:
    """Right Laue group and cell, and intensities within what their sigmas say."""
    if o.comparison is None:
        return False
    return "!" not in row(o) and true_group(o.sweep).laue_str() == o.comparison.group.laue_str()


def row(o: Outcome) -> str:
    """One line of the table; ! marks what is wrong."""
    start = f"{o.sweep.name:17}{true_group(o.sweep).short_name():10}"
    if o.comparison is None:
        return f"{start}FAILED {o.trouble}  ({o.summary.get('wall', 0):.0f} s)"
    c, s = o.comparison, o.summary
    laue = true_group(o.sweep).laue_str() == c.group.laue_str()
    mark = "" if is_right_group(o) else "!"
    low, middle, high = c.shells[0], c.shells[5], last_measured(c)
    chi2 = [shell.chi2 for shell in c.shells if shell.n > shell.n_true / 3] or [np.nan]
    chi2_mark = "!" if max(chi2) > MOST_CHI2 else " "
    overall = s["merging_statistics"]["overall"]
    cell_mark = "!" if c.cell_error > MOST_CELL_ERROR or c.angle_error > MOST_ANGLE_ERROR else " "
    return (
        f"{start}{c.group.short_name() + mark:11}{'ok' if laue else 'NO':>5}{s['n_spots']:7d}"
        f"{100 * s['fraction_indexed']:8.1f}{c.cell_error:6.3f}{cell_mark}{c.angle_error:6.3f}{s['d_min']:6.2f}"
        f"{100 * sum(x.n for x in c.shells) / sum(x.n_true for x in c.shells):6.1f}"
        f"{low.cc:7.4f}{middle.cc:7.4f}{high.cc:7.4f}{np.median(chi2):6.2f}{max(chi2):6.2f}{chi2_mark}"
        f"{np.median([x.robust_z for x in c.shells]):5.2f}{overall['r_meas']:7.3f}{s['isa'] or np.nan:6.1f}"
        f"{s['wall']:6.1f}{s['cpu']:6.1f}"
    )


def last_measured(c: Comparison) -> Any:
    """The outermost shell of which at least a third was measured."""
    measured = [shell for shell in c.shells if shell.n > shell.n_true / 3]
    return measured[-1] if measured else c.shells[0]


def print_warnings(outcomes: Sequence[Outcome]) -> None:
    """What the results say of themselves."""
    for outcome in outcomes:
        warnings = outcome.summary.get("warnings", [])
        print(f"\n{outcome.sweep.name}: {outcome.sweep.what}" + ("" if warnings else ": no warnings"))
        for warning in warnings:
            print(f"  * {warning}")
