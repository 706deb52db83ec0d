"""The base of every stage's parameters."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Params(BaseModel):
    """Parameters of one stage: validated, immutable, every field documented by its docstring.

    A field's docstring says what it does and its unit; it is what `autoproc config` prints.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False)
