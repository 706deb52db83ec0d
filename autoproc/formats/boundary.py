"""The border between files that strangers wrote and the program: what goes wrong on bad bytes gets a name there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from autoproc.errors import AutoprocError, CorruptFile, UnreadableFile

P = ParamSpec("P")
R = TypeVar("R")

BAD_BYTES = (
    ArithmeticError, AttributeError, BufferError, LookupError, MemoryError, OSError, RuntimeError, TypeError,
    ValueError,
)  # fmt: skip
"""What readers and the libraries below them raise on bytes that nobody foresaw; UnicodeError and RecursionError are
among them."""

LONGEST_REASON = 200
"""Characters that a message has room for of what libraries say of a file."""


@contextmanager
def understood(path: str | Path) -> Iterator[None]:
    """Turn whatever is raised while a file is read into CorruptFile with its name; the cause is kept for the log.

    Errors of the program's own pass as they are. The text of others is not told: it may quote the file.
    """
    try:
        yield
    except AutoprocError:
        raise
    except OSError as error:
        if error.errno:
            raise UnreadableFile(path=path, reason=error.strerror or type(error).__name__) from error
        raise CorruptFile(path=path, reason=str(error)[:LONGEST_REASON]) from error
    except MemoryError as error:
        raise CorruptFile(path=path, reason="reading it takes more memory than there is") from error
    except BAD_BYTES as error:
        raise CorruptFile(path=path, reason=f"it cannot be understood ({type(error).__name__})") from error


def reads_file(read: Callable[Concatenate[str | Path, P], R]) -> Callable[Concatenate[str | Path, P], R]:
    """A function whose first argument is the file that it reads, at the border (see `understood`)."""

    @wraps(read)
    def careful(path: str | Path, /, *args: P.args, **kwargs: P.kwargs) -> R:
        with understood(path):
            return read(path, *args, **kwargs)

    return careful
