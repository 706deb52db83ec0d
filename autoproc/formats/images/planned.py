"""How many images a sweep is to have, as the header of one of them says."""

from __future__ import annotations

import re
from pathlib import Path

from autoproc.errors import AutoprocError
from autoproc.formats.images.cbf import CbfHeader, read_cbf_header
from autoproc.formats.images.minicbf import header_fields

COUNT_FIELDS = ("N_images", "nimages", "n_images", "Nimages", "Number_of_images", "Images_in_sweep", "Num_images")
"""Keywords of comment lines under which beamlines note the number of images of a sweep. N_oscillations is none of
them: it counts the turns during one image, and is 1."""
SCAN_FRAMES = re.compile(r"^_diffrn_scan\.frames[ \t]{1,40}(\d{1,7})[ \t]{0,40}\r?$", re.MULTILINE)
"""The same in imgCIF, where it is 1 of a file that calls itself a scan."""


def planned_in_header(header: CbfHeader) -> int | None:
    """Number of images of the sweep, as a CBF header says, if it does."""
    fields = header_fields(header.text)
    matches = [re.match(r"\d+", fields.get(name, "")) for name in COUNT_FIELDS]
    numbers = [int(match.group()) for match in matches if match]
    numbers += [int(number) for number in SCAN_FRAMES.findall(header.text)]
    return next((number for number in numbers if number > 1), None)


def planned_images(path: Path) -> int | None:
    """The same of an image; None where it is no CBF, or cannot be read."""
    try:
        return planned_in_header(read_cbf_header(path))
    except AutoprocError:
        return None
