"""The files that a run refers to, looked for before hours are spent."""

from __future__ import annotations

import os

from autoproc.config import Config
from autoproc.errors import UnreadableFile

TABLES = ("merge", "combine")
"""Whose parameter `reference` names a file."""


def with_found_references(config: Config) -> Config:
    """The configuration with whole paths, which mean the same wherever a worker runs. Raises UnreadableFile."""
    changes = {}
    for table in TABLES:
        params = getattr(config, table)
        if params.reference is None:
            continue
        path = os.path.abspath(os.path.expanduser(params.reference))
        if not os.path.isfile(path):
            raise UnreadableFile(path=path, reason=f"there is no such file, which {table}.reference names")
        changes[table] = params.model_copy(update={"reference": path})
    return config.model_copy(update=changes)
