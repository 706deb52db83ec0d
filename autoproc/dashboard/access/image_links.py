"""Where the images of a sweep really lie: links among them lead into folders whose rights count too."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress

from autoproc.formats.hdf5.linked_files import linked_files
from autoproc.formats.templates import HDF5_NAME, matches_template, split_template


def folders_of_ends(path: str, first: int | None, last: int | None) -> set[str]:
    """Folders that the first and the last image of a template, or a master file, are links into.

    Two questions to the file system: what ten thousand sweeps can be asked when they are listed.
    """
    before, hashes, after = split_template(path)
    if not hashes:
        return set(_targets([path]))
    ends = {n for n in (first, last) if n is not None} or {1}
    return set(_targets(f"{before}{number:0{len(hashes)}d}{after}" for number in ends))


def folders_of_all(path: str) -> set[str]:
    """Folders that any image of a template, or any file that a master file reads from, is a link into."""
    folder, _, name = path.rpartition("/")
    if not split_template(name)[1]:
        found = [path, *map(str, linked_files(path))] if HDF5_NAME.search(name) else [path]
        own = os.path.realpath(folder)
        return set(_targets(found)) | {
            there for one in found if (there := os.path.dirname(os.path.realpath(one))) != own
        }
    is_image = matches_template(name)
    with suppress(OSError), os.scandir(folder or "/") as entries:
        return set(_targets(one.path for one in entries if one.is_symlink() and is_image.match(one.name)))
    return set()


def _targets(paths: Iterator[str] | list[str]) -> Iterator[str]:
    """The folders of what those of the paths lead to that are links."""
    for path in paths:
        if os.path.islink(path):
            yield os.path.dirname(os.path.realpath(path))
