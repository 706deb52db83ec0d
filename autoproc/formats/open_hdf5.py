"""Opening HDF5 files that may still be written to."""

from __future__ import annotations

from pathlib import Path

import h5py
import hdf5plugin  # noqa: F401  (registers the compression filters)


def open_hdf5(path: Path | str) -> h5py.File:
    """Open for reading, also while a writer has the file open in SWMR mode. Raises OSError.

    A file that a writer has open otherwise cannot be opened if its format is of HDF5 1.10 or later. All reading
    goes through here: within one process the library opens a file in one way only.
    """
    try:
        return h5py.File(path, "r", locking=False, swmr=True)
    except RuntimeError as error:  # so h5py calls, in this mode only, what it cannot decode
        raise OSError(str(error)) from error
