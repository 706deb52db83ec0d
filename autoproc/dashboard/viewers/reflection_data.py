"""What the image viewer asks for of reflections: those on an image, lists, and one with its pixels and equivalents."""

from __future__ import annotations

import gemmi
from starlette.responses import Response

from autoproc.dashboard.viewers.image_request import (
    LONGEST_REPEATED,
    Looked,
    WrongQuestion,
    as_json,
    in_thread,
    numbers,
    whole,
)
from autoproc.viewing.equivalents import equivalents
from autoproc.viewing.fitted_profile import profiles_of
from autoproc.viewing.images import MOST_STACKED, SweepOfImages
from autoproc.viewing.predictions_on_image import predictions_on_image
from autoproc.viewing.reflection_list import ORDERS, ReflectionFilter, reflection_list
from autoproc.viewing.reflections_on_image import reflections_on_image
from autoproc.viewing.shoebox_view import reflection_facts
from autoproc.viewing.subject import NoSuchReflection, NothingToSee
from autoproc.viewing.sweep_of_rows import sweep_of_rows

LARGEST_INDEX = 9999
LONGEST_WORDS = 100
MOST_LATTICES = 9999


@in_thread
def on_image(asked: Looked) -> Response:
    """The reflections of the stage that are on an image, or the words that it has none."""
    try:
        table = asked.table
    except NothingToSee as none:
        return as_json(asked.request, {"n": 0, "columns": {}, "fates": [], "words": none.message})
    n_images = asked.number("stack", 1, 1, MOST_STACKED)
    told = reflections_on_image(table, asked.sweep, asked.experiments, asked.image, n_images)
    return as_json(asked.request, told)


@in_thread
def predicted(asked: Looked) -> Response:
    """What the models of the stage predict for an image."""
    n_images = asked.number("stack", 1, 1, MOST_STACKED)
    return as_json(asked.request, predictions_on_image(asked.sweep, asked.image, n_images))


@in_thread
def one(asked: Looked) -> Response:
    """One reflection with its pixels, on the images of its own sweep; its number is that of the row in the table."""
    row = whole("reflection", asked.request.path_params["row"], 0, 10**9)
    table, experiments = asked.table, asked.experiments
    if row >= len(table):
        raise NoSuchReflection(title=asked.subject.title, row=row, stage=asked.stage, n=len(table))
    sweep = asked.other(int(sweep_of_rows(table[row : row + 1], experiments)[0]))
    told = {**reflection_facts(table, row, sweep, experiments, profiles_of(asked.subject)), "sweep": sweep.number}
    group = _group(sweep)
    is_indexed = "hkl" in table and table["hkl"][row].any()
    if group is not None and is_indexed:
        told["equivalents"] = equivalents(table, row, group, experiments)
    return as_json(asked.request, told)


@in_thread
def listed(asked: Looked) -> Response:
    """The reflections that the query asks for."""
    hkl, region, d = asked.asked("hkl"), asked.asked("region"), asked.asked("d")
    order = asked.asked("order", "image")
    if order not in ORDERS:
        raise WrongQuestion(name="order", expected=f"one of {', '.join(ORDERS)}", value=order[:LONGEST_REPEATED])
    wanted = ReflectionFilter(
        _index(hkl) if hkl else None,
        tuple(numbers("region", region, 4)) if region else None,  # type: ignore[arg-type]
        tuple(numbers("d", d, 2)) if d else None,  # type: ignore[arg-type]
        asked.number("lattice", 0, 0, MOST_LATTICES) if asked.asked("lattice") else None,
        asked.asked("kind")[:LONGEST_WORDS],
        asked.asked("words")[:LONGEST_WORDS],
        order,
    )
    told = reflection_list(asked.table, asked.sweep, asked.experiments, wanted, _group(asked.sweep))
    return as_json(asked.request, told)


def _index(text: str) -> tuple[int, int, int]:
    parts = text.replace(",", " ").split()
    if len(parts) != 3:
        raise WrongQuestion(name="hkl", expected="three whole numbers", value=text[:LONGEST_REPEATED])
    h, k, m = (whole("hkl", part, -LARGEST_INDEX, LARGEST_INDEX) for part in parts)
    return h, k, m


def _group(sweep: SweepOfImages) -> gemmi.SpaceGroup | None:
    crystals = [model.crystal for model in sweep.models if model.crystal is not None]
    return crystals[0].space_group if crystals else None
