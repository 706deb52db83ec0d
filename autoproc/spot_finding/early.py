"""What was found on images while their sweep was still being collected, for when it is processed."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable

from autoproc.formats.images.stamps import Stamp
from autoproc.spot_finding.images import SearchedFrame

Stamps = Callable[[int], Stamp | None]
"""Of the image of a frame; None where it cannot be told."""


class EarlySearch:
    """Strong pixels of images, by their number; they stand for a search that would be the same, and for no other.

    A search is known by its key, which is another where any pixel could come out differently; an image by its stamp.
    """

    def __init__(self) -> None:
        self._key: Hashable = None
        self._searched: dict[int, tuple[Stamp, SearchedFrame]] = {}
        self._given: set[int] = set()

    def copy(self) -> EarlySearch:
        """The same; what is let go of one stays with the other."""
        other = EarlySearch()
        other._key, other._searched = self._key, dict(self._searched)
        return other

    def __len__(self) -> int:
        """Images."""
        return len(self._searched)

    def begin(self, key: Hashable) -> bool:
        """A search begins, or goes on; what another has found is forgotten. Returns whether it is another."""
        is_another = key != self._key
        if is_another:
            self._searched.clear()
        self._key = key
        return is_another

    def keep(self, image: int, stamp: Stamp, found: SearchedFrame) -> None:
        """What was found on an image, whose stamp had stood for its grain before it was read, and did after."""
        self._searched[image] = stamp, found

    def has(self, image: int, stamp: Stamp | None) -> bool:
        """An image was searched, and is what it was then."""
        return stamp is not None and image in self._searched and self._searched[image][0] == stamp

    def has_given(self, images: Iterable[int]) -> bool:
        """What was found on all these images was asked for, and given, for each was what it had been."""
        return self._given.issuperset(images)

    def find(self, image: int) -> SearchedFrame | None:
        """What was found on an image, whatever has become of it since."""
        return self._searched[image][1] if image in self._searched else None

    def frames(self, first_image: int) -> dict[int, SearchedFrame]:
        """All, by their frame, of a sweep that begins with this image."""
        return {
            image - first_image: found._replace(frame=image - first_image)
            for image, (_, found) in sorted(self._searched.items())
        }

    def of(self, key: Hashable, first_image: int, stamp_of: Stamps) -> Callable[[int], SearchedFrame | None]:
        """What this search would find on a frame of a sweep that begins with this image; None where it is to be made.

        What is given is let go: it is asked for once.
        """

        def known(frame: int) -> SearchedFrame | None:
            image = first_image + frame
            if key != self._key or not self.has(image, stamp_of(frame)):
                return None
            self._given.add(image)
            return self._searched.pop(image)[1]._replace(frame=frame)

        return known
