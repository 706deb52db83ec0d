"""index.html: all sweeps of a visit in one table, the newest first, with links to their results."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from autoproc.reports.in_group import doubts_left, group_of, said_in_doubt, verdict_of
from autoproc.reports.page import render
from autoproc.wording import VERDICTS, Form, angstrom, counted, first_of, images_in_words, written

Lamp = Literal["good", "look", "bad", "open"]
LAMPS: Mapping[str, Lamp] = {"good": "good", "look": "look", "bad": "bad"}
STATES: Mapping[str, tuple[Lamp, str]] = {
    "arriving": ("open", "arriving"), "queued": ("open", "waiting"), "running": ("open", "running"),
    "interrupted": ("look", "interrupted"), "begun": ("open", "begun"),
    "failed": ("bad", "failed"), "cancelled": ("open", "cancelled"), "set_aside": ("bad", "set aside"),
    "not_combined": ("open", "not combined"),
}  # fmt: skip
TOLD = ("failed", "not_combined")
"""States of sweeps and groups without figures, whose report says why."""
OPEN = ("arriving", "queued", "running", "interrupted")
AT_WORK = ("arriving", "running")
"""States that are true only while a program is at work."""
FAILED = ("failed", "set_aside")
"""States of sweeps that somebody has to see to."""
ALONE = "no result alone"
"""Of sweeps that failed by themselves, and whose group has made something of their spots."""
FILES = ("merged.mtz", "summary.txt")
MOST_MEMBERS = 8
"""Sweeps of a group that its row names; its report has all of them."""
LIFE = ".autoproc/alive.html"
"""Beside the page: a line that is written again and again while a program is at work, which the page shows."""


@dataclass(frozen=True, slots=True)
class SweepRow:
    """A sweep as the page shows it; texts are ready, "" where there is nothing to say.

    state : as the queue has it; folder : relative to the page; words : in place of figures
    look_at : why its light is not green; to_do : about what is said in words
    has_earlier : results of before stand until there are new ones
    group : that its data are part of, and in_group : how it stands there, in words; members : sweeps of a group, and
    left_out : those of which nothing is in its result
    """

    name: str
    state: str
    verdict: str
    folder: str
    words: str = ""
    visit: str = ""
    space_group: str = ""
    cell: str = ""
    d_min: str = ""
    completeness: str = ""
    r_meas_inner: str = ""
    cc_half: str = ""
    n_lattices: str = ""
    n_images: str = ""
    partial: bool = False
    has_earlier: bool = False
    look_at: str = ""
    to_do: str = ""
    group: str = ""
    in_group: str = ""
    members: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()

    @property
    def named_members(self) -> tuple[str, ...]:
        """The first of them."""
        return self.members[:MOST_MEMBERS]

    @property
    def about_group(self) -> tuple[str, str]:
        """How it stands in its group, in words: what is said before the group's name, and behind it."""
        before, _, behind = self.in_group.partition(self.group)
        return f"{before[:1].upper()}{before[1:]}", f"{behind}."

    @property
    def lamp(self) -> Lamp:
        """Its colour."""
        return self._judged[0]

    @property
    def verdict_words(self) -> str:
        """What the colour means, for those who cannot see it."""
        return self._judged[1]

    @property
    def _judged(self) -> tuple[Lamp, str]:
        return judged(self.state, self.verdict)

    @property
    def is_at_work(self) -> bool:
        """What is said of it is true only while a program is at work."""
        return self.state in AT_WORK

    @property
    def has_report(self) -> bool:
        """There is a folder with a report."""
        return self.has_earlier or self.state in ("processed", *TOLD)

    @property
    def files(self) -> tuple[str, ...]:
        """Files to link to beside the report."""
        return FILES if self.state == "processed" else FILES[1:] if self.state in TOLD else ()


def judged(state: str, verdict: str) -> tuple[Lamp, str]:
    """The colour of a sweep, and what it means in words."""
    if state == "processed":
        return LAMPS.get(verdict, "look"), VERDICTS.get(verdict, "processed")
    if state == "failed" and verdict == "good":
        return "open", ALONE
    return STATES.get(state, ("open", state))


@dataclass(frozen=True, slots=True)
class Alive:
    """Whether a program is at work on what the page shows.

    written_at : when it was written, seconds since 1970; silence : seconds without another writing after which the
    program is taken to be gone; is_over : it has said that it stops
    """

    written_at: float
    silence: float
    is_over: bool = False


@dataclass(frozen=True, slots=True)
class ListedRow:
    """Images that were not processed, and why."""

    name: str
    n_images: int
    words: str


def sweep_row(
    name: str,
    state: str,
    result: Mapping[str, Any],
    n_images: int,
    words: str = "",
    visit: str = "",
    partial: bool = False,
    has_earlier: bool = False,
    to_do: str = "",
) -> SweepRow:
    """A row from what the queue keeps of a result; words : error or progress of a sweep without figures.

    to_do : about an error
    """
    group = group_of(result) if state in ("processed", "failed") else {}
    is_processed = state == "processed" and bool(result.get("unit_cell"))
    figures = _figures(result) if is_processed else {}
    shown = images_in_words(int(result.get("n_images") or n_images), result.get("n_images_used"))
    return SweepRow(
        name,
        state,
        verdict_of(result),
        name,
        words,
        visit,
        n_images=shown,
        partial=partial,
        has_earlier=has_earlier,
        look_at=_worst_first(result) if state == "processed" else "",
        to_do=to_do if state in FAILED and judged(state, verdict_of(result))[1] != ALONE else "",
        group=group.get("name", ""),
        in_group=group.get("words", ""),
        members=tuple(result.get("members") or ()) if state == "processed" else (),
        left_out=tuple(result.get("left_out") or ()),
        **figures,
    )


def _worst_first(result: Mapping[str, Any]) -> str:
    """Why a light is not green: the gravest of what is said, whole, and how much more there is; "" where it is."""
    names, said = doubts_left(result), said_in_doubt(result)
    if not names:
        return ""
    more = len(said) - 1
    rest = f" {more} more in the summary." if more > 0 else ""
    return f"{said[0][:1].upper()}{said[0][1:]}.{rest}" if said else f"{first_of(names)}."


def _figures(result: Mapping[str, Any]) -> dict[str, str]:
    def text(key: str, form: Form) -> str:
        value = result.get(key)
        return "" if value is None else written(value, form)

    return {
        "space_group": str(result.get("space_group") or ""),
        "cell": " ".join(f"{x:.1f}" for x in result["unit_cell"]),
        "d_min": text("d_min", angstrom),
        "completeness": f"{text('completeness', '{:.1f}')}%" if result.get("completeness") is not None else "",
        "r_meas_inner": text("r_meas_inner", "{:.3f}"),
        "cc_half": text("cc_half", "{:.3f}"),
        "n_lattices": text("n_lattices", "{:d}"),
    }


def visit_index(
    rows: Sequence[SweepRow],
    listed: Sequence[ListedRow] = (),
    title: str = "autoproc",
    written: str = "",
    refresh: int = 0,
    alive: Alive | None = None,
    tally: Mapping[tuple[str, str], int] | None = None,
    pages: Sequence[tuple[str, str]] = (),
    n_groups: int = 0,
) -> str:
    """The page as text.

    rows : as they are to stand; written : when, in words; refresh : seconds after which a browser loads it anew
    while sweeps are open, 0 never; alive : until when it tells the truth if it is not written again
    tally : number of sweeps of each state and verdict, where the rows are not all
    pages : words and addresses of the pages that show all sweeps; "" for the page itself
    n_groups : of sweeps, which are counted among the sweeps
    """
    tally = Counter((row.state, row.verdict) for row in rows) if tally is None else tally
    is_open = any(n for (state, _), n in tally.items() if state in OPEN)
    life = "" if alive is None or is_open else LIFE  # while sweeps are open the page itself is written often enough
    return render(
        "index.html", title=title, rows=rows, here={row.name for row in rows}, listed=listed,
        counts=counts_in_words(tally, n_groups), written=written, alive=alive if is_open else None, life=life,
        interrupted_counts=counts_in_words(_interrupted(tally), n_groups),
        pages=pages, refresh=refresh if is_open or not rows else max(refresh, 60) if refresh else 0,
    )  # fmt: skip


def alive_line(alive: Alive, written: str) -> str:
    """The small page of LIFE, as text: that a program is at work, and from when on it is not; written : in words."""
    return render("alive.html", alive=alive, written=written)


def _interrupted(tally: Mapping[tuple[str, str], int]) -> Mapping[tuple[str, str], int]:
    """The numbers when no program is at work any more."""
    found: Counter[tuple[str, str]] = Counter()
    for (state, verdict), n in tally.items():
        found["interrupted" if state in AT_WORK else state, verdict] += n
    return found


def counts_in_words(tally: Mapping[tuple[str, str], int], n_groups: int = 0) -> str:
    """How many sweeps, and how they stand, from the number of each state and verdict; n_groups : among these."""
    found: Counter[str] = Counter()
    for (state, verdict), n in tally.items():
        found[judged(state, verdict)[1]] += n
    said = [f"{n} {words}" for words, n in found.items() if n]
    if not said:
        return "no sweeps yet"
    groups = f" and {counted(n_groups, 'group')} of them" if n_groups else ""
    return f"{counted(sum(found.values()) - n_groups, 'sweep')}{groups}: {', '.join(said)}"
