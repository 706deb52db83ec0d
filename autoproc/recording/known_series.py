"""What is known of a series beside its files, and what is said when it is over."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from autoproc.recording.series import RecordedSeries
from autoproc.wording import counted

LONGEST_LIST = 5


@dataclass(slots=True)
class KnownSeries:
    """A series and how it stands.

    heard : when a message of it came last; due : when its files are to be closed, None while it goes on
    n_refused, n_repeated : of its images; is_lost : its files cannot be written
    """

    series: RecordedSeries
    heard: float
    due: float | None = None
    n_refused: int = 0
    n_repeated: int = 0
    is_lost: bool = False


def outcome(known: KnownSeries, why: str) -> Iterable[tuple[str, bool]]:
    """What has come of a series, in plain words, and whether it is bad; why : it is over."""
    series = known.series
    n, announced = series.n_present, series.n_images
    said = counted(n, "image") if announced is None else f"{n} of {counted(announced, 'image')}"
    yield f"{series.name}: {said} recorded" + (f"; it {why}" if why else ""), False
    missing = series.missing()
    if missing:
        yield (
            f"{series.name}: {in_stretches(missing)} {'are' if len(missing) > 1 else 'is'} missing from its files",
            True,
        )
    if known.n_refused:
        yield f"{series.name}: {counted(known.n_refused, 'image')} could not be part of it", True
    if known.n_repeated:
        yield f"{series.name}: {counted(known.n_repeated, 'image')} came more than once; the first was kept", False


def in_stretches(numbers: Sequence[int]) -> str:
    """Ascending numbers of images in words, neighbours together."""
    ends = [i for i, n in enumerate(numbers) if i + 1 == len(numbers) or numbers[i + 1] != n + 1]
    starts = [0, *(end + 1 for end in ends[:-1])]
    pairs = [(numbers[a], numbers[b]) for a, b in zip(starts, ends, strict=True)]
    words = ", ".join(f"{a}" if a == b else f"{a}-{b}" for a, b in pairs[:LONGEST_LIST])
    more = len(numbers) - sum(b - a + 1 for a, b in pairs[:LONGEST_LIST])
    return f"image{'s' * (len(numbers) > 1)} {words}{f' and {more} more' if more else ''}"
