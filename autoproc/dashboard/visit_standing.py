"""How the whole visit stands: what is being processed, what is coming, how many sweeps there are of each kind."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from autoproc.dashboard.rows import arriving_row
from autoproc.dashboard.visit_address import VIEWS, View
from autoproc.legible import legible
from autoproc.service.job_queue.jobs import JobQueue
from autoproc.wording import counted


def visit_standing(queue: JobQueue, gone: Collection[int]) -> dict[str, Any]:
    """Facts of it; gone : numbers of the sweeps under way on which nobody works."""
    numbers = view_numbers(queue, gone)
    is_attended = queue.programs.is_attended
    return {
        "counts": numbers,
        "arriving": [arriving_row(arriving) for arriving in queue.programs.arriving()],
        "n_arriving": queue.programs.n_arriving,
        "is_attended": is_attended,
        "at_work": at_work(queue, is_attended, numbers),
    }


def view_numbers(queue: JobQueue, gone: Collection[int]) -> dict[str, int]:
    """How many sweeps each view has, by its key."""
    tally = queue.overview.list.tally()
    numbers = {view.key: _number(view, tally) for view in VIEWS}
    numbers["interrupted"] = len(gone)
    numbers["running"] -= len(gone)
    return numbers


def _number(view: View, tally: dict[tuple[str, str], int]) -> int:
    return sum(
        n
        for (state, verdict), n in tally.items()
        if (not view.states or state in view.states) and (not view.verdicts or verdict in view.verdicts)
    )


def who_is_at_work(queue: JobQueue) -> str:
    """The same, for who has not asked for the rest."""
    return at_work(queue, queue.programs.is_attended, view_numbers(queue, queue.interrupted()))


def at_work(queue: JobQueue, is_attended: bool, numbers: dict[str, int]) -> str:
    """Who is at work, and what on, in a sentence."""
    left = numbers["waiting"] + numbers["interrupted"]
    if not is_attended:
        goes_on = f": `autoproc run` goes on with {counted(left, 'sweep')}" if left else ""
        return f"no run is processing{goes_on}"
    watched = queue.programs.watched()
    where = f"watching {legible(', '.join(watched))}" if watched else "at work"
    doing = [f"{numbers['running']} under way" if numbers["running"] else "", f"{left} waiting" if left else ""]
    return ", ".join(filter(None, (where, *doing)))
