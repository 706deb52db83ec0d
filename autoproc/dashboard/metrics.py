"""Numbers for whoever watches many programs at once, as Prometheus reads them.

Text format: https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from autoproc import __version__
from autoproc.dashboard.website import visit_of
from autoproc.service.job_queue.job import JobState
from autoproc.service.job_queue.jobs import JobQueue

CONTENT = "text/plain; version=0.0.4; charset=utf-8"
LATEST = 100
"""Sweeps whose times are told: those of the last hours."""
QUANTILES = (0.5, 0.9)


def measured(queue: JobQueue, n_followers: int) -> str:
    """The text."""
    tally, gone = queue.overview.list.tally(), queue.interrupted()
    states = [({"state": state, "verdict": verdict}, n) for (state, verdict), n in sorted(tally.items())]
    waiting = queue.overview.next_in(JobState.queued, 1)
    wait = max(0.0, time.time() - waiting[0].due_since) if waiting else 0.0
    latest = queue.overview.next_in(JobState.processed, LATEST)
    done = sorted(job.latency for job in latest if job.latency is not None)
    latencies = [({"quantile": str(q)}, done[int(q * (len(done) - 1))]) for q in QUANTILES if done]
    lines = [
        *_gauge("autoproc_info", "Version of the program.", [({"version": __version__}, 1)]),
        *_gauge("autoproc_sweeps", "Sweeps of each state and verdict.", states),
        *_gauge("autoproc_sweeps_interrupted", "Sweeps under way on which nobody works.", [({}, len(gone))]),
        *_gauge("autoproc_sweeps_arriving", "Sweeps whose images are coming.", [({}, queue.programs.n_arriving)]),
        *_gauge("autoproc_at_work", "A program is at work on the queue.", [({}, int(queue.programs.is_attended))]),
        *_gauge("autoproc_longest_wait_seconds", "How long the sweep waits that has waited longest.", [({}, wait)]),
        *_gauge(
            "autoproc_latency_seconds",
            f"From the arrival of the last image to the results in their place, of the latest {LATEST} sweeps, "
            "without those that were asked for afterwards.",
            latencies,
        ),
        *_gauge("autoproc_pages_open", "Browsers that listen to events.", [({}, n_followers)]),
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


def _gauge(name: str, words: str, values: Iterable[tuple[Mapping[str, Any], float]]) -> list[str]:
    return [f"# HELP {name} {words}", f"# TYPE {name} gauge", *(f"{name}{_labels(on)} {n:g}" for on, n in values)]


def _labels(labels: Mapping[str, Any]) -> str:
    quoted = [f'{name}="{_escaped(str(value))}"' for name, value in labels.items()]
    return f"{{{','.join(quoted)}}}" if quoted else ""


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


async def metrics(request: Request) -> PlainTextResponse:
    """The numbers."""
    visit = visit_of(request)
    text = await visit.reader.ask(lambda queue: measured(queue, visit.feed.n_followers))
    return PlainTextResponse(text, media_type=CONTENT)


routes = [Route("/metrics", metrics)]
