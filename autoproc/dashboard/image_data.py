"""What the image viewer asks for: facts, tiles and reflections, of the images of a sweep or of files."""

from __future__ import annotations

import asyncio
import re
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial, wraps
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from autoproc.dashboard.website import site_of, subject_in
from autoproc.errors import AutoprocError, InputError
from autoproc.service.jobs import UnknownSweep
from autoproc.viewing.contrast import contrast
from autoproc.viewing.image_facts import image_facts, sweep_facts
from autoproc.viewing.images import MOST_STACKED, NoSuchImage, NoSuchSweep, Stack, SweepOfImages
from autoproc.viewing.reflections_on_image import reflections_on_image
from autoproc.viewing.subject import NothingToSee, Subject

WORKERS = ThreadPoolExecutor(4, thread_name_prefix="images")
"""Threads that read and prepare images; the event loop never does."""
FOR_EVER = "private, max-age=31536000, immutable"
"""Of answers whose address names their version."""
FASTEST = 1
"""Of zlib: more makes tiles a fifth smaller and takes ten times as long."""
SMALLEST_PACKED = 512


class WrongQuestion(InputError):
    """An address with a number that is none."""

    what = "{name} is to be {expected}, not {value!r}"


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
        how = self.request.query_params.get("how", "sum")
        return Stack(n, "maximum" if how == "maximum" and n > 1 else "sum")

    def number(self, name: str, otherwise: int, low: int, high: int) -> int:
        """A whole number of the query. Raises WrongQuestion."""
        text = self.request.query_params.get(name)
        return otherwise if text is None else whole(name, text, low, high)


def whole(name: str, text: str, low: int, high: int) -> int:
    """A whole number from low to high. Raises WrongQuestion."""
    if not re.fullmatch(r"-?[0-9]{1,10}", text) or not low <= int(text) <= high:
        raise WrongQuestion(name=name, expected=f"a number from {low} to {high}", value=text[:40])
    return int(text)


def looked_at(request: Request, subject: Subject) -> Looked:
    """What the address names of a subject; without a stage, the last that has models."""
    stage = request.query_params.get("stage") or (subject.stages[-1] if subject.stages else "")
    number = whole("sweep", request.query_params.get("sweep", "0"), 0, 9999)
    return Looked(request, subject, stage, site_of(request).images.sweep(subject, stage, number))


Answer = Callable[[Request], Any]


def in_thread(answer: Callable[[Looked], Response]) -> Answer:
    """A route from a function that takes its time, and raises errors of ours, which are told as JSON."""

    @wraps(answer)
    async def route(request: Request) -> Response:
        try:
            subject = await subject_in(request)
            made = partial(_answered, answer, request, subject)
            return await asyncio.get_running_loop().run_in_executor(WORKERS, made)
        except (UnknownSweep, NothingToSee, NoSuchImage, NoSuchSweep) as error:
            return _said(error, 404)
        except WrongQuestion as error:
            return _said(error, 400)
        except AutoprocError as error:
            return _said(error, 503)

    return route


def _answered(answer: Callable[[Looked], Response], request: Request, subject: Subject) -> Response:
    return answer(looked_at(request, subject))


def _said(error: AutoprocError, status: int) -> Response:
    return JSONResponse({"error": error.message, "advice": error.advice}, status, {"cache-control": "no-store"})


def packed(request: Request, content: bytes, kind: str = "application/octet-stream", keep: bool = True) -> Response:
    """An answer, compressed where the browser takes that."""
    headers = {"cache-control": FOR_EVER if keep else "no-store", "vary": "accept-encoding"}
    if "gzip" in request.headers.get("accept-encoding", "") and len(content) >= SMALLEST_PACKED:
        packer = zlib.compressobj(FASTEST, zlib.DEFLATED, 31)
        content = packer.compress(content) + packer.flush()
        headers["content-encoding"] = "gzip"
    return Response(content, media_type=kind, headers=headers)


def as_json(request: Request, facts: dict[str, Any], keep: bool = False) -> Response:
    """Facts, compressed."""
    return packed(request, bytes(JSONResponse(facts).body), "application/json", keep)


@in_thread
def facts(asked: Looked) -> Response:
    """Of the sweep: stages, images, models."""
    subject = asked.subject
    said = {
        "title": subject.title,
        "stage": asked.stage,
        "stages": list(subject.stages),
        "tables": list(subject.tables),
        "version": asked.sweep.version,
        **sweep_facts(asked.sweep),
    }
    return as_json(asked.request, said)


@in_thread
def image(asked: Looked) -> Response:
    """Of an image, or a stack: its file, lattices, histogram and limits."""
    pyramid = asked.sweep.pyramid(asked.image, asked.stack)
    said = {
        **image_facts(asked.sweep, asked.image),
        **contrast(pyramid),
        "step": pyramid.step,
        "lowest": pyramid.lowest,
    }
    return as_json(asked.request, said)


@in_thread
def tile(asked: Looked) -> Response:
    """The codes of a tile, row by row, of one, two or four bytes."""
    pyramid = asked.sweep.pyramid(asked.image, asked.stack)
    level, row, column = (whole(name, asked.request.path_params[name], 0, 9999) for name in ("level", "row", "column"))
    try:
        codes = pyramid.tile(level, row, column)
    except IndexError as error:
        raise WrongQuestion(name="tile", expected="within the image", value=f"{level}/{row}/{column}") from error
    return packed(asked.request, codes.astype(codes.dtype.newbyteorder("<")).tobytes())


@in_thread
def reflections(asked: Looked) -> Response:
    """The reflections of the stage that are on an image, or the words that it has none."""
    try:
        table = asked.subject.reflections(asked.stage)
    except NothingToSee as none:
        return as_json(asked.request, {"n": 0, "columns": {}, "fates": [], "words": none.message})
    n_experiments = len(asked.subject.experiments(asked.stage))
    n_images = asked.number("stack", 1, 1, MOST_STACKED)
    return as_json(asked.request, reflections_on_image(table, asked.sweep, n_experiments, asked.image, n_images))
