"""What may import what, as docs/design.md has it; no circles; names that say something."""

from __future__ import annotations

import ast
import sys
from collections import defaultdict
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path

import pytest

LAYERS = (
    ("legible", "sound_facts"),
    ("errors", "passing", "threads", "linear_algebra", "text_tables", "robust", "kernels"),
    ("models",),
    ("params", "wording"),
    ("decisions",),
    ("geometry",),
    ("formats",),
    ("merging",),
    (
        "anisotropy",
        "beam_search",
        "damage",
        "importing",
        "indexing",
        "integration",
        "refinement",
        "scaling",
        "spot_finding",
        "symmetry",
    ),
    ("combining",),
    ("service.executing.params",),
    (
        "recording",
        "simulation",
        "stages",
        "overrides",
        "service.params",
        "service.watching.params",
        "service.groups.params",
        "service.visits.params",
        "service.notices.params",
        "dashboard.params",
    ),
    ("spellings",),
    ("config",),
    ("stages.conclude",),
    ("stages.pipeline",),
    ("console", "engine", "following", "reports", "viewing"),
    ("service",),
    ("dashboard", "demonstration"),
    ("commands",),
    ("cli",),
    ("__main__",),
)
"""From the lowest: each imports only those before it, and none of its own line."""

ROOMS = (
    ("formats.dials", "formats.images", "formats.hdf5", "formats.observed", "formats.export"),
    (
        "service.processes",
        "service.sweeps",
        "service.job_queue",
        "service.results",
        "service.visits",
        "service.probing",
        "service.watching",
        "service.groups",
        "service.sharing",
        "service.processing",
        "service.executing",
        "service.lifecycle",
        "service.signs_of_life",
        "service.following",
        "service.notices",
    ),
)
"""Rooms within a layer, from the lowest; what is in the layer's own folder serves all, or joins them."""

EMPTY_WORDS = {"utils", "util", "helpers", "helper", "common", "tools", "base", "manager", "handler", "misc"}

SHARED_CLASSES: dict[str, str] = {}
"""Names that classes of several modules may bear, and why; there is none so far."""


@pytest.fixture(scope="module")
def measure():
    path = Path(__file__).resolve().parent.parent / "scripts" / "measure_code"
    spec = spec_from_loader("measure_code", SourceFileLoader("measure_code", str(path)))
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def modules(measure):
    return measure.parsed_modules(measure.ROOT / measure.PACKAGE)


def part(module):
    """The layer's entry that a module belongs to; "" for the package itself, which holds the version only."""
    inner = module.partition(".")[2]
    listed = {name for layer in LAYERS for name in layer}
    return inner if inner in listed else inner.partition(".")[0]


def level(name):
    return next(n for n, layer in enumerate(LAYERS) if name in layer)


def test_every_module_has_its_layer(modules):
    listed = {name for layer in LAYERS for name in layer}
    assert {part(module) for module in modules} - {""} == listed


def test_layers_import_only_lower_ones(measure, modules):
    graph = measure.import_graph(modules)
    pairs = [(a, b) for a, imported in graph.items() for b in imported if part(a) != part(b) and part(b)]
    assert pairs
    assert [f"{a} imports {b}" for a, b in pairs if level(part(a)) <= level(part(b))] == []


@pytest.mark.parametrize("rooms", ROOMS, ids=lambda rooms: rooms[0].partition(".")[0])
def test_rooms_import_only_lower_ones(measure, modules, rooms):
    def room(module):
        return next((n for n, name in enumerate(rooms) if module.startswith(f"autoproc.{name}.")), None)

    pairs = [(a, b) for a, imported in measure.import_graph(modules).items() for b in imported]
    between = [(a, b) for a, b in pairs if None not in (room(a), room(b)) and room(a) != room(b)]
    assert between
    assert [f"{a} imports {b}" for a, b in between if room(a) < room(b)] == []
    layer = rooms[0].partition(".")[0]
    folders = {m.split(".")[2] for m in modules if m.startswith(f"autoproc.{layer}.") and m.count(".") > 2}
    assert {name.partition(".")[2] for name in rooms} == folders


def test_no_import_cycles(measure, modules):
    assert measure.import_cycles(measure.import_graph(modules)) == []


def test_cycles_are_found(measure):
    graph = {"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}
    assert measure.import_cycles(graph) == [["a", "b", "c"]]


def test_modules_have_names_of_their_own(modules):
    stems = {module.rpartition(".")[2] for module in modules if module != "autoproc.__main__"}
    assert stems & EMPTY_WORDS == set()
    assert stems & set(sys.stdlib_module_names) == set()


def homonyms(modules):
    """Public classes by names that more than one module defines, with these modules."""
    places = defaultdict(list)
    for name, module in modules.items():
        for node in module.body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places[node.name].append(name)
    return {name: where for name, where in places.items() if len(where) > 1}


def test_classes_have_names_of_their_own(modules):
    """Whoever reads a name knows which is meant, and finds one definition of it."""
    found = homonyms(modules)
    assert {name: where for name, where in found.items() if name not in SHARED_CLASSES} == {}
    assert set(SHARED_CLASSES) <= set(found)


def test_homonyms_are_found():
    sources = {"a": "class Spots: ...", "b": "class Spots: ...", "c": "class _Own: ...", "d": "class _Own: ..."}
    assert homonyms({name: ast.parse(text) for name, text in sources.items()}) == {"Spots": ["a", "b"]}


def test_nothing_is_got_or_set(measure, modules):
    names = [f.name for module in modules.values() for f in measure.functions(module)]
    assert [name for name in names if name.startswith(("get_", "set_"))] == []


def test_functions_stay_short_and_flat(measure, modules):
    every = [f for module in modules.values() for f in measure.functions(module)]
    long = [f.name for f in every if measure.length(f) > measure.LONG_FUNCTION]
    assert len(long) <= 0.02 * len(every), long
    assert [f.name for f in every if measure.nesting(f) > measure.MOST_NESTING] == []
