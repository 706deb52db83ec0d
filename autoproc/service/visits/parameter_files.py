"""Files in which a visit, a sample or a sweep says how it is to be processed, or what it is.

Whoever may write to a visit may write them, and they are read with the service's rights: no links, nothing but small
files, and none that lies elsewhere than it seems.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from autoproc.formats.confinement import READING

NAME = "autoproc.toml"
SAMPLE = "sample.json"
"""The same for what is known of a sample."""
MOST_BYTES = 1 << 16
"""Of such a file: every parameter there is, with its description, takes less."""
MOST_FOLDERS = 64
"""Folders between a visit and its images that are looked at; paths of the system have at most 4096 characters."""


@dataclass(frozen=True, slots=True)
class ParameterFile:
    """A file as it was read. digest : of its content; problem : why it could not be used, "" where it could."""

    path: Path
    content: bytes = b""
    problem: str = ""

    @property
    def digest(self) -> str:
        """What tells whether it was changed since; a file that could not be read has its reason in place of content."""
        return hashlib.sha256(self.content or self.problem.encode("utf-8", "replace")).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class SearchedFolder:
    """A folder that may hold such a file, and the one that the file has to lie in when all links are followed."""

    folder: Path
    top: Path


def places_of(images: Path, visit: str, output: Path, name: str, placed: Path | None = None) -> list[SearchedFolder]:
    """Where the files of a sweep may be, the farthest first: results, visit, sample, sweep, the sweep's own results.

    images : template, or master file; visit : the folder above them where the search ends, "" for that of the images
    output : the folder of results, in which those of the sweep have this name; placed : where these are in the visit
    """
    own = images.parent
    top = Path(visit) if visit and own.is_relative_to(visit) else own
    between = [own, *own.parents][: len(own.parts) - len(top.parts) + 1][:MOST_FOLDERS]
    data = [SearchedFolder(folder, top) for folder in reversed(between)]
    in_visit = [] if placed is None else [SearchedFolder(folder, top) for folder in (placed.parent, placed)]
    return [
        SearchedFolder(output, output),
        *data[:1],
        *in_visit[:1],
        *data[1:],
        SearchedFolder(output / name, output),
        *in_visit[1:],
    ]


def files_of(places: Sequence[SearchedFolder], name: str = NAME) -> list[ParameterFile]:
    """The files of a name that there are, in the order of their places; each once."""
    found = {file.path: file for place in places for file in _file_in(place, name)}
    return list(found.values())


def _file_in(place: SearchedFolder, name: str) -> Iterator[ParameterFile]:
    path = place.folder / name
    try:
        yield ParameterFile(path, _content(path, place.top))
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        yield ParameterFile(path, problem=error.strerror or str(error))


def _content(path: Path, top: Path) -> bytes:
    """What a file holds. Raises OSError, with the reason, where it is not to be used."""
    if os.path.islink(path):
        raise OSError("it is a symbolic link")
    number = os.open(path, READING | os.O_NOFOLLOW)
    with os.fdopen(number, "rb") as file:
        status = os.fstat(number)
        if not stat.S_ISREG(status.st_mode):
            raise OSError("it is no regular file")
        if status.st_nlink > 1:
            raise OSError("it is a file that lies elsewhere too (a hard link)")
        if not Path(os.readlink(f"/proc/self/fd/{number}")).is_relative_to(os.path.realpath(top)):
            raise OSError("it lies outside of its visit")
        content = file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise OSError(f"it has more than {MOST_BYTES} bytes")
    return content
