"""The base of every stage's parameters."""

from __future__ import annotations

import ast
import inspect
import textwrap
import threading
from functools import cache

from pydantic import BaseModel, ConfigDict

ONE_PARSES = threading.Lock()
"""Python 3.11 counts how deep a tree is for all threads together: two that parse at once make it a SystemError."""


class Params(BaseModel):
    """Parameters of one stage: validated, immutable, every field documented by its docstring.

    A field's docstring says what it does and its unit; it is what `autoproc config` prints.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def meanings(model: type[BaseModel]) -> dict[str, str]:
    """The docstrings of a model's fields, by field, in one line each.

    They are read from its source where they are asked for: pydantic would read them whenever the program begins, which
    takes as long as all else of making the models (0.15 s of 0.8 s for the whole configuration).
    """
    bases = [base for base in reversed(model.__mro__) if issubclass(base, BaseModel) and base is not BaseModel]
    return {field: meaning for base in bases for field, meaning in _docstrings(base)}


@cache
def _docstrings(model: type[BaseModel]) -> list[tuple[str, str]]:
    with ONE_PARSES:
        (definition,) = ast.parse(textwrap.dedent(inspect.getsource(model))).body
    assert isinstance(definition, ast.ClassDef)
    found = []
    for field, after in zip(definition.body, definition.body[1:], strict=False):
        match field, after:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(meaning))):
                found.append((name, " ".join(meaning.split())))
    return found
