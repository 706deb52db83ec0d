"""What the program says while it works: to the terminal, and to a log file beside the results."""

from __future__ import annotations

import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

import numpy as np
from rich.console import Console as RichConsole
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from autoproc import __version__
from autoproc.errors import AutoprocError, details_of
from autoproc.formats.images.frames import ImageReader
from autoproc.legible import legible_lines


class Console:
    """Prints to a stream and, line for line, to a log file.

    Progress is a bar where the stream is a terminal, and a plain line every half minute where not; the log is
    of what was found, and holds none.
    A log that cannot be written, on a full disk for example, does not stop the work.
    """

    def __init__(self, log: Path | None = None, stream: TextIO | None = None, title: str = "") -> None:
        self._stream = sys.stdout if stream is None else stream
        self._log = log.open("w", encoding="utf-8", errors="backslashreplace") if log is not None else None
        self.log(f"autoproc {__version__} {title}".rstrip())

    def print(self, text: str = "") -> None:
        """A line or several, for the reader and the log."""
        print(legible_lines(text), file=self._stream, flush=True)
        self.log(text)

    def log(self, text: str) -> None:
        """A line or several for the log only."""
        if self._log is None:
            return
        try:
            print(legible_lines(text), file=self._log, flush=True)
        except OSError as error:
            self._give_up_log(error)

    def _give_up_log(self, error: OSError) -> None:
        log, self._log = self._log, None
        print(f"autoproc: the log can no longer be written ({error.strerror})", file=sys.stderr, flush=True)
        if log is not None:
            with suppress(OSError):
                log.close()

    @contextmanager
    def logging_errors(self) -> Iterator[None]:
        """Log what is raised, with the traceback of what nobody foresaw, and let it pass."""
        try:
            yield
        except AutoprocError as error:
            self.log_details(error)
            self.log(f"\nfailed: {error.message}\n{error.advice}")
            raise
        except OSError:
            self.log(traceback.format_exc())
            raise

    def log_details(self, error: BaseException) -> None:
        """Log the traceback of what lies behind an error, where its message does not say all."""
        details = details_of(error)
        if details:
            self.log(details)

    def close(self) -> None:
        """Close the log."""
        if self._log is not None:
            with suppress(OSError):
                self._log.close()

    def __enter__(self) -> Console:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def is_terminal(self) -> bool:
        """Somebody may be watching."""
        return bool(getattr(self._stream, "isatty", lambda: False)())

    @contextmanager
    def busy(self, label: str) -> Iterator[None]:
        """Something without a measure of its progress is under way; shown on terminals only."""
        if not self.is_terminal:
            yield
            return
        with RichConsole(file=self._stream).status(label, spinner="line"):
            yield

    @contextmanager
    def watch(self, reader: ImageReader, label: str, n_reads: int) -> Iterator[ImageReader]:
        """The same reader; how many of the expected readings are done is shown while the context lasts."""
        if self.is_terminal:
            columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
            with Progress(*columns, console=RichConsole(file=self._stream), transient=True) as progress:
                task = progress.add_task(label, total=n_reads)
                yield WatchedReader(reader, lambda n: progress.update(task, completed=min(n, n_reads)))
        else:
            yield WatchedReader(reader, self._plain_progress(label, n_reads))

    def _plain_progress(self, label: str, n_reads: int, every: float = 30.0) -> Callable[[int], None]:
        said = time.monotonic()

        def show(n: int) -> None:
            nonlocal said
            if time.monotonic() - said > every:
                said = time.monotonic()
                print(f"{label}: {min(n / n_reads, 1.0):.0%}", file=self._stream, flush=True)

        return show


class WatchedReader:
    """An image reader that tells how often it has been read."""

    def __init__(self, reader: ImageReader, tell: Callable[[int], None]) -> None:
        self._reader, self._tell = reader, tell
        self._n_read = 0
        self.n_frames, self.shape = reader.n_frames, reader.shape
        self.mask, self.min_trusted, self.max_trusted = reader.mask, reader.min_trusted, reader.max_trusted

    def read(self, frame: int) -> np.ndarray:
        """Counts of a frame."""
        counts = self._reader.read(frame)
        self._n_read += 1  # of several threads: one more or less does not matter to a bar
        self._tell(self._n_read)
        return counts

    def path(self, frame: int) -> Path:
        """The file of a frame."""
        return self._reader.path(frame)
