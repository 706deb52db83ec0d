"""Lines on the terminal, of programs that go on when nobody reads them any more."""

from __future__ import annotations

import os
import sys
from contextlib import suppress

import typer


def echo(line: str, err: bool = False) -> None:
    """Say a line. Where the terminal or the pipe's reader is gone, the work goes on without; a log has what matters."""
    try:
        typer.echo(line, err=err)
    except (OSError, ValueError):  # EPIPE, EIO of a terminal that is gone; a closed file
        with suppress(OSError, ValueError):  # no descriptor at all: nothing is left to be mended
            os.dup2(os.open(os.devnull, os.O_WRONLY), (sys.stderr if err else sys.stdout).fileno())
