"""What browsers are told of an error: its words, without the folders of the server that stand in them.

Whoever runs `autoproc run` is told where a file lies. Of somebody at a browser it is known only that he may see a part
of the results: he is told the file's name.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

from starlette.requests import Request

from autoproc.dashboard.website import site_of
from autoproc.errors import AutoprocError

FOLDERS = re.compile(r"(?<![\w.:/~-])(/[^\s'\"`<>/]+/)(?:[^\s'\"`<>/]+/)*(?=[^\s'\"`<>/])")
"""Of an absolute path, all but its last name; the first of them by itself."""


@dataclass(frozen=True, slots=True)
class Words:
    """What is said of an error, and what to do."""

    message: str
    advice: str


def words_for(request: Request, error: AutoprocError) -> Words:
    """What is said to whoever asks; who looks at files that he has named himself is told all."""
    visit = site_of(request).visit
    if visit is None:
        return Words(error.message, error.advice)
    results = f"{visit.outputs.output.absolute()}/"
    return Words(*(without_folders(text.replace(results, "")) for text in (error.message, error.advice)))


def without_folders(text: str) -> str:
    """A text in which paths of this machine have only their last name; addresses of pages stay as they are."""
    return FOLDERS.sub(lambda found: "…/" if os.path.isdir(found[1]) else found[0], text)
