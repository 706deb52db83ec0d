"""Global heaps of an HDF5 file, in which its texts are: damaged ones that the HDF5 library would read for ever.

A collection is a row of objects, each with its own size (HDF5 file format specification, III.E). The library goes
from one to the next by that size, and stays where it is if the size is 0: in a file of which only the start of a
collection was written, say, or that a stranger made so.
"""

from __future__ import annotations

import mmap
import os
from collections import OrderedDict

SIGNATURE = b"GCOL\x01\x00\x00\x00"
HEADER = 16
"""Bytes before the first object of a collection, and before the data of each object: lengths take 8 bytes."""
SEARCHED = 1 << 26
"""Bytes at the beginning and at the end of a file that are searched. Masters are smaller as a whole; in files that
hold their images too the texts are written before them, or after."""
KEPT = 64
"""Files whose answer is kept: one is opened several times in a row, and the search takes long."""

_answers: OrderedDict[tuple[int, ...], bool] = OrderedDict()


def has_endless_heap(descriptor: int, size: int) -> bool:
    """A global heap of the open file, of `size` bytes, has an object whose size leads nowhere."""
    if size < HEADER:
        return False
    status = os.fstat(descriptor)
    key = (status.st_dev, status.st_ino, status.st_mtime_ns, status.st_ctime_ns, size)
    answer = _answers.get(key)
    if answer is None:
        answer = _answers[key] = _is_any_endless(descriptor, size)
        while len(_answers) > KEPT:
            _answers.popitem(last=False)
    return answer


def _is_any_endless(descriptor: int, size: int) -> bool:
    with mmap.mmap(descriptor, size, access=mmap.ACCESS_READ) as content:
        return any(
            _is_endless(content, place)
            for start, stop in ((0, min(SEARCHED, size)), (max(SEARCHED, size - SEARCHED), size))
            for place in _places(content, start, stop)
        )


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
