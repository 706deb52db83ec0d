"""What the watcher hands to the queue: sweeps to process, and images that are no sweep."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Kind = Literal["cbf", "hdf5", "smv", "marccd", "edf", "tiff", "bruker", "unknown", "combined"]
VARIANTS = re.compile(r"\.(?:gz|bz2)$|(?:[_.-]master)?\.(?:h5|hdf5|nxs)$", re.IGNORECASE)
What = Literal["screening", "stills", "snapshot", "test", "unreadable"]


@dataclass(frozen=True, slots=True)
class FoundSweep:
    """Images that are all there, or of which no more will come.

    kind : of the images, as formats.registry.image_kind tells it; unknown where the first of them cannot be read;
        combined for the sweeps of one sample together
    path : absolute template with # for the counter, or master file
    image_range : numbers of the first and last image, as in the file names; None for all that there are
    n_images : images that are present and whole
    fingerprint : see `fingerprint`
    state, reason : "partial" when the collection was aborted or stalled, and the reason in plain words; "" if complete
    name : for the folder of results; other sweeps may have the same
    visit : the watched directory under which it was found
    completed_at : arrival of the last image, seconds since 1970
    """

    path: Path
    kind: Kind
    image_range: tuple[int, int] | None
    n_images: int
    fingerprint: str
    state: Literal["complete", "partial"]
    reason: str
    name: str
    visit: str
    completed_at: float


@dataclass(frozen=True, slots=True)
class ListedImages:
    """Images that are shown to the user but not processed, and why.

    details : for the log, the traceback where the reason is that the program fell over them
    """

    path: Path
    n_images: int
    what: What
    reason: str
    details: str = ""


def fingerprint(path: Path, identity: bytes) -> str:
    """What tells images from all others, now and after a restart: 64 hexadecimal digits.

    path : of the template or master; symbolic links in its directory do not matter, nor whether files were compressed
    since, or a .nxs stands beside the _master.h5, nor the number of # (which shrinks when image 1 follows image 10)
    identity : of the first image: what does not change when the file is touched, copied or listed again
    """
    import hashlib  # noqa: PLC0415  (brings libcrypto, which who only asks for the status does without)

    name = re.sub("#+", "#", VARIANTS.sub("", path.name))
    place = os.fsencode(os.path.realpath(path.parent) + os.sep + name)
    return hashlib.sha256(place + b"\0" + identity).hexdigest()
