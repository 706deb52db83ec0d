"""From the angles of images to sweeps: where the rotation goes on evenly, and by how much an image turns."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from autoproc.robust import robust_sigma
from autoproc.wording import number_ranges

MIN_OPEN = 0.5
"""Of a step that the images cover: with less, the images are shots at angles apart, not a sweep (judgement)."""
MAX_OPEN = 1.5
"""Of a step: images that overlap by more are no sweep either."""
MAX_STEP = 3.0
"""Degrees: where images are said to cover nothing and the angles rise by no more, the ends were never filled in."""
GAP = 0.1
"""Of a step: a start that is off by more is a gap, where the starts do not scatter."""
SUSPECT_SIGMA = 2.0
"""Standard deviations of a step: what is looked at as a possible gap where the starts scatter."""
CLEAR_SIGMA = 5.0
"""The same: what is a gap even beside another."""
LEVEL_SIGMA = 5.0
"""Standard deviations of the level of the angles: a gap is told from scatter by what follows it. Simulated starts
with 2 to 10% scatter: a false gap in 1 sweep of 100 at most, a missing image found in 98% and more."""
LEVEL = 8
"""Steps on either side of a suspected gap whose median tells whether the angles came back."""
TOLD_SCATTER = 0.02
"""Of a step: scatter that is worth a word."""
TOLD_CLOSED = 0.01
"""Of a step that the images do not cover: what is worth a word."""
MOST_MISREAD = 0.02
"""Of the angles (and one in any case) that may be wrong; more, and nothing is known (judgement)."""
MISREAD_IN_A_ROW = 3
"""Wrong angles in a row that are told from a pause by the rotation going on behind them (judgement)."""
LARGEST_ANGLE = 1e5
"""Degrees: what is beyond is no angle, as encoders that count turns go through hundreds of them at most."""
MOST_TOLD = 3
"""Wrong angles that are told one by one."""
DIGITS = 9
"""Decimals of a degree that are kept of a fitted step: less than what a float32 of the file holds."""


@dataclass(frozen=True, slots=True)
class EvenRotation:
    """Images start .. stop-1 (0-based) that turn on evenly: the angle of the first and the step, degrees."""

    start: int
    stop: int
    angle: float
    width: float


@dataclass(frozen=True, slots=True)
class Rotation:
    """All images of a file as runs; what a crystallographer should know of their angles, in plain words."""

    runs: tuple[EvenRotation, ...]
    warnings: tuple[str, ...] = ()


def rotation_of(starts: np.ndarray, covered: np.ndarray, n_images: int) -> Rotation:
    """The runs of images whose rotation goes on evenly.

    starts : (n,) degrees; covered : degrees that each image covers, (n,), (1,) or empty where the file does not
    say. Where there are fewer angles than images, the rotation is taken to go on evenly.
    The step is the slope of the starts: an image may cover less than it, as a shutter does that opens late.
    """
    starts, unknown = _without_unknown(np.asarray(starts, float)[:n_images])
    covered = np.asarray(covered, float)[:n_images]
    covered = np.where(np.isfinite(covered), covered, _median(covered)) if are_known(covered) else np.zeros(0)
    width = float(np.median(covered)) if len(covered) else 0.0
    if len(starts) < 2:
        return Rotation((EvenRotation(0, n_images, float(starts[0]) if len(starts) else 0.0, width),))
    steps = (np.diff(starts) + 180.0) % 360.0 - 180.0
    step = float(np.median(steps))
    if len(covered) and not _may_be_covered(width, step):
        return _apart(starts, covered, width, n_images)
    starts, misread = _without_misread(starts, step)
    steps = (np.diff(starts) + 180.0) % 360.0 - 180.0
    scatter = float(robust_sigma(steps - step))
    near = np.abs(steps - step) <= min(max(GAP * abs(step), 4.5 * scatter), 0.49 * abs(step))
    if near.any():
        step = float(np.mean(steps[near]))  # an error of the step adds up along the sweep: the median's is too large
        scatter = max(scatter, float(np.std(steps[near])))
    edges = [0, *(gap + 1 for gap in _gaps(steps - step, abs(step), scatter)), n_images]
    runs = tuple(_run(starts, steps, step, first, stop) for first, stop in pairwise(edges))
    said = _warnings(runs[0].width, scatter / np.sqrt(2), width if len(covered) else step)
    return Rotation(runs, (*unknown, *misread, *said))


def are_known(angles: np.ndarray) -> bool:
    """So few of the angles, or widths, are no numbers that the others tell what these should be."""
    n_unknown = int(np.count_nonzero(~possible(angles)))
    return n_unknown < len(angles) and n_unknown <= max(1, MOST_MISREAD * len(angles))


def possible(angles: np.ndarray) -> np.ndarray:
    """(n,) bool: angles, degrees, that a goniometer may have."""
    return np.isfinite(angles) & (np.abs(np.nan_to_num(angles)) <= LARGEST_ANGLE)


def _median(values: np.ndarray) -> float:
    return float(np.median(values[np.isfinite(values)]))


def _without_unknown(starts: np.ndarray) -> tuple[np.ndarray, list[str]]:
    """The angles with those that are no numbers put on the line between the others; a word for each."""
    known = possible(starts)
    if known.all() or not are_known(starts):
        return starts, []
    at = np.flatnonzero(known)
    angles = np.unwrap(starts[at], period=360.0)
    step = float(np.median(np.diff(angles) / np.diff(at))) if len(at) > 1 else 0.0
    places = np.arange(len(starts))
    off = np.interp(places, at, angles - step * at)  # beyond the first and the last the rotation goes on as usual
    mended = np.where(known, starts, off + step * places)
    return mended, _told(starts, mended, np.flatnonzero(~known), "is no angle")


def _told(starts: np.ndarray, taken: np.ndarray, wrong: np.ndarray, fault: str) -> list[str]:
    """What is taken in place of wrong angles; of many in one sentence."""
    if len(wrong) > MOST_TOLD:
        fault = "are no angles" if fault == "is no angle" else "are not between those beside them"
        return [
            f"the angles of {len(wrong)} images ({number_ranges((wrong + 1).tolist(), MOST_TOLD)}) {fault}: even steps "
            "are taken instead"
        ]
    return [
        f"the angle of image {n + 1}, {starts[n]:g} degrees, {fault}: {taken[n]:g} is taken instead"
        for n in wrong.tolist()
    ]


def _without_misread(starts: np.ndarray, step: float) -> tuple[np.ndarray, list[str]]:
    """The angles with those that lie a step or more off the line between good neighbours put there; a word for each.

    An image of its own at another angle would make the one behind it come late: the rotation goes on without a pause.
    """
    mended = starts.copy()
    for n_wrong in range(1, MISREAD_IN_A_ROW + 1):
        before, behind = mended[: -n_wrong - 1], mended[n_wrong + 1 :]
        beside = (behind - before + 180.0) % 360.0 - 180.0
        is_wrong = (np.abs(beside - (n_wrong + 1) * step) <= GAP * abs(step)) & (abs(step) > 0)
        between = [before + beside * k / (n_wrong + 1) for k in range(1, n_wrong + 1)]
        for k, line in enumerate(between, 1):
            off = np.abs((mended[k : k + len(line)] - line + 180.0) % 360.0 - 180.0)
            is_wrong &= off >= abs(step)
        for k, line in enumerate(between, 1):
            mended[np.flatnonzero(is_wrong) + k] = line[is_wrong]
    wrong = np.flatnonzero(mended != starts)
    if not 0 < len(wrong) <= max(1, MOST_MISREAD * len(starts)):
        return starts, []
    return mended, _told(starts, mended, wrong, "is not between those beside it")


def _gaps(off: np.ndarray, step: float, scatter: float) -> list[int]:
    """Which steps are gaps, not mere misreadings; beside a large one, a small one is scatter.

    off : (n,) how much longer each step is than usual, degrees; step : the usual one; scatter : of the steps
    """
    suspects = np.flatnonzero(np.abs(off) > max(GAP * max(step, 1e-4), SUSPECT_SIGMA * scatter))
    gaps = [n for n in suspects.tolist() if abs(off[n]) >= step or _changes_level(off, n, step, scatter)]
    clear = {n for n in gaps if abs(off[n]) > CLEAR_SIGMA * scatter}
    return [n for n in gaps if n in clear or not clear.intersection(range(n - LEVEL, n + LEVEL + 1))]


def _changes_level(off: np.ndarray, index: int, step: float, scatter: float) -> bool:
    """The angles behind a step do not come back to the line of those before it."""
    before, behind = off[max(0, index - LEVEL) : index], off[index + 1 : index + 1 + LEVEL]
    level_before = np.median(np.append(0.0, -np.cumsum(before[::-1])))
    level_behind = np.median(np.append(0.0, np.cumsum(behind))) + off[index]
    noise = scatter * np.sqrt(np.pi / 4 * (1 / (len(before) + 1) + 1 / (len(behind) + 1)))
    return bool(abs(level_behind - level_before) > max(GAP * step, LEVEL_SIGMA * noise))


def _may_be_covered(width: float, step: float) -> bool:
    if width == 0:
        return abs(step) <= MAX_STEP
    if step == 0:
        return False
    return MIN_OPEN <= width / step <= MAX_OPEN


def _run(starts: np.ndarray, steps: np.ndarray, step: float, first: int, stop: int) -> EvenRotation:
    """A line through the starts of a run: its ends where they lie on it, else by least squares."""
    n = min(stop, len(starts)) - first
    if n < 2:
        return EvenRotation(first, stop, float(starts[first]), step)
    angles = starts[first] + np.append(0.0, np.cumsum(steps[first : first + n - 1]))
    width = float(angles[-1] - angles[0]) / (n - 1)
    off = angles - angles[0] - width * np.arange(n)
    angle = float(angles[0])
    if n > 2 and np.max(np.abs(off)) > 1e-3 * abs(step):
        width, angle = map(float, np.polyfit(np.arange(n), angles, 1))
    return EvenRotation(first, stop, round(angle, DIGITS), round(width, DIGITS))


def _apart(starts: np.ndarray, covered: np.ndarray, width: float, n_images: int) -> Rotation:
    """Images that do not follow each other step by step: each run is where one begins as the one before ended."""
    each = covered if len(covered) >= len(starts) else np.full(len(starts), width)
    gaps = np.abs((starts[1:] - starts[:-1] - each[:-1] + 180.0) % 360.0 - 180.0)
    breaks = np.flatnonzero(gaps > GAP * np.maximum(np.abs(each[:-1]), 1e-4)) + 1
    edges = [0, *breaks.tolist(), n_images]
    return Rotation(
        tuple(EvenRotation(a, b, float(starts[a]), float(np.median(each[a:b]))) for a, b in pairwise(edges))
    )


def _warnings(step: float, scatter: float, width: float) -> list[str]:
    said = []
    if step and scatter > TOLD_SCATTER * abs(step):
        said.append(
            f"the angles of the images scatter by {scatter:.2g} degrees, {scatter / abs(step):.0%} of a step, "
            f"about even steps of {step:.5g}: even steps are assumed"
        )
    if step and width and abs(width / step - 1) > TOLD_CLOSED:
        said.append(
            f"the images cover {width:.4g} degrees of each step of {step:.4g}: "
            "the step is used; what diffracts between the images is lost"
        )
    return said
