"""What was seen of a sweep's frames while it was still being collected, for when it is integrated."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

import numpy as np

from autoproc.integration.survey import FrameSeen, RowsOnFrame, Surveyor
from autoproc.kernels.integrate_survey import BackgroundSum


@dataclass(frozen=True, slots=True, eq=False)
class _TaskSeen:
    """Frames that were looked at together: stamps of their images, the spots taken to be on them, and what was seen."""

    stamps: tuple[Hashable, ...]
    spots: tuple[RowsOnFrame, ...]
    seen: tuple[FrameSeen, ...]

    def is_of(self, spots: Sequence[RowsOnFrame]) -> bool:
        """The same spots are on the frames, though their rows may be others."""
        return all(
            np.array_equal(one.xy, other.xy) and np.array_equal(one.radius, other.radius)
            for one, other in zip(self.spots, spots, strict=True)
        )


def survey_key(
    trusted: np.ndarray, geometry: tuple[float, ...], trust: tuple[int, float], gain: float, noise: float
) -> str:
    """The same for surveys that see the same on the same images.

    trusted : (slow, fast) pixels to be trusted; geometry : of scattering.geometry_numbers; trust, gain, noise : see
    Surveyor
    """
    told = hashlib.blake2b(np.packbits(trusted.astype(bool)).data, digest_size=16)
    told.update(repr((trusted.shape, geometry, trust, gain, noise)).encode())
    return told.hexdigest()


class EarlySurvey:
    """Looks at frames of a sweep, by the numbers of their images. They stand for a survey that would be the same.

    background : of all of them
    """

    def __init__(self, key: str, surveyor: Surveyor, shape: tuple[int, int]) -> None:
        self.key = key
        self.background = BackgroundSum.of_shape(shape)
        self._surveyor = surveyor
        self._tasks: dict[int, _TaskSeen] = {}

    def copy(self) -> EarlySurvey:
        """The same, with sums of its own."""
        other = EarlySurvey(self.key, self._surveyor, self.background.total.shape)
        other.background = self.background.copy()
        other._tasks = dict(self._tasks)
        return other

    def __len__(self) -> int:
        """Frames."""
        return sum(len(task.seen) for task in self._tasks.values())

    def look(
        self, first: int, images: Sequence[np.ndarray], stamps: Sequence[Hashable], spots: Sequence[RowsOnFrame]
    ) -> None:
        """Look at images from number `first` on. Not from several threads at once."""
        seen = self._surveyor.look(images, spots, self.background)
        self._tasks[first] = _TaskSeen(tuple(stamps), tuple(spots), tuple(seen))

    def of(self, key: str, first_image: int, stamp_of: Callable[[int], Hashable]) -> EarlyFrames | None:
        """For a survey of a sweep that begins with this image; None where it is another, or an image was changed.

        It is used up.
        """
        if key != self.key:
            return None
        for first, task in self._tasks.items():
            frames = range(first - first_image, first - first_image + len(task.stamps))
            if frames.start < 0 or None in task.stamps or tuple(map(stamp_of, frames)) != task.stamps:
                return None
        return EarlyFrames({first - first_image: task for first, task in self._tasks.items()}, self.background)


class EarlyFrames:
    """An EarlySeen: what was seen, by frame. All of it is to be asked for: what nobody asks for stays in the sums."""

    def __init__(self, tasks: dict[int, _TaskSeen], background: BackgroundSum) -> None:
        self.background = background
        self._tasks = tasks
        self._lock = threading.Lock()

    def covers(self, tasks: Sequence[range]) -> bool:
        """All that was seen is among what is looked at in these steps."""
        lengths = {task.start: len(task) for task in tasks}
        return all(lengths.get(first) == len(task.seen) for first, task in self._tasks.items())

    def find(self, task: range, spots: Sequence[RowsOnFrame]) -> list[FrameSeen] | None:
        """What a look at these frames, with these spots on them, would see; None where that is not known."""
        known = self._tasks.get(task.start)
        return list(known.seen) if known is not None and known.is_of(spots) else None

    def take_back(self, task: range, images: Sequence[np.ndarray], surveyor: Surveyor) -> None:
        """These frames are looked at once more: what was added of them, with other spots, is taken away."""
        known = self._tasks.get(task.start)
        if known is None:
            return
        added = BackgroundSum.of_shape(self.background.total.shape)
        surveyor.look(images, known.spots, added)
        with self._lock:
            self.background.exclude(added)
