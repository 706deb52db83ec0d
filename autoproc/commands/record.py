"""`autoproc record`: a detector's stream, recorded as files."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from autoproc.commands.beside import depend_on
from autoproc.commands.leaving import CannotWrite, leaving_well
from autoproc.commands.saying import echo
from autoproc.config import read_config, with_command_line
from autoproc.errors import ConfigurationError, WrongArguments
from autoproc.legible import legible
from autoproc.overrides import split_arguments

if TYPE_CHECKING:
    from autoproc.recording.recorder import Recorder
    from autoproc.recording.subscription import Subscription

PATIENCE = 0.1
"""Seconds to wait for a message, then to look whether to stop."""
RETRY = 1.0
"""Seconds between looks whether a full disk has room again."""


class NoStreamLibraries(ConfigurationError):
    """What a stream is read with is not installed."""

    what = "autoproc record needs {library}, which is not installed"
    hint = "pip install 'autoproc[stream]'"


class Stopped:
    """Whether the program was told to stop."""

    def __init__(self) -> None:
        self.is_asked = False

    def ask(self, _: int, __: FrameType | None) -> None:
        """Be told."""
        self.is_asked = True

    @contextmanager
    def listening(self) -> Iterator[None]:
        """SIGTERM and Ctrl-C end recording well."""
        before = {number: signal.signal(number, self.ask) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def record_command(arguments: list[str], folder: Path | None, config: Path | None, beside: int | None = None) -> None:
    """Record the series of a stream until Ctrl-C.

    beside : number of the run that has begun this process: it ends with it
    """
    if beside is not None:
        depend_on(beside)
    with leaving_well():
        endpoints, changes = split_arguments(arguments)
        params = with_command_line(read_config(config), _named(endpoints, folder) | changes).record
        if not params.endpoint or params.folder is None:
            lacking = (
                "folder was given (--to FOLDER)" if params.endpoint else "stream was given, as in tcp://relay:31011"
            )
            raise WrongArguments(what_is_wrong=f"no {lacking}", command="record")
        try:
            from autoproc.recording.recorder import Recorder  # noqa: PLC0415  (an extra, needed by this command alone)
            from autoproc.recording.subscription import Subscription  # noqa: PLC0415
        except ModuleNotFoundError as error:
            raise NoStreamLibraries(library=error.name) from error
        make_folder(params.folder)
        stopped = Stopped()
        with stopped.listening(), closing(Subscription(params, say)) as stream:
            say(f"recording {params.endpoint} to {params.folder}; Ctrl-C stops", False)
            record(stream, Recorder(params.folder, params, say), stopped)


def _named(endpoints: list[str], folder: Path | None) -> dict[str, str]:
    """What is named without its parameter."""
    if len(endpoints) > 1:
        raise WrongArguments(what_is_wrong="more than one stream was given", command="record")
    named = {"record.endpoint": endpoints[0]} if endpoints else {}
    return named | ({} if folder is None else {"record.folder": str(folder)})


def make_folder(folder: Path) -> None:
    """Make the folder of the sweeps."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CannotWrite(path=folder, reason=error.strerror or error) from error


def record(stream: Subscription, recorder: Recorder, stopped: Stopped) -> None:
    """Take messages until told to stop; those that have come by then are still recorded."""
    while not stopped.is_asked:
        message = stream.next(PATIENCE)
        if message is not None:
            take(stream, recorder, message, stopped)
        recorder.poll()
    while (message := stream.next(0)) is not None and take(stream, recorder, message, stopped):
        pass
    recorder.close()


def take(stream: Subscription, recorder: Recorder, message: bytes, stopped: Stopped) -> bool:
    """Record a message, as soon as there is room for it; False where that did not come before the end."""
    from autoproc.recording.recorder import DiskFull  # noqa: PLC0415

    is_said = False
    while True:
        try:
            recorder.take(message)
        except DiskFull as error:
            if not is_said:
                say(str(error), True)
            is_said = True
            if stopped.is_asked:
                return False
            until = time.monotonic() + RETRY
            while (left := until - time.monotonic()) > 0 and not stopped.is_asked:
                stream.listen(left)
        else:
            if is_said:
                say("there is room again: recording goes on", False)
            return True


def say(text: str, is_bad: bool) -> None:
    """A line on the terminal, or in the service's log."""
    echo(legible(f"{time.strftime('%H:%M:%S')} {text}"), err=is_bad)
