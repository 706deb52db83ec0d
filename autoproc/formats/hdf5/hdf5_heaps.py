"""Global heaps of an HDF5 file, in which its texts are: damaged ones that the HDF5 library would read for ever.

A collection is a row of objects, each with its own size (HDF5 file format specification, III.E). The library goes
from one to the next by that size, and stays where it is if the size is 0: in a file of which only the start of a
collection was written, say, or that a stranger made so.
"""

from __future__ import annotations

import mmap
import os
from collections import OrderedDict
from dataclasses import dataclass

SIGNATURE = b"GCOL\x01\x00\x00\x00"
HEADER = 16
"""Bytes before the first object of a collection, and before the data of each object: lengths take 8 bytes."""
SEARCHED = 1 << 26
"""Bytes at the beginning and at the end of a file that are searched. Masters are smaller as a whole; in files that
hold their images too the texts are written before them, or after."""
END = 4096
"""Last bytes of a file by which it is told that it has grown: one that was written anew has others there."""
KEPT = 64
"""Files whose answer is kept: one is opened several times in a row, and the search takes long."""


@dataclass(frozen=True, slots=True)
class _Searched:
    """What was found in a file: its size and times then, its last bytes, where heaps begin, and if one has no end."""

    size: int
    times: tuple[int, int]
    end: bytes
    places: tuple[int, ...]
    is_endless: bool


_known: OrderedDict[tuple[int, int], _Searched] = OrderedDict()


def has_endless_heap(descriptor: int, size: int) -> bool:
    """A global heap of the open file, of `size` bytes, has an object whose size leads nowhere.

    Of a file that has grown since it was searched, only what is new is searched, and the heaps that were found are
    looked at once more.
    """
    if size < HEADER:
        return False
    status = os.fstat(descriptor)
    file, times = (status.st_dev, status.st_ino), (status.st_mtime_ns, status.st_ctime_ns)
    known = _known.pop(file, None)
    if known is None or (known.size, known.times) != (size, times):
        known = _searched(descriptor, size, times, known)
    _known[file] = known
    while len(_known) > KEPT:
        _known.popitem(last=False)
    return known.is_endless


def _searched(descriptor: int, size: int, times: tuple[int, int], before: _Searched | None) -> _Searched:
    with mmap.mmap(descriptor, size, access=mmap.ACCESS_READ) as content:
        done, places = 0, tuple[int, ...]()
        if before is not None and size > before.size and _ends(content, before):
            done, places = before.size - len(SIGNATURE), before.places
        found = [
            place
            for start, stop in ((0, min(SEARCHED, size)), (max(SEARCHED, size - SEARCHED), size))
            for place in _places(content, max(start, done), stop)
        ]
        every = tuple(dict.fromkeys((*places, *found)))
        return _Searched(
            size, times, content[max(0, size - END) : size], every, any(_is_endless(content, place) for place in every)
        )


def _ends(content: mmap.mmap, before: _Searched) -> bool:
    """What was the end of a file is where it was."""
    return content[before.size - len(before.end) : before.size] == before.end


def _places(content: mmap.mmap, start: int, stop: int) -> list[int]:
    found = []
    place = content.find(SIGNATURE, start, stop)
    while place >= 0:
        found.append(place)
        place = content.find(SIGNATURE, place + 1, stop)
    return found


def _is_endless(content: mmap.mmap, place: int) -> bool:
    end = place + int.from_bytes(content[place + 8 : place + 16], "little")
    if end > len(content):
        return False  # which the library notices
    here = place + HEADER
    while here + HEADER <= end:
        index = int.from_bytes(content[here : here + 2], "little")
        n_bytes = int.from_bytes(content[here + 8 : here + 16], "little")
        step = n_bytes if index == 0 else HEADER + (n_bytes + 7) // 8 * 8
        if step < HEADER or here + step > end:
            return True
        here += step
    return False
