"""Whether a sweep's images are all there: pure rules on what was seen of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from autoproc.service.sweeps.series_verdict import SeriesVerdict
from autoproc.service.watching.params import WatchParams

LONGEST_LIST = 5
FOLLOWED = 6
"""Settle times after which a sweep that lacks images is given up when the next has begun, or one whose images are all
there when some stay unfinished."""


@dataclass(frozen=True, slots=True)
class SeriesProgress:
    """What was seen of a series until now.

    n_present : images present and whole; n_unfinished : present, but still growing, or empty
    missing : (first, last) of the stretches of images that lack between others
    n_expected : as the header or master says; None where it does not
    quiet : seconds since the last news; interval : usual seconds between images; pause : the longest one yet
    is_followed : a later series has begun in the same directory
    obstacle : why the images cannot be told yet, in plain words
    """

    n_present: int
    n_unfinished: int = 0
    missing: tuple[tuple[int, int], ...] = ()
    n_expected: int | None = None
    quiet: float = 0.0
    interval: float = 0.0
    pause: float = 0.0
    is_followed: bool = False
    obstacle: str = ""

    @property
    def is_whole(self) -> bool:
        """Nothing is known to lack."""
        return not self.n_unfinished and self._are_all_there

    @property
    def is_cut(self) -> bool:
        """All images are there, but some are unfinished: whoever reads them says which, and what is wrong with them."""
        return self.n_unfinished > 0 and self.n_present > 0 and self._are_all_there

    @property
    def _are_all_there(self) -> bool:
        there = self.n_present + self.n_unfinished
        return not (self.missing or self.obstacle) and there >= (self.n_expected or 1)


def settle_time(progress: SeriesProgress, params: WatchParams) -> float:
    """Seconds without news after which no more images are expected; a pause seen once may come again."""
    longest = max(params.settle_time, params.settle_images * progress.interval, 2 * progress.pause)
    return min(longest, params.stall_time)


def judge(progress: SeriesProgress, params: WatchParams, in_hurry: bool = False) -> SeriesVerdict:
    """Complete, partial, or to be waited for.

    in_hurry : nobody waits for stalled collections: what lacks images is partial once nothing comes any more
    """
    settle = settle_time(progress, params)
    if progress.is_whole:
        needed = _time_for_whole(progress, settle, params)
        if progress.quiet >= needed:
            return SeriesVerdict("complete")
    else:
        needed = _time_for_partial(progress, settle, params, in_hurry)
        if progress.quiet >= needed:
            return SeriesVerdict("complete") if progress.is_cut else SeriesVerdict("partial", what_lacks(progress))
    return SeriesVerdict("waiting", look_in=needed - progress.quiet)


def _time_for_whole(progress: SeriesProgress, settle: float, params: WatchParams) -> float:
    if progress.n_expected is not None:
        return 0.0
    if progress.is_followed:
        return min(settle, max(params.stable_time, 2 * progress.interval, 2 * progress.pause))
    return settle


def _time_for_partial(progress: SeriesProgress, settle: float, params: WatchParams, in_hurry: bool) -> float:
    """A detector that writes the next sweep has given this one up; what is still under way comes soon.

    So does the rest of an image that is there in part; should it come later, the sweep is processed again.
    """
    if in_hurry:
        return settle
    is_given_up = progress.is_followed or progress.is_cut
    return min(params.stall_time, FOLLOWED * settle) if is_given_up else params.stall_time


def what_lacks(progress: SeriesProgress) -> str:
    """Why a series is partial, in plain words."""
    return f"{what_is_missing(progress)}; nothing came for {_duration(progress.quiet)}"


def what_is_missing(progress: SeriesProgress, is_coming: bool = False) -> str:
    """What a series lacks as far as is known, in plain words; "" where nothing does.

    is_coming : something came a moment ago, so that files that are not whole are still being written
    """
    said = []
    n_expected = progress.n_expected
    if n_expected is not None and progress.n_present + progress.n_unfinished < n_expected:
        said.append(f"{progress.n_present} of {n_expected} images are there")
    elif progress.missing:
        said.append(f"images missing: {_stretches(progress.missing)}")
    if progress.n_unfinished:
        said.append(f"{progress.n_unfinished} {'still arriving' if is_coming else 'unfinished'}")
    if progress.obstacle:
        said.append(progress.obstacle)
    return ", ".join(said)


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def _stretches(stretches: Sequence[tuple[int, int]]) -> str:
    words = [f"{first}" if first == last else f"{first}-{last}" for first, last in stretches[:LONGEST_LIST]]
    more = len(stretches) - len(words)
    return ", ".join(words) + (f" and {more} more stretches" if more else "")
