"""The queue as a table, and one sweep's story."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from rich import box
from rich.markup import escape
from rich.table import Table

from autoproc.service.events import duration
from autoproc.service.job import Job, State
from autoproc.service.result import failure_lines, result_line

COLOURS = {
    State.queued: "cyan", State.running: "blue", State.processed: "green", State.failed: "red",
    State.cancelled: "dim", State.set_aside: "red", State.listed: "dim",
}  # fmt: skip
VERDICTS = {"good": "green", "look": "yellow", "bad": "red"}
WORDS = {State.set_aside: "set aside"}
ORDER = (State.running, State.queued, State.processed, State.failed, State.set_aside, State.cancelled, State.listed)


def status_table(jobs: Sequence[Job], now: float | None = None) -> Table:
    """All sweeps: those at work first, then those that wait, then the others, the latest first."""
    now = time.time() if now is None else now
    table = Table(box=box.SIMPLE_HEAD, title=counted(jobs), title_justify="left", pad_edge=False)
    table.add_column("sweep", no_wrap=True)
    table.add_column("state", no_wrap=True)
    for heading in ("images", "space group", "cell", "d_min", "compl.", "Rmeas", "CC1/2"):
        table.add_column(heading, justify="left" if heading in ("space group", "cell") else "right", no_wrap=True)
    table.add_column("quality")
    table.add_column("time", justify="right", no_wrap=True)
    table.add_column("what is to be said", ratio=1)
    for job in sorted(jobs, key=_place):
        table.add_row(*_cells(job, now))
    return table


def counted(jobs: Sequence[Job]) -> str:
    """How many there are in each state."""
    numbers = Counter(job.state for job in jobs)
    return ", ".join(f"{numbers[s]} {WORDS.get(s, s)}" for s in ORDER if numbers[s]) or "no sweeps yet"


def _place(job: Job) -> tuple[int, float, int]:
    group = min(ORDER.index(job.state), 2)
    latest = -(job.finished_at or job.found_at) if group == 2 else job.completed_at
    return (3 if job.state is State.listed else group, latest, job.id)


def _cells(job: Job, now: float) -> list[str]:
    result = job.result if job.state in (State.processed, State.failed) else {}
    colour, verdict = COLOURS[job.state], result.get("verdict") or ""
    return [
        escape(job.name),
        f"[{colour}]{WORDS.get(job.state, job.state)}[/]",
        str(job.n_images),
        result.get("space_group") or "",
        " ".join(f"{x:.1f}" for x in result.get("unit_cell") or ()),
        *(_figure(result.get(key), form) for key, form in FIGURES.items()),
        f"[{VERDICTS.get(verdict, 'default')}]{verdict}[/]",
        _time(job, now),
        escape(_remark(job, now)),
    ]


FIGURES = {"d_min": "{:.2f}", "completeness": "{:.1f}", "r_meas": "{:.3f}", "cc_half": "{:.3f}"}


def _figure(value: float | None, form: str) -> str:
    return "" if value is None else form.format(value)


def _time(job: Job, now: float) -> str:
    """Since when it waits or works; how long after its last image it was done."""
    if job.state is State.queued:
        return duration(now - job.completed_at)
    if job.state is State.running:
        return duration(now - (job.started_at or now))
    return "" if job.latency is None or job.state is State.listed else duration(job.latency)


def _remark(job: Job, now: float) -> str:
    if job.state is State.running:
        return job.progress
    remarks = [f"partial: {job.partial}"] if job.partial else []
    if job.error:
        remarks.insert(0, job.error)
    if job.state is State.queued and job.not_before > now:
        remarks.append(f"again in {duration(job.not_before - now)}")
    return "; ".join(remarks)


def story_lines(job: Job) -> list[str]:
    """All that is known of one sweep."""
    lines = [
        f"{job.name}: {WORDS.get(job.state, job.state)}",
        f"    images   {job.path}" + (f", {job.image_range[0]} to {job.image_range[1]}" if job.image_range else ""),
        f"    found    {_clock(job.found_at)}; last image {_clock(job.completed_at)}",
    ]
    lines += [f"    partial  {job.partial}"] if job.partial else []
    lines += [f"    changed  {' '.join(f'{k}={v}' for k, v in job.parameters.items())}"] if job.parameters else []
    for entry in job.story:
        why = entry.get("because") or entry.get("error") or ""
        lines.append(f"    {_clock(entry['at'])}  {entry['event']}" + (f": {why}" if why else ""))
    if job.state is State.processed:
        lines.append("    " + result_line(job.name, job.result))
    elif job.state is State.failed and job.result:
        lines += ["    " + line for line in failure_lines(job.name, job.result)]
    elif job.error:
        lines += [f"    {job.error}", *([f"    {job.hint}"] if job.hint else [])]
    return lines


def _clock(seconds: float) -> str:
    return datetime.fromtimestamp(seconds).isoformat(sep=" ", timespec="seconds")
