"""What pages and programs are told of changes: facts, and each sweep's row as the page shows it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from autoproc.dashboard.columns import FIGURES
from autoproc.dashboard.pages import fragment
from autoproc.dashboard.rows import row_of
from autoproc.dashboard.visit_standing import visit_standing
from autoproc.reports.visit_index import MOST_MEMBERS
from autoproc.service.job_queue.jobs import JobQueue


def change_message(queue: JobQueue, ids: Sequence[int]) -> str:
    """JSON: the sweeps of these numbers and how the visit stands."""
    gone = queue.interrupted()
    facts = visit_standing(queue, gone)
    rows = [row_of(job, gone) for job in queue.overview.list.numbered(ids)]
    coming = {"html": fragment("arriving.html", **facts)}
    return json.dumps(facts | {"rows": [row | {"html": row_html(row)} for row in rows], "coming": coming})


def row_html(row: dict[str, Any]) -> str:
    """A sweep's row as the page has it."""
    return fragment("sweep_row.html", row=row, figures=FIGURES, most_members=MOST_MEMBERS)
