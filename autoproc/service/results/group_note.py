"""What the results of a sweep say of its group: a line at the top of summary.txt and of report.html.

A group is done after its sweeps, so that the line is put in then, and taken out when the group is not made of these
results any more. They may be put aside for newer ones at any moment: their folder is held, wherever it goes.
"""

from __future__ import annotations

import os
import re
import textwrap
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import quote

from autoproc.service.results.earlier import run_of
from autoproc.service.results.sweep_folder import written_whole
from autoproc.wording import WIDTH

LABEL = "GROUP".ljust(13)
OF_SUMMARY = re.compile(rf"^{LABEL}.*\n(?: {{13}}\S.*\n)*\n", re.MULTILINE)
OF_REPORT = re.compile(r'<p class="group">.*?</p>\n')
TOP_OF_SUMMARY, TOP_OF_REPORT = "\n\n", "</h1>\n"
"""Behind the first of these the line stands."""


def note_group(place: Path, name: str, run: int, standing: Mapping[str, Any] | None) -> None:
    """Say how a sweep stands in its group in its folder of results, if these are of that attempt.

    standing : as reports/in_group.py has it; None where it is in none. Raises OSError; what is damaged stays as it is
    """
    with held(place) as folder:
        if run_of(folder) != run:
            return
        _rewrite(folder / "summary.txt", OF_SUMMARY, TOP_OF_SUMMARY, _for_summary(standing) if standing else "")
        _rewrite(folder / "report.html", OF_REPORT, TOP_OF_REPORT, _for_report(name, standing) if standing else "")


@contextmanager
def held(place: Path) -> Iterator[Path]:
    """A path of the folder itself, which stays that of these results when another takes its place (Linux)."""
    number = os.open(place, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield Path(f"/proc/self/fd/{number}")
    finally:
        os.close(number)


def _rewrite(path: Path, old: re.Pattern[str], top: str, line: str) -> None:
    """The file with the line in place of the old one; a file that is not there, or is no text, is left alone."""
    with suppress(FileNotFoundError, UnicodeDecodeError):
        text = path.read_bytes().decode()
        before, end, behind = old.sub("", text, count=1).partition(top)
        new = f"{before}{end}{line}{behind}" if end else text
        if new != text:
            with written_whole(path) as part, part.open("wb") as file:
                file.write(new.encode())
                file.flush()
                os.fsync(file.fileno())


def _for_summary(standing: Mapping[str, Any]) -> str:
    words = f"{LABEL}{standing['words']}; see {standing['name']}/summary.txt"
    filled = textwrap.fill(words, WIDTH, subsequent_indent=" " * 13, break_long_words=False, break_on_hyphens=False)
    return f"{filled}\n\n"


def _for_report(name: str, standing: Mapping[str, Any]) -> str:
    before, group, behind = map(escape, standing["words"].partition(standing["name"]))
    address = f"{'../' * (name.count('/') + 1)}{quote(standing['name'])}/report.html"
    words = f'{before[:1].upper()}{before[1:]}<a href="{escape(address)}">{group}</a>{behind}.'
    return f'<p class="group">{words}</p>\n'
