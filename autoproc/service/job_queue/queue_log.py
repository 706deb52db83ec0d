"""The logs of a queue: one for people, one for programs."""

from __future__ import annotations

import json
import logging
import sys
import time
from datetime import UTC, datetime
from logging.handlers import RotatingFileHandler
from pathlib import Path

from autoproc.service.events import Event, details_lines, event_lines
from autoproc.service.params import ServiceParams

MEGABYTE = 1 << 20


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
        for line in (*event_lines(event), *details_lines(event)):
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
