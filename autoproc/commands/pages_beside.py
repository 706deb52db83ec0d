"""The pages of `autoproc run --serve`: a process beside the run, which costs it nothing whatever becomes of it."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from autoproc.commands.beside import as_words, begin_beside, end
from autoproc.dashboard.params import ServeParams


@contextmanager
def pages_beside(is_wanted: bool, output: Path, params: ServeParams, say: Callable[[str], None]) -> Iterator[None]:
    """The pages of a folder of results meanwhile, if they are wanted; that they cannot be begun is said, no more.

    say : to the user
    """
    process = _begun(output, params, say) if is_wanted else None
    try:
        yield
    finally:
        if process is not None:
            end(process)


def _begun(output: Path, params: ServeParams, say: Callable[[str], None]) -> subprocess.Popen[bytes] | None:
    try:
        return begin_beside("serve", [str(output.absolute()), *as_words("serve", params, last="host")])
    except OSError as error:
        say(f"the pages cannot be served ({error}); the run goes on without them")
        return None
