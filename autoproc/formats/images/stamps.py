"""What tells that an image is still the one that was read."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from os import stat_result

COARSE = 2.0
"""Seconds between two times that a file system tells apart, where it tells whole seconds: Lustre 1, FAT 2."""
FINE = 0.05
"""Where it tells fractions: the kernel's clock of file times moves each 1 to 10 ms."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """Is another once an image is written again.

    told : what is compared
    grain : seconds within which a file that is written twice may keep its stamp: what was read stands for the stamp if
        that had been there for so long before
    """

    told: Hashable
    grain: float = field(default=0.0, compare=False)

    @classmethod
    def of_file(cls, status: stat_result, *how: Hashable) -> Stamp:
        """Of a file of one image that is read in some way.

        The time of the last change of its status is in it: unlike that of its content, no program may set it back.
        """
        is_coarse = status.st_mtime_ns % 1_000_000_000 == 0 and status.st_ctime_ns % 1_000_000_000 == 0
        told = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns, *how)
        return cls(told, COARSE if is_coarse else FINE)
