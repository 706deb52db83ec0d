"""What the image viewer asks for of images: facts and tiles."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from autoproc.config import Config
from autoproc.dashboard.viewers.image_request import (
    SEARCH,
    Looked,
    WrongQuestion,
    as_json,
    asking_again,
    in_thread,
    is_known,
    numbers,
    packed,
    still_right,
    whole,
)
from autoproc.viewing.contrast import contrast
from autoproc.viewing.image_models import image_models, sweep_facts
from autoproc.viewing.images import data_sets_of_sweeps, sweep_names
from autoproc.viewing.line_profile import line_profile
from autoproc.viewing.spot_view import BINARY, MAPS
from autoproc.viewing.untrusted_view import untrusted_facts


def _as_typed(value: Any) -> str:
    """A parameter as one would type it; "" for none."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:g}"
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


@in_thread
def facts(asked: Looked) -> Response:
    """Of the sweep: stages, images, models, and the spot finder's usual parameters."""
    subject = asked.subject
    usual = Config().find_spots.model_dump(include=set(SEARCH))
    said = {
        "title": subject.title,
        "stage": asked.stage,
        "stages": list(subject.stages),
        "tables": list(subject.tables),
        "sweeps": sweep_names(subject.experiments(asked.stage)),
        "data_sets": data_sets_of_sweeps(subject.experiments(asked.stage)),
        "views": list(MAPS),
        "search": {name: _as_typed(value) for name, value in usual.items()},
        **sweep_facts(asked.sweep),
    }
    return as_json(asked.request, said)


@in_thread
def image(asked: Looked) -> Response:
    """Of an image, or a stack: its file, lattices, histogram and limits."""
    pyramid = asked.pyramid
    said = {
        **image_models(asked.sweep, asked.image, asked.stack),
        **contrast(pyramid),
        "step": pyramid.step,
        "lowest": pyramid.lowest,
    }
    if asked.asked("view") in BINARY:
        said["limits"] = [(0.0, 1.0)] * len(pyramid.levels)
    return as_json(asked.request, said)


@in_thread
def line(asked: Looked) -> Response:
    """Counts along a line, of which the query has both ends."""
    x0, y0, x1, y1 = numbers("line", asked.asked("line"), 4)
    return as_json(asked.request, line_profile(asked.pyramid, (x0, y0), (x1, y1)))


@in_thread
def untrusted(asked: Looked) -> Response:
    """Shadows and hot pixels."""
    return as_json(asked.request, untrusted_facts(asked.subject))


@in_thread
def tile(asked: Looked) -> Response:
    """The codes of a tile, row by row, of one, two or four bytes."""
    version = asked.version
    if is_known(asked.request, version):
        return still_right(version)
    pyramid = asked.pyramid
    level, row, column = (whole(name, asked.request.path_params[name], 0, 9999) for name in ("level", "row", "column"))
    try:
        codes = pyramid.tile(level, row, column)
    except IndexError as error:
        raise WrongQuestion(name="tile", expected="within the image", value=f"{level}/{row}/{column}") from error
    return packed(asked.request, codes.astype(codes.dtype.newbyteorder("<")).tobytes(), keeping=asking_again(version))
