"""What goes wrong, said to people on a page and to programs as JSON."""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable, Callable, Mapping

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from autoproc.dashboard.access.part_of_site import LinkedElsewhere, NotYours
from autoproc.dashboard.files import NotHandedOut
from autoproc.dashboard.kept_back import words_for
from autoproc.dashboard.live_pages import NotFollowed
from autoproc.dashboard.pages import page
from autoproc.dashboard.wishes import BadBody, BadParameters, FilesOfOthers, NotPossible
from autoproc.errors import AutoprocError, ConfigurationError, CorruptFile
from autoproc.legible import legible
from autoproc.service.job_queue.jobs import UnknownSweep
from autoproc.service.processing.choose_results import CannotChoose

LONGEST_REASON = 200
"""Letters of what a library says of an error."""


class QueueAway(AutoprocError):
    """The queue's file cannot be read, or written, at the moment."""

    what = "the queue cannot be read or changed now ({reason}); nothing was changed"
    hint = "try again in a moment; if it stays so, look whether a program holds the queue's file, or its disk is full"
    retryable = True


class FileAway(AutoprocError):
    """A file of the results or images cannot be read."""

    what = "a file that this page needs cannot be read ({reason})"
    hint = "try again in a moment; if it stays so, look whether the file server is there, and process the sweep again"
    retryable = True


class Unforeseen(AutoprocError):
    """What nobody thought of: files that say what they should not, or a mistake of the program."""

    what = "this could not be shown: what is kept of it could not be understood ({reason})"
    hint = "its files may be damaged or of another version: process it again; the server's output has the details"


class NoSuchPage(AutoprocError):
    """An address that leads nowhere."""

    what = "there is nothing at {path}"
    hint = "look whether the address is right: no page has a slash at its end; the list leads to all there is"


STATUS: tuple[tuple[type[AutoprocError], int], ...] = (
    (UnknownSweep, 404), (NotHandedOut, 404), (NotFollowed, 404), (NoSuchPage, 404), (NotYours, 403),
    (LinkedElsewhere, 403), (FilesOfOthers, 403), (NotPossible, 409),
    (CannotChoose, 409), (BadParameters, 400), (BadBody, 400), (ConfigurationError, 400), (CorruptFile, 422),
    (Unforeseen, 500),
)  # fmt: skip
UNAVAILABLE = 503
"""The queue, or a file, cannot be read now."""


def status_of(error: Exception) -> int:
    """The status of an answer that tells of an error."""
    return next((status for kind, status in STATUS if isinstance(error, kind)), UNAVAILABLE)


def explained(error: Exception) -> AutoprocError:
    """What to say of an error, whatever it is."""
    if isinstance(error, AutoprocError):
        return error
    reason = f"{type(error).__name__}: {error}"[:LONGEST_REASON]
    if isinstance(error, sqlite3.OperationalError):
        return QueueAway(reason=str(error)[:LONGEST_REASON])
    return FileAway(reason=reason) if isinstance(error, OSError) else Unforeseen(reason=reason)


async def told(request: Request, error: Exception) -> Response:
    """The answer where an error has come up."""
    said = explained(error)
    words = words_for(request, said)
    if request.url.path.startswith("/api/"):
        return JSONResponse({"error": words.message, "hint": words.advice}, status_of(said))
    return page(request, "trouble.html", status_of(said), error=words)


async def nothing_there(request: Request, _: Exception) -> Response:
    """The answer to an address that leads nowhere."""
    return await told(request, NoSuchPage(path=legible(request.url.path)[:LONGEST_REASON]))


HANDLERS: Mapping[type[Exception] | int, Callable[[Request, Exception], Awaitable[Response]]] = {
    **dict.fromkeys((AutoprocError, sqlite3.OperationalError, OSError, Exception), told), 404: nothing_there,
}  # fmt: skip
"""Of all that may come up; what was not foreseen goes to the server's output besides."""
