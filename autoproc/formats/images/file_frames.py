"""Frames of a sweep whose images are in files of their own."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from autoproc.errors import UNREADABLE, CorruptFile, InputError
from autoproc.formats.confinement import open_descriptor
from autoproc.formats.images.agreed_checksums import AGREED, lasting_stamp
from autoproc.formats.images.kept_images import KeptImages
from autoproc.formats.images.stamps import Stamp
from autoproc.models.experiment import Detector, ImageSet, Scan
from autoproc.wording import number_ranges

MOST_TRIED = 20
"""Frames at the start of a sweep that are tried for its mask before it is given up."""
LONGEST_LIST = 5
"""Stretches of images that a remark names."""
SAMPLED = 5
"""Images, spread over a sweep, by which it is told whether its checksums can be believed once one disagrees. They
cost less than a second, and only then."""
MIN_WRONG = 3
"""Checksums among them, all of them wrong, that are laid to the program that wrote the images, not to damage: what
damages files leaves some whole. A judgement, without data: no image known to us has a wrong checksum."""


class WrongChecksum(CorruptFile):
    """An image with other pixels than were written."""

    what = "{path} is damaged: its pixels do not agree with their MD5 checksum"


class NoReadableImage(CorruptFile):
    """Damage to more than single images."""

    what = "none of the first {n} images can be read; {first}"
    hint = (
        "copy the images again from their source; if only the start of the sweep is damaged, keep the rest with "
        "import_sweep.image_range=FIRST,LAST"
    )


def without_checksum(path: Path, content: bytes) -> bool | None:
    """None, for formats that have no checksums."""
    return None


@dataclass(frozen=True, slots=True)
class FileFormat:
    """How files of one image are read, in steps.

    load : the content of a file, uncompressed by gzip or bzip2; decode : its (slow, fast) pixels, int32, or int16
    where all fit; agrees : whether content and the checksum in it agree, None where it has none.
    All take the file's path first, and raise UnreadableFile, UnsupportedFile or CorruptFile.
    """

    load: Callable[[Path], bytes]
    decode: Callable[[Path, bytes], np.ndarray]
    agrees: Callable[[Path, bytes], bool | None] = without_checksum


class FileReader:
    """StoredImages (see formats.images.frames): a sweep of files of one frame each, without the panel's pedestal.

    imageset : the template of the files; scan : their numbers; detector : of one panel
    room : bytes that the contents of files may take in memory, for a second reading
    """

    def __init__(
        self, file_format: FileFormat, imageset: ImageSet, scan: Scan, detector: Detector, room: int = 0
    ) -> None:
        self._format = file_format
        self._are_believed: bool | None = None
        self._seen: dict[int, tuple[int, int]] = {}
        self._changed: set[int] = set()
        self._kept = KeptImages(room)
        self._imageset = imageset
        self._first = scan.image_range[0]
        panel = detector[0]
        self._pedestal = np.int32(round(panel.pedestal))
        self._rectangles = panel.mask
        self.n_frames = scan.n_images
        self.shape = (panel.image_size[1], panel.image_size[0])
        self.min_trusted, self.max_trusted = panel.min_trusted, panel.trusted_range[1]

    @cached_property
    def mask(self) -> np.ndarray:
        """(slow, fast) bool: outside the panel's untrusted rectangles, and with a count on the first good frame."""
        good = self._first_readable() >= self.min_trusted
        for x0, y0, x1, y1 in self._rectangles:
            good[y0:y1, x0:x1] = False
        return good

    def _first_readable(self) -> np.ndarray:
        """Counts of the first frame that can be read. Raises NoReadableImage if none of the first few can.

        Where they may still come, or there is one only, the first frame's own error.
        """
        errors: list[InputError] = []
        for frame in range(min(self.n_frames, MOST_TRIED)):
            try:
                return self.read(frame)
            except UNREADABLE as error:
                errors.append(error)
        first = errors[0]
        if len(errors) == 1 or not all(isinstance(e, CorruptFile) and not e.retryable for e in errors):
            raise first
        raise NoReadableImage(path=self.path(0), n=len(errors), first=first.message) from first

    def path(self, frame: int) -> Path:
        """The file of a frame."""
        return self._imageset.path(self._first + frame)

    def read(self, frame: int) -> np.ndarray:
        """(slow, fast) counts of a frame. Raises UnreadableFile, UnsupportedFile or CorruptFile."""
        if not 0 <= frame < self.n_frames:
            raise IndexError(f"frame {frame} of {self.n_frames}")
        path = self.path(frame)
        kept = self._kept.find(frame)
        content, stamp = self._loaded(frame, path) if kept is None else (kept, None)
        pixels = self._format.decode(path, content)
        if kept is None:
            self._require_agreement(path, content, stamp)
        if pixels.shape != self.shape:
            n_slow, n_fast = pixels.shape
            expected = f"{self.shape[1]} x {self.shape[0]}"
            raise CorruptFile(path=path, reason=f"its image has {n_fast} x {n_slow} pixels, the detector {expected}")
        self._kept.keep(frame, content)
        return pixels - self._pedestal if self._pedestal else pixels

    def apart(self, n_frames: int) -> FileReader:
        """See formats.images.frames: no file stays open."""
        return self

    def stamp(self, frame: int) -> Stamp | None:
        """Of a frame's file; None where there is none.

        The file is opened for it: other machines' changes to files on a network are seen at once only then.
        """
        try:
            descriptor = open_descriptor(self.path(frame))
        except OSError:
            return None
        try:
            status = os.fstat(descriptor)
        finally:
            os.close(descriptor)
        self._note(frame, status)
        return Stamp.of_file(status, int(self._pedestal))

    def close(self) -> None:
        """Nothing stays open between two readings."""

    def remarks(self, first_image: int) -> list[str]:
        """Of checksums that are all wrong, and files that changed between two readings."""
        said = []
        if self._are_believed is False:
            said.append(
                "the MD5 checksums in the images agree with none of those tried: they are taken to be written "
                "wrongly, and damage to pixels cannot be told; if the images were copied, compare with their source"
            )
        if self._changed:
            numbers = number_ranges([frame + first_image for frame in sorted(self._changed)], LONGEST_LIST)
            said.append(
                f"files changed on disk while they were processed (images {numbers}): spots and intensities may "
                "be those of different images; process the sweep again"
            )
        return said

    def _loaded(self, frame: int, path: Path) -> tuple[bytes, Stamp | None]:
        """The content of a frame's file, and its stamp if that lasts; notes whether it was another when read before."""
        before = None
        with suppress(OSError):
            before = path.stat()
        content = self._format.load(path)
        try:
            status = path.stat()
        except OSError:  # gone since it was read: whoever reads it again will hear
            return content, None
        self._note(frame, status)
        return content, lasting_stamp(before, status)

    def _require_agreement(self, path: Path, content: bytes, stamp: Stamp | None) -> None:
        """Raises WrongChecksum. What has agreed before is not looked at again."""
        if AGREED.has(path, stamp):
            return
        agrees = self._format.agrees(path, content)
        if agrees is False and self._believes_checksums():
            raise WrongChecksum(path=path)
        if agrees:
            AGREED.keep(path, stamp)

    def _note(self, frame: int, status: os.stat_result) -> None:
        """Whether a frame's file is another than when it was looked at before."""
        seen = (status.st_size, status.st_mtime_ns)
        if self._seen.setdefault(frame, seen) != seen:
            self._changed.add(frame)

    def _believes_checksums(self) -> bool:
        """Unless those of images all over the sweep are wrong, which says more of their writer than of the images."""
        if self._are_believed is None:  # several threads may find out, and find the same
            sample = np.unique(np.linspace(0, self.n_frames - 1, SAMPLED).round().astype(int))
            verdicts = [self._checksum_agrees(int(frame)) for frame in sample]
            self._are_believed = True in verdicts or verdicts.count(False) < MIN_WRONG
        return self._are_believed

    def _checksum_agrees(self, frame: int) -> bool | None:
        """None for frames without a checksum, and for those that cannot be read."""
        path = self.path(frame)
        try:
            content = self._format.load(path)
            self._format.decode(path, content)
            return self._format.agrees(path, content)
        except UNREADABLE:
            return None
