"""Time and memory of the whole chain, autoproc's and DIALS's, on the same sweep and machine."""

from __future__ import annotations

import json
import os
from pathlib import Path

from validation.programs import dials_chain, dials_is_installed, step_times
from validation.report import Report
from validation.simulated import images_of, process_shared_sweep

STEPS = ("import", "find_spots", "index", "refine", "integrate", "symmetry", "scale", "estimate_resolution", "merge")
AT_LEAST = 5.0


def benchmark(data: Path, output: Path, sweep: str, dials_times: Path | None, report: Report) -> None:
    """Run autoproc, then DIALS unless `dials_times` has the times.txt of a run, and compare."""
    report.section(f"Speed: {sweep}, the whole chain")
    cores, load = len(os.sched_getaffinity(0)), os.getloadavg()[0]
    report.say(
        f"        {cores} cores; load before the start {load:.1f}" + (" (others are at work)" if load > 0.5 else "")
    )
    folder, ours = process_shared_sweep(data, sweep, output / "autoproc")
    summary = json.loads((folder / "summary.json").read_text())
    report.check(
        summary["status"] == "processed", f"autoproc run: {ours.seconds:.1f} s, peak memory {ours.memory:.0f} MB"
    )
    memory, total = None, None
    if dials_times is None and dials_is_installed():
        theirs = dials_chain(data, output / "dials", images_of(data, sweep))
        memory, total, dials_times = theirs.memory, theirs.seconds, output / "dials"
    times = step_times(dials_times) if dials_times else {}
    total = total or sum(times.values())
    _print(summary["timings"], ours.seconds, times, total, report)
    if times:
        held = f", peak memory {memory:.0f} MB" if memory else ", timed in an earlier run"
        report.check(
            total / ours.seconds >= AT_LEAST, f"DIALS: {total:.1f} s{held}; {total / ours.seconds:.1f} times as long"
        )


def _print(ours: dict[str, float], wall: float, theirs: dict[str, float], total: float, report: Report) -> None:
    rows = []
    for step in STEPS:
        a, b = ours.get(step), theirs.get(step)
        ratio = f"{b / a:.1f}" if a and b and a > 0.01 else ""
        rows.append([step, "" if a is None else f"{a:.1f}", "" if b is None else f"{b:.1f}", ratio])
    start_and_end = wall - sum(ours.values())
    rows.append(["start, writing", f"{start_and_end:.1f}", "", ""])
    rows.append(["whole chain", f"{wall:.1f}", f"{total:.1f}" if total else "", f"{total / wall:.1f}" if total else ""])
    report.table(["seconds", "autoproc", "DIALS", "ratio"], rows)
