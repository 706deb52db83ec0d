"""The simulated sweeps of the example data: autoproc and DIALS beside the truth."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from validation.lattice_spots import LatticeSpots, count_lattice_spots
from validation.programs import Run, autoproc, dials_chain, step_times
from validation.report import Report
from validation.truth import Comparison, NotTheLattice, Truth, compare, read_truth

SWEEPS = ("lysozyme", "monoclinic", "split")
NOT_WORSE_THAN_DIALS = ("lysozyme", "monoclinic")
CELL_WITHIN = 0.1
INDEXED_AT_LEAST = 0.95
CC_MARGIN = 0.005


@dataclass(frozen=True, slots=True)
class Peer:
    """Where DIALS's results are: folder/<sweep>/merged.mtz, scaled.refl and logs; None where there are none."""

    folder: Path | None

    def of(self, sweep: str) -> Path | None:
        """The folder of a sweep, if it was processed to its end."""
        if self.folder is None or not (self.folder / sweep / "merged.mtz").exists():
            return None
        return self.folder / sweep


def validate_simulated(data: Path, output: Path, peer: Peer, report: Report) -> None:
    """Process the three sweeps and compare."""
    for sweep in SWEEPS:
        _validate_sweep(sweep, data / "simulated", output, peer, report)


def run_dials(data: Path, output: Path) -> Peer:
    """Process the sweeps with DIALS; minutes each."""
    for sweep in SWEEPS:
        dials_chain(data, output / sweep, images_of(data, sweep))
    return Peer(output)


def images_of(data: Path, sweep: str) -> list[Path]:
    """What to give to a program to process a sweep."""
    folder = data / "simulated" / sweep
    return sorted(folder.glob("*_master.h5")) or sorted(folder.glob("*.cbf*"))


def process_shared_sweep(data: Path, sweep: str, output: Path) -> tuple[Path, Run]:
    """Run autoproc on a sweep of the example data; its folder of results, and the run."""
    shutil.rmtree(output, ignore_errors=True)
    done = autoproc("run", data / "simulated" / sweep, "--once", "--output", output)
    summaries = list(output.glob("*/summary.json"))
    if len(summaries) != 1:
        raise SystemExit(f"expected one sweep in {output}, found {len(summaries)}: {done.last_line}")
    return summaries[0].parent, done


def _validate_sweep(sweep: str, simulated: Path, output: Path, peer: Peer, report: Report) -> None:
    report.section(f"Simulated sweep {sweep}")
    truth = read_truth(simulated / "truth" / f"{sweep}.npz")
    folder, done = process_shared_sweep(simulated.parent, sweep, output / sweep)
    summary = json.loads((folder / "summary.json").read_text())
    if not report.check(summary["status"] == "processed", f"processed in {done.seconds:.1f} s, {done.memory:.0f} MB"):
        report.say(f"        {summary['error']}")
        return
    try:
        ours = compare(truth, folder / "merged.mtz")
    except NotTheLattice as error:
        report.check(False, f"the right lattice: {error}")
        return
    theirs = _compare_peer(truth, peer.of(sweep), report)
    _check_crystal(truth, ours, theirs, summary, report)
    _check_spots(count_lattice_spots(truth, folder / "stages"), report)
    _check_shells(ours, theirs, sweep in NOT_WORSE_THAN_DIALS, report)
    _tell_quality(summary, peer.of(sweep), report)


def _compare_peer(truth: Truth, folder: Path | None, report: Report) -> Comparison | None:
    if folder is None:
        report.say("  (no results of DIALS to compare with)")
        return None
    try:
        return compare(truth, folder / "merged.mtz")
    except NotTheLattice as error:
        report.say(f"  DIALS found another lattice: {error}")
        return None


def _check_crystal(
    truth: Truth, ours: Comparison, theirs: Comparison | None, s: dict[str, Any], report: Report
) -> None:
    cell = " ".join(f"{x:.3f}" for x in ours.cell.parameters)
    true = " ".join(f"{x:.3f}" for x in truth.cell.parameters)
    beside = f" (DIALS {theirs.cell_error:.3f}%)" if theirs else ""
    report.check(
        ours.cell_error < CELL_WITHIN and ours.angle_error < CELL_WITHIN,
        f"cell {cell}, true {true}: within {ours.cell_error:.3f}%{beside} and {ours.angle_error:.3f} degrees",
    )
    beside = f" (DIALS {theirs.group.xhm()})" if theirs else ""
    alternatives = f" or {', '.join(s['alternatives'])}" if s["alternatives"] else ""
    report.check(
        ours.group.laue_str() == truth.group.laue_str(),
        f"Laue group {ours.group.laue_str()}; {ours.group.xhm()}{alternatives}{beside}, true {truth.group.xhm()}",
    )


def _check_spots(lattices: list[LatticeSpots], report: Report) -> None:
    for number, spots in enumerate(lattices, 1):
        text = f"lattice {number}: {spots.n_indexed} of its {spots.n_spots} spots indexed, {100 * spots.fraction:.1f}%"
        if number == 1:
            report.check(spots.fraction > INDEXED_AT_LEAST, text)
        else:
            report.say(f"        {text}")


def _check_shells(ours: Comparison, theirs: Comparison | None, not_worse: bool, report: Report) -> None:
    report.say("  Merged against true intensities, ten shells of equal numbers of the truth's unique reflections")
    head = ["d_min", "unique", "n", "CC", "chi^2", "|z|"]
    rows = [
        [f"{s.d_min:.2f}", f"{s.n_true}", f"{s.n}", f"{s.cc:.4f}", f"{s.chi2:.2f}", f"{s.robust_z:.2f}"]
        for s in ours.shells
    ]
    if theirs is not None:
        head += ["DIALS n", "CC", "chi^2", "|z|", "CC - DIALS"]
        for row, s, us in zip(rows, theirs.shells, ours.shells, strict=True):
            row += [f"{s.n}", f"{s.cc:.4f}", f"{s.chi2:.1f}", f"{s.robust_z:.2f}", f"{us.cc - s.cc:+.4f}"]
    report.table(head, rows)
    if theirs is not None:
        worst = min(us.cc - s.cc for us, s in zip(ours.shells, theirs.shells, strict=True))
        text = f"CC with truth per shell at least DIALS's - {CC_MARGIN}: smallest difference {worst:+.4f}"
        if not_worse:
            report.check(worst >= -CC_MARGIN, text)
        else:
            report.say(f"        {text}")
    chi2 = [s.chi2 for s in ours.shells]
    report.say(f"        overall CC {ours.cc:.4f}, chi^2 {min(chi2):.2f} to {max(chi2):.2f}")


def _tell_quality(summary: dict[str, Any], peer: Path | None, report: Report) -> None:
    overall = summary["merging_statistics"]["overall"]
    isa = np.nan if summary["isa"] is None else summary["isa"]
    report.say(
        f"        to {summary['d_min']:.2f} A: Rmeas {overall['r_meas']:.3f}, "
        f"multiplicity {overall['multiplicity']:.1f}, completeness {overall['completeness']:.1f}%, "
        f"CC1/2 {overall['cc_half']:.4f}, ISa {isa:.1f}"
    )
    if peer is not None:
        found = dials_statistics(peer / "dials.scale.log")
        times = step_times(peer)
        report.say(
            f"        DIALS to {found.get('High resolution limit', '?')} A: Rmeas {found.get('Rmeas(I)', '?')}, "
            f"multiplicity {found.get('Multiplicity', '?')}, completeness {found.get('Completeness', '?')}%, "
            f"CC1/2 {found.get('CC half', '?')}, {_dials_isa(peer / 'dials.scale.log')}; {sum(times.values()):.0f} s"
        )


def dials_statistics(log: Path) -> dict[str, str]:
    """The overall column of the last merging statistics that a log of DIALS or a table of ours has."""
    if not log.exists():
        return {}
    return statistics_in(log.read_text(errors="replace"))


def statistics_in(text: str) -> dict[str, str]:
    """Rows of "Summary of merging statistics": name and overall value."""
    part = text[text.rfind("Summary of merging statistics") :]
    rows = re.findall(r"^([A-Z][A-Za-z/() +-]*?)\s{2,}(-?[\d.]+)", part, re.MULTILINE)
    return dict(rows)


def _dials_isa(log: Path) -> str:
    found = re.findall(r"a = ([\d.]+), b = ([\d.]+)", log.read_text(errors="replace")) if log.exists() else []
    if not found:
        return "ISa ?"
    a, b = map(float, found[-1])
    return f"ISa {1 / (a * b):.1f}" if a * b > 0 else "ISa ?"
