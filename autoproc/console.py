"""What the program says while it works: to the terminal, and to a log file beside the results."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from rich.console import Console as RichConsole
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from autoproc import __version__
from autoproc.formats.frames import FrameBlock


class Console:
    """Prints to a stream and, line for line, to a log file.

    Progress is a bar where the stream is a terminal, and a plain line every few seconds where not.
    """

    def __init__(self, log: Path | None = None, stream: TextIO | None = None, title: str = "") -> None:
        self._stream = sys.stdout if stream is None else stream
        self._log = log.open("w", encoding="utf-8") if log is not None else None
        self.log(f"autoproc {__version__} {title}".rstrip())

    def print(self, text: str = "") -> None:
        """A line or several, for the reader and the log."""
        print(text, file=self._stream, flush=True)
        self.log(text)

    def log(self, text: str) -> None:
        """A line or several for the log only."""
        if self._log is not None:
            print(text, file=self._log, flush=True)

    def close(self) -> None:
        """Close the log."""
        if self._log is not None:
            self._log.close()

    def __enter__(self) -> Console:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def track(self, blocks: Iterator[FrameBlock], n_frames: int, label: str) -> Iterator[FrameBlock]:
        """The same blocks, with progress shown as they go by."""
        return self._bar(blocks, n_frames, label) if self._is_terminal else self._lines(blocks, n_frames, label)

    @property
    def _is_terminal(self) -> bool:
        return bool(getattr(self._stream, "isatty", lambda: False)())

    def _bar(self, blocks: Iterator[FrameBlock], n_frames: int, label: str) -> Iterator[FrameBlock]:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=RichConsole(file=self._stream), transient=True) as progress:
            task = progress.add_task(label, total=n_frames)
            for block in blocks:
                yield block
                progress.advance(task, len(block.data))

    def _lines(
        self, blocks: Iterator[FrameBlock], n_frames: int, label: str, every: float = 5.0
    ) -> Iterator[FrameBlock]:
        said = time.monotonic()
        for block in blocks:
            yield block
            if time.monotonic() - said > every:
                said = time.monotonic()
                self.print(f"{label}: {block.first + len(block.data)} of {n_frames} images")
