"""File names with a counter: x_00001.cbf.gz is number 1 of x_#####.cbf.gz."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

EXTENSION = re.compile(r"(?:\.(?:cbf|img|mccd|edf|sfrm|tif|tiff|h5|hdf5|nxs|hdf))?(?:\.(?:gz|bz2))?$", re.IGNORECASE)
HDF5_NAME = re.compile(r"\.(?:h5|hdf5|hdf|nxs)$", re.IGNORECASE)
MASTER = re.compile(r"[_.-]master$", re.IGNORECASE)

LONGEST_COUNTER = 9
"""Digits of a counter: detectors use 4 to 6, and programs hold image numbers in 32 bits. What stands before them, as
in a time stamp, is part of the name."""


@dataclass(frozen=True, slots=True)
class Counter:
    """The parts of a file name: before the counter, its digits, after it."""

    before: str
    digits: str
    after: str

    @property
    def number(self) -> int:
        """The number of the image."""
        return int(self.digits)

    @property
    def template(self) -> str:
        """The name with # for the counter's digits."""
        return f"{self.before}{'#' * len(self.digits)}{self.after}"

    @property
    def is_padded(self) -> bool:
        """The counter has leading zeros."""
        return len(self.digits) > 1 and self.digits.startswith("0")


def counter_of(name: str) -> Counter | None:
    """The counter of a file name: the digits at the end of what stands before the extension.

    None for HDF5 files, which hold whole sweeps: their digits are part of the name.
    """
    if HDF5_NAME.search(name):
        return None
    extension = EXTENSION.search(name)
    stem = name[: extension.start()] if extension else name
    digits = re.search(rf"\d{{1,{LONGEST_COUNTER}}}$", stem)
    if digits is None:
        return None
    return Counter(stem[: digits.start()], digits.group(), name[len(stem) :])


def sweep_name(name: str) -> str:
    """The name of a sweep from a file name or template: without counter, extension and "_master".

    Spaces stay; an empty string where nothing else is left.
    """
    extension = EXTENSION.search(name)
    stem = MASTER.sub("", name[: extension.start()] if extension else name)
    return re.sub(r"(?:(?<!\d)\d+|(?<!#)#+)$", "", stem).rstrip("_-. ") if counter_of(name) or "#" in stem else stem


def matches_template(template: str) -> re.Pattern[str]:
    """A pattern for the names of a template's files; its group 1 is the counter."""
    before, hashes, after = split_template(template)
    width = len(hashes)
    return re.compile(rf"{re.escape(before)}(\d{{{width}}}|[1-9]\d{{{width},}}){re.escape(after)}$")


def split_template(template: str) -> tuple[str, str, str]:
    """Before, the last run of #, after; ("name", "", "") without any."""
    match = re.search(r"(?<!#)#+(?=[^#]*$)", template)
    if match is None:
        return template, "", ""
    return template[: match.start()], match.group(), template[match.end() :]


def grouped_by_template(names: Iterable[str]) -> dict[str, dict[int, str]]:
    """Names by template, then by number, both sorted; names without counter are templates of themselves.

    A counter that has outgrown its digits (x_9999, x_10000) stays with its template.
    """
    series: dict[tuple[str, str], list[Counter]] = defaultdict(list)
    groups: dict[str, dict[int, str]] = defaultdict(dict)
    for name in names:
        counter = counter_of(name)
        if counter is None:
            groups[name][1] = name
        else:
            series[counter.before, counter.after].append(counter)
    for counters in series.values():
        lengths = {len(c.digits) for c in counters if c.is_padded} or {min(len(c.digits) for c in counters)}
        for counter in counters:
            length = max((n for n in lengths if n <= len(counter.digits)), default=len(counter.digits))
            template = f"{counter.before}{'#' * length}{counter.after}"
            groups[template][counter.number] = f"{counter.before}{counter.digits}{counter.after}"
    return {template: dict(sorted(files.items())) for template, files in sorted(groups.items())}


def absolute(path: str | Path) -> Path:
    """An absolute path, symbolic links kept as the user gave them; without any .. in it."""
    try:
        whole = Path(path).expanduser().absolute()
        return whole.resolve() if ".." in whole.parts else whole
    except (OSError, RuntimeError, ValueError):  # ~nobody, links in a circle, a zero byte: whoever opens it says why
        return Path(path).absolute()
