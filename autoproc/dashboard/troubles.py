"""What goes wrong, said to people on a page and to programs as JSON."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from autoproc.dashboard.access.part_of_site import NotYours
from autoproc.dashboard.files import NotHandedOut
from autoproc.dashboard.pages import page
from autoproc.dashboard.wishes import BadBody, BadParameters, NotPossible
from autoproc.errors import AutoprocError, ConfigurationError
from autoproc.service.job_queue.jobs import UnknownSweep
from autoproc.service.processing.choose_results import CannotChoose

STATUS: tuple[tuple[type[AutoprocError], int], ...] = (
    (UnknownSweep, 404), (NotHandedOut, 404), (NotYours, 403), (NotPossible, 409), (CannotChoose, 409),
    (BadParameters, 400), (BadBody, 400), (ConfigurationError, 400),
)  # fmt: skip
UNAVAILABLE = 503
"""The queue, or a file, cannot be read now."""


def status_of(error: Exception) -> int:
    """The status of an answer that tells of an error."""
    return next((status for kind, status in STATUS if isinstance(error, kind)), UNAVAILABLE)


async def told(request: Request, error: Exception) -> Response:
    """The answer where an error of ours has come up."""
    assert isinstance(error, AutoprocError)
    if request.url.path.startswith("/api/"):
        return JSONResponse({"error": error.message, "hint": error.advice}, status_of(error))
    return page(request, "trouble.html", status_of(error), error=error)
