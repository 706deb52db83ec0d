"""The description of the interface for programs (OpenAPI 3.1), written from the models of facts.py and wishes.py."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from autoproc import __version__
from autoproc.dashboard.facts import (
    LiveFacts,
    LiveSweepsFacts,
    Priority,
    Refusal,
    Reprocess,
    SweepFacts,
    VisitFacts,
)
from autoproc.dashboard.visit_address import PAGE
from autoproc.service.job_queue.sweep_query import ORDERS

MODELS: tuple[type[BaseModel], ...] = (
    VisitFacts, SweepFacts, LiveSweepsFacts, LiveFacts, Reprocess, Priority, Refusal,
)  # fmt: skip
IN_SCHEMAS = "#/components/schemas/{model}"
NAME = {
    "name": "name", "in": "path", "required": True, "schema": {"type": "string"},
    "description": "of the sweep; slashes in it are written as they are",
}  # fmt: skip
KEY = {
    "name": "key", "in": "path", "required": True, "schema": {"type": "string", "pattern": "^[0-9a-f]{16}$"},
    "description": "of a sweep that is followed",
}  # fmt: skip
ASKED: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "q": ("part of a name, a path or a space group", {"type": "string"}),
    "state": ("state of the sweep; may be given several times", {"type": "array", "items": {"type": "string"}}),
    "verdict": ("good, look or bad; may be given several times", {"type": "array", "items": {"type": "string"}}),
    "visit": ("directory watched", {"type": "string"}),
    "folder": ("folder of the images, with those below it", {"type": "string"}),
    "sort": ("by what", {"type": "string", "enum": sorted(ORDERS), "default": "latest"}),
    "way": ("which end comes first", {"type": "string", "enum": ["up", "down"], "default": "down"}),
    "group": ("sweeps of one folder together", {"type": "string", "enum": ["folder"]}),
    "page": (f"from 1; each has {PAGE} sweeps", {"type": "integer", "minimum": 1, "default": 1}),
}
VERBS: Mapping[str, tuple[str, type[BaseModel] | None]] = {
    "retry": ("Try a sweep again that failed, was cancelled or set aside.", None),
    "cancel": ("Take a sweep out of the queue; one at work is stopped.", None),
    "first": ("Process a sweep that waits before all others.", None),
    "priority": ("Process a sweep that waits sooner or later than others.", Priority),
    "reprocess": ("Process a sweep again, with other parameters.", Reprocess),
}


@lru_cache(maxsize=1)
def description() -> dict[str, Any]:
    """The whole of it."""
    _, schemas = models_json_schema([(model, "serialization") for model in MODELS], ref_template=IN_SCHEMAS)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "autoproc",
            "version": __version__,
            "description": "Sweeps of a visit as they come and are processed. Programs send the key that "
            "`autoproc serve --key` prints, as `Authorization: Bearer KEY`.",
        },
        "paths": _looked_at() | {f"/api/sweeps/{{name}}/{verb}": _asked(verb) for verb in VERBS},
        "components": {
            "schemas": schemas["$defs"],
            "securitySchemes": {
                "key": {"type": "http", "scheme": "bearer"},
                "browser": {"type": "apiKey", "in": "cookie", "name": "autoproc"},
            },
        },
        "security": [{"key": []}, {"browser": []}],
    }


def _looked_at() -> dict[str, Any]:
    asked = [
        {"name": name, "in": "query", "description": words, "schema": schema} for name, (words, schema) in ASKED.items()
    ]
    last = "number of the last change that was seen"
    after = {"name": "after", "in": "query", "schema": {"type": "integer"}, "description": last}
    text = {"text/event-stream": {"schema": {"type": "string"}}}
    return {
        "/api/sweeps": {"get": _operation("Sweeps, a page of them.", VisitFacts, asked)},
        "/api/sweeps/{name}": {"get": _operation("All that the queue knows of a sweep.", None, [NAME], {404: Refusal})},
        "/api/live": {"get": _operation("Sweeps while they are collected.", LiveSweepsFacts, [], name="live")},
        "/api/live/{key}": {"get": _operation("One of them.", LiveFacts, [KEY], {404: Refusal}, "live_sweep")},
        "/api/events": {
            "get": {
                "summary": "Server-sent events: `sweeps` with what has changed, `reload` where that is too much.",
                "operationId": "events",
                "parameters": [after],
                "responses": {"200": {"description": "events, without end", "content": text}},
            }
        },
    }  # fmt: skip


def _asked(verb: str) -> dict[str, Any]:
    words, body = VERBS[verb]
    refused: dict[int, type[BaseModel]] = {404: Refusal, 409: Refusal, **({400: Refusal} if body else {})}
    operation = _operation(words, SweepFacts, [NAME], refused, verb)
    if body is not None:
        operation["requestBody"] = {"content": _json(body)}
    return {"post": operation}


def _operation(
    words: str,
    answer: type[BaseModel] | None,
    parameters: list[Any],
    refused: Mapping[int, type[BaseModel]] | None = None,
    name: str = "",
) -> dict[str, Any]:
    content = {"application/json": {"schema": {"type": "object"}}} if answer is None else _json(answer)
    responses: dict[str, Any] = {"200": {"description": "done", "content": content}}
    for status, model in (refused or {}).items():
        responses[str(status)] = {"description": "refused", "content": _json(model)}
    own = name or ("sweep" if answer is None else "sweeps")
    return {"summary": words, "operationId": own, "parameters": parameters, "responses": responses}


def _json(model: type[BaseModel]) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": IN_SCHEMAS.format(model=model.__name__)}}}
