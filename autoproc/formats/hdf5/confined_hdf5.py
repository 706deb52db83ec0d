"""HDF5 objects that lead a reader nowhere but to what belongs to the file, and into no more memory than it can need.

An HDF5 file may have its values in any other file, by external links, virtual data sets and external storage; with
the service's eyes its author would read what is not theirs. External storage is refused; links and the sources of
virtual data sets must stay within the visit of the file that names them (see formats.confinement).
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import h5py
import numpy as np

from autoproc.formats.confinement import LeadsOut, is_within
from autoproc.formats.header_values import quoted

MOST_BYTES = 1 << 30
"""Of a value that is read at once; the largest are pixel masks (2^28) and uncompressed chunks of frames."""
MOST_BYTES_STORED_AS_ONE = 1 << 13
"""Values that one stored byte can stand for: gzip packs 1032 to one, bitshuffle and LZ4 some thousand."""
SMALL = 1 << 24
"""Bytes that are read whatever the file's own size: what was never written, say, takes no room in it."""
MOST_FRAMES = 1 << 20
"""Of one data set; the longest collections take some 10^5."""
LARGEST_ATTRIBUTE = 1 << 16
"""Bytes of an attribute: what an object's header can hold; units, vectors and names take some ten."""
MOST_TEXTS = 256
"""Of an attribute: each may be as long as the file, and all of them one and the same."""
LONGEST_SIDE = 1 << 16
"""Pixels along an image; the largest detectors in use have 2^13."""
LONGEST_CHAIN = 8
"""Links to links, and virtual data sets upon virtual data sets, that are followed."""
CHECKSUM_BYTES = 4
"""Of the filter fletcher32, which stand behind the values of a chunk."""


class ForbiddenHdf5(OSError):
    """A file that asks for what a reader of strangers' files does not do."""


def allowed(name: str, folder: Path) -> Path:
    """The regular file that a link names, seen from the folder of the file that it is in.

    It must lie within the visit; symbolic links count as what they lead to. A full path of which nothing is left
    stands for a file of its last name in the folder, as the library has it: data are moved. Raises LeadsOut,
    ForbiddenHdf5 or FileNotFoundError.
    """
    target = (folder.resolve() / name).resolve()
    if os.path.isabs(name) and not target.exists():
        target = (folder.resolve() / Path(name).name).resolve()
    if not is_within(target, folder):
        raise LeadsOut(f"it links to {quoted(Path(name).name)}, which lies outside of its visit")
    if not stat.S_ISREG(os.stat(target).st_mode):
        raise ForbiddenHdf5(f"it links to {quoted(Path(name).name)}, which is no regular file")
    return target


def check_dataset(dataset: h5py.Dataset, depth: int = LONGEST_CHAIN) -> None:
    """Raise ForbiddenHdf5 for a data set whose values lie where they must not."""
    if depth <= 0:
        raise ForbiddenHdf5("virtual data sets lead round in a circle")
    plist = dataset.id.get_create_plist()
    if plist.get_external_count():
        raise ForbiddenHdf5(f"{dataset.name} has its values in another file (external storage), which is not read")
    if dataset.ndim == 3 and dataset.shape[0] > MOST_FRAMES:
        raise ForbiddenHdf5(f"{dataset.name} claims {dataset.shape[0]} images, more than any sweep has")
    if dataset.ndim in (3, 4) and max(dataset.shape[-2:]) > LONGEST_SIDE:
        pixels = " x ".join(map(str, dataset.shape[-2:]))
        raise ForbiddenHdf5(f"{dataset.name} claims images of {pixels} pixels, more than any detector has")
    if dataset.fletcher32 and _smallest_chunk(dataset) < CHECKSUM_BYTES:  # the library would read before its start
        raise ForbiddenHdf5(f"{dataset.name} has values that are shorter than their checksum")
    if not dataset.is_virtual:
        return
    own = ConfinedFile(h5py.Dataset.file.fget(dataset).id)
    folder = Path(os.fsdecode(own.filename)).parent
    for name, inner in sorted({(source.file_name, source.dset_name) for source in dataset.virtual_sources()}):
        for number in range(MOST_FRAMES if is_pattern(name) or is_pattern(inner) else 1):
            try:
                known = source_name(name, number)
                file = own if known == "." else ConfinedFile.open_other(allowed(known, folder))
                _confined(file, source_name(inner, number), depth - 1)
            except (FileNotFoundError, KeyError):
                break  # the library looks no further either


def is_pattern(name: str) -> bool:
    """The name of a virtual data set's source, or of its file, has a place for a number in it."""
    return "%b" in name.replace("%%", "")


def source_name(name: str, number: int = 0) -> str:
    """What the library makes of a source's name: %b is a number, %% stands for %."""
    return "%".join(part.replace("%b", str(number)) for part in name.split("%%"))


def _smallest_chunk(dataset: h5py.Dataset) -> int:
    """Bytes of the smallest chunk that is stored; CHECKSUM_BYTES where there is none smaller."""
    sizes = [CHECKSUM_BYTES]
    dataset.id.chunk_iter(lambda chunk: sizes.append(chunk.size) if chunk.size < sizes[0] else None)
    return min(sizes)


def check_size(dataset: h5py.Dataset, n_values: int) -> None:
    """Raise ForbiddenHdf5 where so many values cannot be what the file holds."""
    n_bytes = n_values * dataset.dtype.itemsize
    chunk = int(np.prod(dataset.chunks, dtype=object)) * dataset.dtype.itemsize if dataset.chunks else 0
    stored = dataset.id.get_storage_size()
    could_be = max(SMALL, stored * MOST_BYTES_STORED_AS_ONE)
    if max(n_bytes, chunk) > MOST_BYTES or (n_bytes > could_be and not dataset.is_virtual):
        raise ForbiddenHdf5(f"{dataset.name} claims {n_bytes} bytes of values, far more than the file can hold")


def require_known_length(kind: h5py.h5t.TypeID, what: str) -> None:
    """Raise ForbiddenHdf5 for lists of varying length, which nobody writes for images.

    A text's type needs but a bit changed to become one, and the library crashes on what it then takes for the list.
    """
    if kind.get_class() == h5py.h5t.VLEN:
        raise ForbiddenHdf5(f"{what} has lists of varying length for values, which none of a detector's has")


class ConfinedAttributes(h5py.AttributeManager):
    """Attributes of a size that attributes have."""

    def __getitem__(self, name: str) -> Any:
        """The value. Raises KeyError, or ForbiddenHdf5 where it is too large."""
        found = h5py.h5a.open(self._id, self._e(name))
        require_known_length(found.get_type(), "an attribute")
        n_values = int(np.prod(found.shape or (1,), dtype=object))
        has_texts = isinstance(found.get_type(), (h5py.h5t.TypeVlenID, h5py.h5t.TypeStringID))
        if found.get_storage_size() > LARGEST_ATTRIBUTE or (has_texts and n_values > MOST_TEXTS):
            raise ForbiddenHdf5(f"an attribute has {n_values} values of {found.get_type().get_size()} bytes: too many")
        return super().__getitem__(name)


class _Attributed:
    """What has attributes."""

    @property
    def attrs(self) -> h5py.AttributeManager:
        """The attributes, confined as well."""
        return ConfinedAttributes(self)


class ConfinedDataset(_Attributed, h5py.Dataset):
    """A data set whose values are in its file, and are no more than that can hold."""

    def __getitem__(self, args: Any, new_dtype: Any = None) -> Any:
        """The values, after their number was found possible."""
        require_known_length(self.id.get_type(), self.name)
        whole = (isinstance(args, tuple) and not args) or args is Ellipsis
        n = int(np.prod(self.shape or (1,), dtype=object))
        check_size(self, n if whole or self.ndim < 3 else n // max(self.shape[0], 1))
        return super().__getitem__(args, new_dtype)

    @property
    def file(self) -> h5py.File:
        """The file, confined as well."""
        return ConfinedFile(super().file.id)

    @property
    def parent(self) -> h5py.Group:
        """The group that holds it, confined as well."""
        return ConfinedGroup(super().parent.id)


class _Lookup(_Attributed):
    """How groups find what they are asked for: every component of a path, and every link, by itself."""

    def __getitem__(self, name: Any) -> Any:
        return _confined(self, name, LONGEST_CHAIN)

    def get(self, name: Any, default: Any = None, getclass: bool = False, getlink: bool = False) -> Any:
        """As h5py's: the object, or the default where there is none."""
        if getclass or getlink:
            return h5py.Group.get(self, name, default, getclass=getclass, getlink=getlink)
        try:
            return self[name]
        except (KeyError, FileNotFoundError):
            return default

    @property
    def file(self) -> h5py.File:
        """The file, confined as well."""
        return ConfinedFile(h5py.Group.file.fget(self).id)

    @property
    def parent(self) -> h5py.Group:
        """The group that holds it, confined as well."""
        return ConfinedGroup(h5py.Group.parent.fget(self).id)


class ConfinedGroup(_Lookup, h5py.Group):
    """A group below which nothing leads out of the visit."""


class ConfinedFile(_Lookup, h5py.File):
    """A file from which nothing leads out of the visit.

    open_other : opens a file that a link names; formats.hdf5.open_hdf5 says how
    """

    open_other: ClassVar[Callable[[Path], h5py.File]]


def _confined(group: Any, name: Any, depth: int) -> Any:
    """An object by its path. Raises KeyError where it is not there, ForbiddenHdf5 or OSError where it cannot be had."""
    if depth <= 0:
        raise ForbiddenHdf5("links lead round in a circle")
    path = os.fsdecode(name)
    here: Any = ConfinedGroup(h5py.h5g.open(group.id, b"/")) if path.startswith("/") else group
    for part in (p for p in path.split("/") if p not in ("", ".")):
        if not isinstance(here, h5py.Group):
            raise KeyError(f"{part} of {path} is not there")
        here = _member(here, part, depth)
    return here


def _member(group: Any, part: str, depth: int) -> Any:
    name = os.fsencode(part)
    if not group.id.links.exists(name):
        raise KeyError(f"{part} is not there")
    kind = group.id.links.get_info(name).type  # much quicker than h5py.Group.get, and asked thousands of times
    if kind == h5py.h5l.TYPE_SOFT:
        return _confined(group, group.id.links.get_val(name), depth - 1)
    if kind == h5py.h5l.TYPE_EXTERNAL:
        folder = Path(os.fsdecode(h5py.Group.file.fget(group).filename)).parent
        filename, path = group.id.links.get_val(name)
        return _confined(ConfinedFile.open_other(allowed(os.fsdecode(filename), folder)), path, depth - 1)
    item = h5py.h5o.open(group.id, name)
    if isinstance(item, h5py.h5d.DatasetID):
        dataset = ConfinedDataset(item)
        check_dataset(dataset, depth)
        return dataset
    return ConfinedGroup(item) if isinstance(item, h5py.h5g.GroupID) else h5py.Group.__getitem__(group, part)
