"""The pages of `autoproc run --serve`: a process beside the run, which costs it nothing whatever becomes of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from autoproc.dashboard.params import ServeParams
from autoproc.service.begin_process import FOR_THE_PROGRAM, THREADS, paths

LEAVING = 3.0
"""Seconds for the pages to end with the run."""


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
            _end(process)


def _begun(output: Path, params: ServeParams, say: Callable[[str], None]) -> subprocess.Popen[bytes] | None:
    program = [sys.executable, "-P", "-m", "autoproc", "serve", f"--beside={os.getpid()}"]
    kept = {name: value for name, value in os.environ.items() if name not in FOR_THE_PROGRAM}
    environment = kept | THREADS | {"PYTHONPATH": os.pathsep.join(paths())}
    try:
        return subprocess.Popen(
            [*program, str(output.absolute()), *as_words(params)], env=environment, stdin=subprocess.DEVNULL,
            process_group=0,
        )  # fmt: skip
    except OSError as error:
        say(f"the pages cannot be served ({error}); the run goes on without them")
        return None


def as_words(params: ServeParams) -> list[str]:
    """Parameters as the command line has them; the host is the last, as others have to be known by then."""
    values = params.model_dump(mode="json", exclude_defaults=True)
    return [f"serve.{key}={_word(values[key])}" for key in sorted(values, key=lambda key: key == "host")]


def _word(value: object) -> str:
    if isinstance(value, list):
        return ",".join(map(str, value))
    return value if isinstance(value, str) else json.dumps(value)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(LEAVING)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
