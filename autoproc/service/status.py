"""The queue as a table, and one sweep's story."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from rich import box
from rich.cells import cell_len
from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from autoproc.legible import legible
from autoproc.reports.in_group import group_of, verdict_of
from autoproc.service.events import duration, times_in_words
from autoproc.service.job_queue.job import INTERRUPTED, TO_RESUME, Job, JobState
from autoproc.service.job_queue.jobs import JobQueue
from autoproc.service.job_queue.programs_at_work import Arriving
from autoproc.service.results.brief import doubts_in_words, failure_lines, result_line
from autoproc.service.sweeps.sample_groups import COMBINED
from autoproc.service.visits.changed_since import change_in_words, changed_files, ignored_by
from autoproc.wording import VERDICTS, Form, angstrom, first_of, images_in_words, written

COLOURS = {
    JobState.queued: "cyan", JobState.running: "blue", JobState.processed: "green", JobState.failed: "red",
    JobState.cancelled: "dim", JobState.set_aside: "red", JobState.listed: "dim",
    JobState.not_combined: "dim",
}  # fmt: skip
HUES = {"good": "green", "look": "yellow", "bad": "red"}
WORDS = {JobState.set_aside: "set aside", JobState.not_combined: "not combined"}
WITH_RESULT = (JobState.processed, JobState.failed, JobState.not_combined)
FIGURES: dict[str, tuple[str, Form]] = {
    "d_min": ("d_min", angstrom), "compl.": ("completeness", "{:.1f}"), "Rmeas": ("r_meas", "{:.3f}"),
    "CC1/2": ("cc_half", "{:.3f}"),
}  # fmt: skip
"""Columns of figures: of what, and how they are written."""
REMARK = "what is to be said"
HEADINGS = ("sweep", "state", "images", "space group", "cell", *FIGURES, "quality", "time", REMARK)
BY_IMPORTANCE = (REMARK, "d_min", "quality", "space group", "time", "images", "CC1/2", "Rmeas", "compl.", "cell")
"""Columns in the order in which they are given room on a narrow terminal, after name and state."""
LEFT = ("sweep", "state", "space group", "cell", "quality", REMARK)
LEAST_REMARK = 20
GAP = 2
MOST_ROWS = 40
"""Sweeps shown of those that wait, that come, or that are done; more nobody reads, and each costs a millisecond."""
MOST_COMPARED = 200
"""Sweeps whose files of parameters are looked at: each is some ten folders to look into, perhaps of a file server."""
NOBODY = "no autoproc run is working on this queue: start `autoproc run ...`"
NOBODY_LOOKS = "no autoproc run is at work now: what comes next is found when it is started again"
ORDER = (
    JobState.running, JobState.queued, JobState.processed, JobState.failed, JobState.set_aside, JobState.not_combined,
    JobState.cancelled, JobState.listed,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Queue:
    """What the queue's file says now: its sweeps, those that are coming, and whether a program works on it.

    numbers : of the sweeps in each state, where `jobs` are not all of them
    interrupted : numbers of the jobs under way whose program is gone
    n_seen : sweeps that are coming, where `arriving` are not all
    changed : by number of the job, that files of parameters were changed since it was processed, in words
    """

    jobs: Sequence[Job]
    arriving: Sequence[Arriving] = ()
    is_attended: bool = True
    numbers: Mapping[JobState, int] = field(default_factory=dict)
    interrupted: frozenset[int] = frozenset()
    n_seen: int = 0
    changed: Mapping[int, str] = field(default_factory=dict)

    @classmethod
    def of(cls, queue: JobQueue, most: int | None = None) -> Queue:
        """As it is now; of each state no more than `most` sweeps."""
        there = queue.programs
        numbers = {} if most is None else queue.overview.numbers()
        few = [job for state in numbers for job in queue.overview.next_in(state, most or 0)]
        jobs = queue.rows() if most is None else few
        gone, changed = queue.interrupted(), changes_since(jobs, queue)
        return cls(jobs, there.arriving(), there.is_attended, numbers, gone, there.n_arriving, changed)

    @property
    def n_arriving(self) -> int:
        """How many sweeps are coming."""
        return max(self.n_seen, len(self.arriving))

    @property
    def n_in(self) -> Mapping[JobState, int]:
        """How many sweeps there are in each state."""
        return self.numbers or Counter(job.state for job in self.jobs)


def changes_since(jobs: Sequence[Job], queue: JobQueue) -> dict[int, str]:
    """Of the latest jobs whose files of parameters were changed since they were processed, what to do about it."""
    output = Path(queue.path).parent.parent
    latest = sorted(jobs, key=lambda job: -(job.finished_at or 0.0))[:MOST_COMPARED]
    said = {job.id: change_in_words(job, changed_files(job, output)) for job in latest}
    return {number: words for number, words in said.items() if words}


def status_table(queue: Queue, width: int, now: float | None = None, most: int | None = MOST_ROWS) -> RenderableType:
    """All sweeps: those at work first, then those that wait or come, then the others, the latest first.

    width : of the terminal, in letters; where it is narrow, what matters least is left out
    most : rows for each state, whose others are only counted; None shows all
    """
    now = time.time() if now is None else now
    n_at_work = sum(n for state, n in queue.n_in.items() if not state.is_settled)
    shown = _shown(queue.jobs, most)
    n_above = sum(not job.state.is_settled for job in shown)
    coming = queue.arriving[:most]
    rows = [_cells(job, now, job.id in queue.interrupted, queue.changed.get(job.id, "")) for job in shown]
    rows[n_above:n_above] = [_coming(arriving, now) for arriving in coming]
    table = Table(box=box.SIMPLE_HEAD, title=count_by_state(queue), title_justify="left", title_style="",
                  pad_edge=False, padding=(0, 1, 0, 0))  # fmt: skip
    for heading, letters in fitting(rows, width):
        is_text = heading in LEFT
        wraps = heading == REMARK
        table.add_column(heading, justify="left" if is_text else "right", no_wrap=not wraps, width=letters,
                         overflow="fold")  # fmt: skip
    for row in rows:
        table.add_row(*(row[str(column.header)] for column in table.columns))
    parts: list[RenderableType] = [table]
    n_left_out = sum(queue.n_in.values()) - len(shown) + len(queue.arriving) - len(coming)
    if n_left_out:
        parts.append(Text(f"{n_left_out} more are not shown: --all shows them, --json says all that is known"))
    if queue.n_arriving > len(queue.arriving):
        parts.append(Text(f"{queue.n_arriving - len(queue.arriving)} more are arriving, and are only counted"))
    if not queue.is_attended:
        parts.append(Text(NOBODY if n_at_work else NOBODY_LOOKS, style="yellow" if n_at_work else ""))
    return table if len(parts) == 1 else Group(*parts)


def _shown(jobs: Sequence[Job], most: int | None) -> list[Job]:
    """Jobs in their order; of each state, no more than `most`, so that what failed is not hidden by what waits."""
    numbers: Counter[JobState] = Counter()
    shown = []
    for job in sorted(jobs, key=_place):
        numbers[job.state] += 1
        if most is None or numbers[job.state] <= most:
            shown.append(job)
    return shown


def fitting(rows: Sequence[Mapping[str, str]], width: int) -> list[tuple[str, int]]:
    """The columns that have something to say and fit in, with the letters that each gets; remarks have what is left."""
    letters = {
        name: max([len(name), *(cell_len(Text.from_markup(row[name]).plain) for row in rows)]) for name in HEADINGS
    }
    wished = letters[REMARK]
    letters[REMARK] = min(wished, LEAST_REMARK)
    chosen = {"sweep", "state"}
    for name in BY_IMPORTANCE:
        is_wanted = name == "images" or any(row[name] for row in rows)
        if is_wanted and sum(letters[n] + GAP for n in {*chosen, name}) <= width:
            chosen.add(name)
    letters[REMARK] = min(wished, width - GAP - sum(letters[n] + GAP for n in chosen - {REMARK}))
    return [(name, letters[name]) for name in HEADINGS if name in chosen]


def count_by_state(queue: Queue) -> str:
    """How many there are in each state."""
    numbers = Counter(queue.n_in) - Counter({JobState.running: len(queue.interrupted)})
    words = [f"{queue.n_arriving} arriving"] if queue.n_arriving else []
    words += [f"{len(queue.interrupted)} {INTERRUPTED}"] if queue.interrupted else []
    words += [f"{numbers[s]} {WORDS.get(s, s)}" for s in ORDER if numbers.get(s)]
    return ", ".join(words) or "no sweeps yet"


def _place(job: Job) -> tuple[int, float, int]:
    group = min(ORDER.index(job.state), 2)
    latest = -(job.finished_at or job.found_at) if group == 2 else job.completed_at
    return (3 if job.state is JobState.listed else group, latest, job.id)


def _cells(job: Job, now: float, is_interrupted: bool, changed: str = "") -> dict[str, str]:
    if is_interrupted:
        return _cells(job, now, False) | {"state": f"[yellow]{INTERRUPTED}[/]", REMARK: escape(TO_RESUME)}
    result = job.result if job.state in WITH_RESULT else {}
    colour, verdict = COLOURS[job.state], verdict_of(result)
    if job.state is JobState.failed and group_of(result):  # a failure is not good for being in a group
        verdict = ""
    return {
        "sweep": escape(legible(job.name)),
        "state": f"[{colour}]{WORDS.get(job.state, job.state)}[/]",
        "images": images_in_words(result.get("n_images") or job.n_images, result.get("n_images_used")),
        "space group": result.get("space_group") or "",
        "cell": " ".join(f"{x:.1f}" for x in result.get("unit_cell") or ()),
        **{heading: _figure(result.get(key), form) for heading, (key, form) in FIGURES.items()},
        "quality": f"[{HUES[verdict]}]{VERDICTS[verdict]}[/]" if verdict in HUES else verdict,
        "time": _time(job, now),
        REMARK: escape(legible("; ".join(filter(None, (_remark(job, now), changed))))),
    }


def _coming(arriving: Arriving, now: float) -> dict[str, str]:
    return dict.fromkeys(HEADINGS, "") | {
        "sweep": escape(legible(arriving.name)),
        "state": "[magenta]arriving[/]",
        "images": str(arriving.n_images),
        REMARK: escape(legible(coming_words(arriving, now))),
    }


def coming_words(arriving: Arriving, now: float) -> str:
    """What lacks, and how long it is waited for."""
    if arriving.until is None:
        return arriving.words
    left = max(0.0, arriving.until - now)
    return f"{arriving.words}; if nothing more comes, taken as it is in {duration(left)}"


def _figure(value: float | None, form: Form) -> str:
    return "" if value is None else written(value, form)


def _time(job: Job, now: float) -> str:
    """Since when it waits or works; how long it was worked on, and how long it had waited before."""
    if job.state is JobState.queued:
        return duration(max(0.0, now - job.due_since))
    if job.state is JobState.running:
        return duration(now - (job.started_at or now))
    return "" if job.state is JobState.listed else times_in_words(job.processing_time, job.waited)


def _remark(job: Job, now: float) -> str:
    if job.state is JobState.running:
        again = f"begun again: {job.last_crash}" if job.last_crash else ""
        return "; ".join(filter(None, (job.progress, again)))
    prefix = "" if job.state is JobState.listed else "partial: "
    remarks = [prefix + job.partial] if job.partial else []
    if job.error:
        remarks.insert(0, job.error)
    if job.state is JobState.processed:
        remarks.append(doubts_in_words(job.result))
    elif job.state is JobState.failed:
        remarks.append(group_of(job.result).get("words", ""))
    if job.state is JobState.queued and job.not_before > now:
        remarks.append(f"again in {duration(job.not_before - now)}")
    ignored = ignored_by(job) if job.state in WITH_RESULT else []
    if ignored:
        remarks.append(f"ignored: {first_of(ignored, 1)}")
    if job.damage != job.error:
        remarks.append(job.damage)
    return "; ".join(filter(None, remarks))


def story_lines(job: Job, is_interrupted: bool = False, changed: str = "") -> list[str]:
    """All that is known of one sweep; is_interrupted : its program is gone; changed : files of parameters, since."""
    state = f"{INTERRUPTED}; {TO_RESUME}" if is_interrupted else WORDS.get(job.state, job.state)
    images = f", {job.image_range[0]} to {job.image_range[1]}" if job.image_range else ""
    lines = [
        f"{job.name}: {state}",
        f"    of       {', '.join(job.result.get('members') or ()) or 'several sweeps'}"
        if job.kind == COMBINED
        else f"    images   {legible(job.path)}{images}",
        f"    found    {_clock(job.found_at)}; last image {_clock(job.completed_at)}"
        + (f"; asked for {_clock(job.asked_at)}" if job.asked_at else ""),
    ]
    lines += [f"    partial  {job.partial}"] if job.partial else []
    lines += [f"    damaged  {job.damage}"] if job.damage and job.damage != job.error else []
    lines += [f"    changed  {' '.join(f'{k}={v}' for k, v in job.parameters.items())}"] if job.parameters else []
    for entry in job.story:
        why = entry.get("because") or entry.get("error") or ""
        lines.append(f"    {_clock(entry['at'])}  {entry['event']}" + (f": {why}" if why else ""))
    if job.state is JobState.processed:
        lines.append("    " + result_line(job.name, job.result))
    elif job.state in WITH_RESULT and job.result:
        lines += ["    " + line for line in failure_lines(job.name, job.result)]
    elif job.error:
        lines += [f"    {job.error}", *([f"    {job.hint}"] if job.hint else [])]
    if job.latency is not None and job.state in WITH_RESULT:
        lines.append(f"    {job.latency:.1f} s from the last image to the results in their place")
    if job.state is JobState.processed:
        lines += [f"    ignored: {legible(one)}" for one in ignored_by(job)]
    return [*lines, *([f"    {legible(changed)}"] if changed else [])]


def _clock(seconds: float) -> str:
    return datetime.fromtimestamp(seconds).isoformat(sep=" ", timespec="seconds")
