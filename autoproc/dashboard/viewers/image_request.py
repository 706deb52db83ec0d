"""A request for something of images: what it looks at, and how an answer goes out."""

from __future__ import annotations

import asyncio
import re
import zlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from contextvars import copy_context
from dataclasses import dataclass
from functools import partial, wraps
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from autoproc.config import Config, change_table
from autoproc.dashboard.kept_back import words_for
from autoproc.dashboard.website import site_of, subject_in
from autoproc.errors import AutoprocError, CorruptFile, InputError
from autoproc.models.experiment import Experiment
from autoproc.models.reflections import Reflections
from autoproc.overrides import BadParameter
from autoproc.service.job_queue.jobs import UnknownSweep
from autoproc.viewing.image_tiles import Pyramid
from autoproc.viewing.images import MOST_STACKED, NoSuchImage, NoSuchSweep, Stack, SweepOfImages
from autoproc.viewing.spot_view import MAPS
from autoproc.viewing.subject import ImagesElsewhere, NoSuchReflection, NothingToSee, Subject

WORKERS = ThreadPoolExecutor(4, thread_name_prefix="images")
"""Threads that read and prepare images; the event loop never does."""
NOT_KEPT: Mapping[str, str] = {"cache-control": "no-store"}
"""Headers of answers that a browser does not keep."""
FOR_EVER: Mapping[str, str] = {"cache-control": "private, max-age=31536000, immutable"}
"""Of answers whose address names their version."""
FASTEST = 1
"""Of zlib: more makes tiles a fifth smaller and takes ten times as long."""
SMALLEST_PACKED = 512
LONGEST_REPEATED = 40
"""Characters of an address that a message repeats."""
SEARCH = (
    "algorithm", "kernel_size", "n_sigma_background", "n_sigma_strong", "min_local", "global_threshold", "gain",
)  # fmt: skip
"""Parameters of find_spots that change what is strong on one image."""


class WrongQuestion(InputError):
    """An address with a number that is none."""

    what = "{name} is to be {expected}, not {value!r}"
    hint = "put the address right, or leave that part of it out"


def whole(name: str, text: str, low: int, high: int) -> int:
    """A whole number from low to high. Raises WrongQuestion."""
    if not re.fullmatch(r"-?[0-9]{1,10}", text) or not low <= int(text) <= high:
        raise WrongQuestion(name=name, expected=f"a number from {low} to {high}", value=text[:LONGEST_REPEATED])
    return int(text)


def numbers(name: str, text: str, n: int) -> list[float]:
    """So many numbers with commas between them, none beyond a thousand million. Raises WrongQuestion."""
    if (
        not re.fullmatch(r"-?[0-9]{1,9}(\.[0-9]{0,6})?(,-?[0-9]{1,9}(\.[0-9]{0,6})?)*", text)
        or text.count(",") != n - 1
    ):
        raise WrongQuestion(name=name, expected=f"{n} numbers", value=text[:LONGEST_REPEATED])
    return [float(part) for part in text.split(",")]


@dataclass(frozen=True, slots=True)
class Looked:
    """What a request looks at."""

    request: Request
    subject: Subject
    stage: str
    sweep: SweepOfImages

    @property
    def image(self) -> int:
        """The number in the path."""
        return whole("image", self.request.path_params["image"], 0, 10**9)

    @property
    def stack(self) -> Stack:
        """How many images are drawn as one, and how."""
        n = self.number("stack", 1, 1, MOST_STACKED)
        how = self.asked("how", "sum")
        return Stack(n, "maximum" if how == "maximum" and n > 1 else "sum")

    @property
    def pyramid(self) -> Pyramid:
        """What is drawn: counts, or a map of the spot finder's with the parameters in the query."""
        view = self.asked("view", "counts")
        if view == "counts":
            return self.sweep.pyramid(self.image, self.stack)
        if view not in MAPS:
            expected = f"counts or one of {', '.join(MAPS)}"
            raise WrongQuestion(name="view", expected=expected, value=view[:LONGEST_REPEATED])
        given = {name: text for name, text in self.request.query_params.items() if name in SEARCH}
        return self.sweep.spot_map(self.image, view, change_table(Config(), "find_spots", given).find_spots)

    @property
    def table(self) -> Reflections:
        """The reflections of the stage. Raises NothingToSee."""
        return self.subject.reflections(self.stage)

    @property
    def experiments(self) -> Sequence[Experiment]:
        """The models of the stage, of all the file's sweeps."""
        return self.subject.experiments(self.stage)

    @property
    def version(self) -> str:
        """The entity tag of what is drawn of an image. Raises NoSuchImage."""
        return f'"{self.sweep.version(self.image, self.stack)}"'

    def other(self, number: int) -> SweepOfImages:
        """Another sweep of the same file. Raises NoSuchSweep."""
        return site_of(self.request).images.sweep(self.subject, self.stage, number)

    def asked(self, name: str, otherwise: str = "") -> str:
        """A word of the query."""
        return self.request.query_params.get(name, otherwise)

    def number(self, name: str, otherwise: int, low: int, high: int) -> int:
        """A whole number of the query. Raises WrongQuestion."""
        text = self.request.query_params.get(name)
        return otherwise if text is None else whole(name, text, low, high)


def looked_at(request: Request, subject: Subject) -> Looked:
    """What the address names of a subject; without a stage, the last that has models."""
    stage = request.query_params.get("stage") or (subject.stages[-1] if subject.stages else "")
    number = whole("sweep", request.query_params.get("sweep", "0"), 0, 9999)
    return Looked(request, subject, stage, site_of(request).images.sweep(subject, stage, number))


def prepare(request: Request, subject: Subject) -> None:
    """Begin with the image that a page is about to ask for, while the browser is busy with the page."""
    WORKERS.submit(copy_context().run, _prepared, request, subject)


def _prepared(request: Request, subject: Subject) -> None:
    with suppress(AutoprocError):  # the page asks once more, and is told
        looked = looked_at(request, subject)
        image = looked.number("image", looked.sweep.first, 0, 10**9)
        request.path_params["image"] = str(image)
        _ = looked.pyramid


def in_thread(answer: Callable[[Looked], Response]) -> Callable[[Request], Awaitable[Response]]:
    """A route from a function that takes its time, and raises errors of ours, which are told as JSON."""

    @wraps(answer)
    async def route(request: Request) -> Response:
        try:
            subject = await subject_in(request)
            made = partial(_answered, answer, request, subject)
            return await asyncio.get_running_loop().run_in_executor(WORKERS, copy_context().run, made)
        except (UnknownSweep, NothingToSee, NoSuchImage, NoSuchReflection, NoSuchSweep, ImagesElsewhere) as error:
            return _said(request, error, 404)
        except (WrongQuestion, BadParameter) as error:
            return _said(request, error, 400)
        except CorruptFile as error:
            return _said(request, error, 422)
        except AutoprocError as error:
            return _said(request, error, 503)

    return route


def _answered(answer: Callable[[Looked], Response], request: Request, subject: Subject) -> Response:
    return answer(looked_at(request, subject))


def _said(request: Request, error: AutoprocError, status: int) -> Response:
    words = words_for(request, error)
    return JSONResponse({"error": words.message, "advice": words.advice}, status, {"cache-control": "no-store"})


def is_known(request: Request, version: str) -> bool:
    """Whether the browser has the answer of this version."""
    return version in request.headers.get("if-none-match", "")


def still_right(version: str) -> Response:
    """The answer to a browser that has it."""
    return Response(status_code=304, headers=dict(asking_again(version)))


def asking_again(version: str) -> Mapping[str, str]:
    """Of answers that a browser keeps, and asks each time whether they are still right; version : the entity tag."""
    return {"cache-control": "private, no-cache", "etag": version}


def packed(
    request: Request, content: bytes, kind: str = "application/octet-stream", keeping: Mapping[str, str] = NOT_KEPT
) -> Response:
    """An answer, compressed where the browser takes that; keeping : headers that say whether it may be kept."""
    headers = {**keeping, "vary": "accept-encoding"}
    if "gzip" in request.headers.get("accept-encoding", "") and len(content) >= SMALLEST_PACKED:
        packer = zlib.compressobj(FASTEST, zlib.DEFLATED, 31)
        content = packer.compress(content) + packer.flush()
        headers["content-encoding"] = "gzip"
    return Response(content, media_type=kind, headers=headers)


def as_json(request: Request, facts: dict[str, Any]) -> Response:
    """Facts, compressed."""
    return packed(request, bytes(JSONResponse(facts).body), "application/json")
