"""What happens to sweeps, told to whoever listens: the log for people, the log for programs, the terminal, hooks."""

from __future__ import annotations

import json
import logging
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any, Literal

from autoproc.legible import legible, legible_lines
from autoproc.service.params import ServiceParams
from autoproc.service.result import failure_lines, result_line
from autoproc.wording import counted

Kind = Literal[
    "found", "extended", "again", "already", "listed", "started", "said", "processed", "failed", "put back", "crashed",
    "set aside", "interrupted", "stopped", "handed back", "hook failed", "trouble", "begin", "stopping", "end",
]  # fmt: skip
BAD = ("failed", "set aside", "crashed", "hook failed", "trouble")
MEGABYTE = 1 << 20


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened: what, to which sweep ("" for the program itself), and the facts."""

    kind: Kind
    sweep: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_bad(self) -> bool:
        """Somebody should look at it."""
        return self.kind in BAD


Listener = Callable[[Event], None]


def event_lines(event: Event) -> list[str]:
    """An event as people read it. What a worker says may be of several lines; nothing else can feign one."""
    shown = legible_lines if event.kind == "said" else legible
    return [shown(line) for line in _lines(event)]


def _lines(event: Event) -> list[str]:
    name, facts = event.sweep, event.facts
    match event.kind:
        case "found" | "extended" | "again":
            because = {"extended": ", more of them than before", "again": ", once more"}.get(event.kind, "")
            partial = f", partial: {facts['partial']}" if facts.get("partial") else ""
            changes = f", with {in_words(facts['changes'])}" if facts.get("changes") else ""
            return [f"{name}: {counted(facts['n_images'], 'image')}{because}{changes}{partial}"]
        case "processed":
            return [result_line(name, dict(facts)) + _latency(facts)]
        case "failed":
            return failure_lines(name, dict(facts))
        case "set aside":
            return [f"{name}: SET ASIDE: {facts['error']}", f"    {facts['hint']}"]
        case "put back":
            return [f"{name}: {facts['error']}; tried again in {facts['delay']:.0f} s"]
        case "crashed":
            return [f"{name}: {facts['error']}; tried again"]
        case "started":
            return [f"{name}: started" + (f", attempt {facts['attempt']}" if facts["attempt"] > 1 else "")]
        case "said" | "trouble" | "hook failed" | "begin" | "stopping" | "end" | "listed" | "already":
            return [f"{name}: {facts['text']}" if name and event.kind != "said" else facts["text"]]
    return [f"{name}: {event.kind}"]


def in_words(changes: Mapping[str, str]) -> str:
    """Parameters as they were given."""
    return " ".join(f"{key}={value}" for key, value in changes.items())


def _latency(facts: Mapping[str, Any]) -> str:
    latency = facts.get("latency")
    return "" if latency is None else f"  latency {duration(latency)}"


def duration(seconds: float) -> str:
    """Seconds as people say them."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    if seconds < 6000:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.0f} h" if seconds < 172800 else f"{seconds / 86400:.0f} days"


class QueueLog:
    """Two logs of all sweeps: one to read, and one of JSON lines. Neither ever stops the work."""

    def __init__(self, folder: Path, params: ServiceParams) -> None:
        self._text = _logger(folder / "queue.log", params)
        self._json = _logger(folder / "queue.jsonl", params)

    def __call__(self, event: Event) -> None:
        """Write an event to both."""
        at = datetime.fromtimestamp(time.time(), UTC).isoformat(timespec="milliseconds")
        record = {"time": at, "event": event.kind, "sweep": event.sweep or None} | dict(event.facts)
        self._json.info(json.dumps(record, default=str))
        level = logging.ERROR if event.is_bad else logging.INFO
        for line in event_lines(event):
            self._text.log(level, f"{at[:19]}Z  {line}")

    def close(self) -> None:
        """Close the files."""
        for logger in (self._text, self._json):
            for handler in logger.handlers:
                handler.close()


class QuietHandler(RotatingFileHandler):
    """A log that says once that it cannot be written, and goes on when it can."""

    _has_complained = False

    def handleError(self, record: logging.LogRecord) -> None:
        """Say it once."""
        if not self._has_complained:
            self._has_complained = True
            print(f"autoproc: {self.baseFilename} cannot be written ({sys.exception()})", file=sys.stderr)


def _logger(path: Path, params: ServiceParams) -> logging.Logger:
    """A logger of its own, without a name that others could find."""
    logger = logging.Logger(path.name)
    handler = QuietHandler(
        path,
        maxBytes=int(params.log_size * MEGABYTE),
        backupCount=params.log_count,
        encoding="utf-8",
        errors="backslashreplace",
        delay=True,
    )
    handler.setFormatter(logging.Formatter("%(message)s"))
    logger.addHandler(handler)
    return logger
