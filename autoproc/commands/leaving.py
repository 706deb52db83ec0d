"""How every command leaves: with a message and an exit status, without a traceback for what a user can put right."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from typing import NoReturn

import typer

from autoproc.errors import AutoprocError, ConfigurationError
from autoproc.legible import legible_lines

OK, USAGE, FAILED, INTERRUPTED = 0, 2, 3, 130
"""Exit statuses: done; wrong arguments or parameters; input or processing failed; stopped by Ctrl-C."""


class CannotWrite(AutoprocError):
    """The system refuses to write a result."""

    what = "{path} cannot be written ({reason})"
    hint = "make room, or write elsewhere with --output"
    retryable = True


@contextmanager
def leaving_well() -> Iterator[None]:
    """Turn what can go wrong into a message and an exit status: no traceback for what a user can put right."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # names of files need not be UTF-8, and are said all the same
            stream.reconfigure(errors="backslashreplace")
    try:
        yield
    except AutoprocError as error:
        fail(error)
    except BrokenPipeError:
        # The reader of a pipe (head, less) has seen enough; keep the interpreter from complaining at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(OK) from None
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOTDIR,
                           errno.EISDIR, errno.EEXIST, errno.ENOENT, errno.ENAMETOOLONG, errno.ELOOP):  # fmt: skip
            fail(CannotWrite(path=error.filename or "the output", reason=error.strerror))
        raise
    except KeyboardInterrupt:
        typer.echo("\nautoproc: stopped", err=True)
        raise typer.Exit(INTERRUPTED) from None


def fail(error: AutoprocError) -> NoReturn:
    """Print an error as people want to read it, and leave."""
    say_error(error)
    raise typer.Exit(USAGE if isinstance(error, ConfigurationError) else FAILED)


def say_error(error: AutoprocError, prefix: str = "") -> None:
    """What happened, and below it what to do."""
    typer.echo(legible_lines(f"autoproc: {prefix}{error.message}"), err=True)
    if error.advice:
        typer.echo(legible_lines(f"          {error.advice}"), err=True)
