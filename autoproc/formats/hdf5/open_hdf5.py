"""Opening HDF5 files that strangers wrote, that may be damaged, and that may still be written to."""

from __future__ import annotations

import ctypes
import os
import stat
from pathlib import Path

import h5py
import hdf5plugin  # noqa: F401  (registers the compression filters)

from autoproc.formats.confinement import open_descriptor, require_for_reader
from autoproc.formats.hdf5.confined_hdf5 import ConfinedFile, allowed, source_name
from autoproc.formats.hdf5.hdf5_heaps import has_endless_heap

SIGNATURE = b"\x89HDF\r\n\x1a\n"
FARTHEST_SUPERBLOCK = 1 << 20
"""Bytes of a user block before the superblock; DECTRIS and NeXus writers use none."""
SWMR_WRITING = 0x04
"""The consistency flag of a superblock of version 3 that a writer in SWMR mode sets (HDF5 file format, II.A)."""
READ_ATTEMPTS = 20
"""How often metadata are read whose checksum is wrong, while a writer is at work. The library waits 1 ns, then twice
as long each time: a millisecond in all; its own 100 attempts are for good."""


class Truncated(OSError):
    """An HDF5 file that is shorter than it says: cut off, or still being written or copied."""


def open_hdf5(path: Path | str) -> h5py.File:
    """Open for reading; links lead to the folders of the visit alone (see formats.hdf5.confined_hdf5). Raises OSError.

    A file that a SWMR writer has open is opened in that mode too; one that a writer has open otherwise cannot be
    opened if its format is of HDF5 1.10 or later. All reading goes through here.
    """
    if consistency_flags(path) & SWMR_WRITING:
        return _opened(path, True)
    file = _opened(path, False)
    if not _has_sources_being_written(file):
        return file
    file.close()  # the library opens the sources of virtual data sets in the mode of the file itself
    return _opened(path, True)


def _has_sources_being_written(file: h5py.File) -> bool:
    """A virtual data set at the usual places has a source that a SWMR writer has open."""
    folder = Path(os.fsdecode(file.filename)).parent
    return any(
        _is_being_written(source, folder) for name in ("data", "entry/data/data") for source in _sources(file, name)
    )


def _sources(file: h5py.File, name: str) -> set[str]:
    """The files in which a virtual data set, if there is one of this name, has its values."""
    try:
        link = h5py.Group.get(file, name, getlink=True)
        item = h5py.Group.__getitem__(file, name) if isinstance(link, h5py.HardLink) else None
        sources = item.virtual_sources() if isinstance(item, h5py.Dataset) and item.is_virtual else []
    except (KeyError, OSError, RuntimeError, ValueError):
        return set()
    return {source_name(source.file_name) for source in sources} - {"."}


def _is_being_written(name: str, folder: Path) -> bool:
    try:
        return bool(consistency_flags(allowed(name, folder)) & SWMR_WRITING)
    except OSError:
        return False


def _opened(path: Path | str, is_swmr: bool) -> h5py.File:
    access = h5py.h5p.create(h5py.h5p.FILE_ACCESS)
    access.set_fclose_degree(h5py.h5f.CLOSE_WEAK)
    access.set_file_locking(False, True)
    mode = h5py.h5f.ACC_RDONLY
    if is_swmr:
        mode |= h5py.h5f.ACC_SWMR_READ
        ctypes.CDLL(h5py.h5p.__file__).H5Pset_metadata_read_attempts(
            ctypes.c_int64(access.id), ctypes.c_uint(READ_ATTEMPTS)
        )
    try:
        opened = h5py.h5f.open(os.fsencode(path), mode, fapl=access)
        require_for_reader(opened.get_vfd_handle())
        return ConfinedFile(opened)
    except (RuntimeError, KeyError) as error:  # so h5py calls what it cannot decode
        raise OSError(str(error)) from error


def consistency_flags(path: Path | str) -> int:
    """The flags that a writer leaves in the superblock, 0 where its version has none.

    Raises OSError for what is no regular file or no HDF5 file, Truncated for one shorter than it says it is.
    """
    descriptor = open_descriptor(path)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise OSError("it is no regular file")
        offset = 0
        while os.pread(descriptor, 8, offset) != SIGNATURE:
            offset = max(512, 2 * offset)
            if offset > min(FARTHEST_SUPERBLOCK, status.st_size):
                raise OSError("file signature not found")
        block = os.pread(descriptor, 48, offset + 8)
        if has_endless_heap(descriptor, status.st_size):
            raise Truncated("it is damaged, or still being written or copied: texts in it have no end")
    finally:
        os.close(descriptor)
    if len(block) < 40:
        raise Truncated("it is truncated, or still being written: it ends within its first block")
    if block[0] < 2:
        return 0
    flags, width = block[3], block[1]
    end = int.from_bytes(block[4 + 2 * width : 4 + 3 * width], "little")
    if not flags & SWMR_WRITING and status.st_size < end:
        raise Truncated(f"it is truncated, or still being written or copied: {status.st_size} of {end} bytes are there")
    return flags


ConfinedFile.open_other = staticmethod(open_hdf5)
