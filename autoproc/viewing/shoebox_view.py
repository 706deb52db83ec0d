"""One reflection: its pixels image by image, what of them is peak, and how its flux comes and goes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy

from autoproc.geometry.reciprocal import is_entering, resolution, s1_of_spots, zeta
from autoproc.integration.kabsch import SpotFrames, spot_frames
from autoproc.integration.predict import Predictions
from autoproc.integration.profiles import FittedProfiles
from autoproc.models.experiment import Experiment
from autoproc.models.reflections import Reflections
from autoproc.viewing.fitted_profile import shares
from autoproc.viewing.images import SweepOfImages
from autoproc.viewing.reflections_on_image import columns_of, places
from autoproc.viewing.sweep_of_rows import image_number_of_each

MARGIN = 4
"""Pixels around the box that are shown too."""
MOST_FRAMES = 41
"""Images that are shown of a reflection that stays longer: those around its middle."""
LARGEST_SIDE = 128
"""Pixels along a side of what is shown, of boxes that are no spot's."""
UNTRUSTED, OVERLOADED = -1_000_001, -1_000_000
"""In place of counts, where there is none, and where it is too high."""


@dataclass(frozen=True, slots=True, eq=False)
class Box:
    """A reflection's surroundings.

    x0, y0, z0 : px, px, frame of the first pixel
    counts : (frames, slow, fast) int64, UNTRUSTED or OVERLOADED where they are no counts
    is_peak : (frames, slow, fast) bool; frames : of the spot, None where nothing is known of its width
    """

    x0: int
    y0: int
    z0: int
    counts: np.ndarray
    is_peak: np.ndarray
    frames: SpotFrames | None = None


def spot_frame_of(experiment: Experiment, centre: np.ndarray, hkl: np.ndarray) -> SpotFrames | None:
    """Where pixels lie in the frame of a reflection at centre (3,) px, px, frame; None without widths of spots."""
    profile = experiment.profile
    if profile is None:
        return None
    s1 = s1_of_spots(experiment.detector, experiment.beam, np.zeros(1, int), centre[None, :2])
    one = Predictions(
        np.zeros(1, np.int32), hkl[None], s1, centre[None], experiment.scan.phi_at(centre[2:]),
        zeta(experiment.goniometer, experiment.beam, s1), resolution(experiment.beam, s1),
        is_entering(experiment.goniometer, experiment.beam, s1),
    )  # fmt: skip
    widths = (float(np.radians(width)) for width in (profile.sigma_b, profile.sigma_m, profile.spread))
    return spot_frames(experiment, one, *widths)


def peak_pixels(frames: SpotFrames, n_sigma: float, low: tuple[int, int, int], shape: tuple[int, ...]) -> np.ndarray:
    """(frames, slow, fast) bool: within n_sigma of the spot's middle; low : x, y, z of the first pixel."""
    z, y, x = (np.arange(n) + start for n, start in zip(shape, low[::-1], strict=True))
    centre = frames.centre[0]
    off = np.stack(np.broadcast_arrays(x[None, :] + 0.5 - centre[0], y[:, None] + 0.5 - centre[1]), axis=-1)
    across = np.sum((off @ frames.transform[0].T) ** 2, axis=-1)
    along = np.maximum(np.abs(z + 0.5 - centre[2]) - 0.5, 0) * frames.rate[0]
    return across[None] + along[:, None, None] ** 2 <= n_sigma**2


def box_around(sweep: SweepOfImages, bbox: np.ndarray, centre: np.ndarray) -> tuple[tuple[int, int, int], np.ndarray]:
    """x, y, z of the first pixel, and counts (frames, slow, fast), of a box (6,) with a margin within the images."""
    n_slow, n_fast = sweep.reader.shape
    spans = []
    limits = ((0, n_fast, LARGEST_SIDE), (0, n_slow, LARGEST_SIDE), (0, sweep.reader.n_frames, MOST_FRAMES))
    for axis, (low, high, most) in enumerate(limits):
        margin = MARGIN if axis < 2 else 0
        first, last = int(bbox[2 * axis]) - margin, int(bbox[2 * axis + 1]) + margin
        if last - first > most:
            first = int(centre[axis]) - most // 2
            last = first + most
        first = min(max(first, low), high - 1)
        spans.append((first, max(min(last, high), first + 1)))
    (x0, x1), (y0, y1), (z0, z1) = spans
    mask = sweep.mask[y0:y1, x0:x1]
    frames = [_readable(sweep, z)[y0:y1, x0:x1].astype(np.int64) for z in range(z0, z1)]
    counts = np.stack(frames)
    is_over = counts >= sweep.reader.max_trusted
    counts[is_over] = OVERLOADED
    counts[~mask[None] | ((counts < sweep.reader.min_trusted) & ~is_over)] = UNTRUSTED
    return (x0, y0, z0), counts


def _readable(sweep: SweepOfImages, frame: int) -> np.ndarray:
    return sweep.reader.read(frame)


def reflection_box(table: Reflections, row: int, sweep: SweepOfImages, experiment: Experiment) -> Box:
    """A reflection of a table with what is around it. Raises what reading raises."""
    centre = places(table[row : row + 1])[0]
    bbox = table["bbox"][row]
    low, counts = box_around(sweep, bbox, centre)
    hkl = table["hkl"][row] if "hkl" in table else np.zeros(3, np.int32)
    expected = table["xyz_cal_px"][row] if "xyz_cal_px" in table else centre
    frames = spot_frame_of(experiment, expected, hkl) if np.any(hkl) else None
    if frames is None:
        inside = np.zeros(counts.shape, bool)
        x0, x1, y0, y1, z0, z1 = (int(v) for v in bbox)
        inside[max(z0 - low[2], 0) : z1 - low[2], y0 - low[1] : y1 - low[1], x0 - low[0] : x1 - low[0]] = True
        return Box(*low, counts, inside)
    n_sigma = experiment.profile.n_sigma if experiment.profile else 3.0
    return Box(*low, counts, peak_pixels(frames, n_sigma, low, counts.shape), frames)


def background_of(box: Box) -> float:
    """Counts per pixel beside the peak, without the highest twentieth; 0 where there is nothing beside it."""
    beside = box.counts[~box.is_peak & (box.counts > OVERLOADED)]
    if not len(beside):
        return 0.0
    return float(beside[beside <= np.quantile(beside, 0.95)].mean())


def reflection_facts(
    table: Reflections,
    row: int,
    sweep: SweepOfImages,
    experiments: Sequence[Experiment],
    profiles: FittedProfiles | None = None,
) -> dict[str, Any]:
    """All that is known of a reflection, with its pixels; sweep : its own. Raises what reading raises.

    profiles : that its sweep was integrated with, where they were kept
    """
    lattice = int(table["experiment_id"][row])
    experiment = experiments[lattice] if 0 <= lattice < len(experiments) else sweep.experiment
    box = reflection_box(table, row, sweep, experiment)
    one = table[row : row + 1]
    background = float(one["background_mean"][0]) if "background_mean" in one else background_of(box)
    return {
        **columns_of(table, np.array([row])),
        "image": int(image_number_of_each(places(one), np.array([sweep.number]), experiments)[0]),
        "box": {
            "x": box.x0, "y": box.y0, "first": box.z0 + sweep.first,
            "shape": list(box.counts.shape), "counts": box.counts.ravel().tolist(),
            "peak": box.is_peak.astype(int).ravel().tolist(), "untrusted": UNTRUSTED, "overloaded": OVERLOADED,
        },
        "fitted": fitted_counts(box, background, one, profiles),
        "background": background,
        "rocking": rocking_curve(box, background, experiment, one),
        "other": {name: float(one[name][0]) for name in OTHER if name in one and np.isfinite(one[name][0])},
    }  # fmt: skip


def fitted_counts(box: Box, background: float, one: Reflections, profiles: FittedProfiles | None) -> list[float] | None:
    """Counts that the fitted profile and the background let expect in each pixel of a box; None without a profile.

    one : the reflection, with its intensity by profile fitting
    """
    names = ("intensity_prf", "variance_prf", "xyz_cal_px", "bbox")
    if profiles is None or box.frames is None or not all(name in one for name in names) or one["variance_prf"][0] <= 0:
        return None
    coefficients = profiles.of(int(one["experiment_id"][0]), one["xyz_cal_px"][0])
    if coefficients is None:
        return None
    low = (box.x0, box.y0, box.z0)
    share = shares(coefficients, box.frames, one["bbox"][0], low, box.counts.shape)
    expected = background + float(one["intensity_prf"][0]) * share
    return [round(float(value), 3) for value in expected.ravel()]


OTHER = ("partiality", "lp", "qe", "zeta", "profile_correlation", "n_foreground", "n_background", "inverse_scale")
"""Columns that are told as they are."""


def rocking_curve(box: Box, background: float, experiment: Experiment, one: Reflections) -> dict[str, list[float]]:
    """Counts of the peak above background image by image, and what is expected of it by the mosaicity.

    On each image all pixels are summed that are peak on any.
    """
    anywhere = np.broadcast_to(box.is_peak.any(axis=0), box.counts.shape)
    good = anywhere & (box.counts > OVERLOADED)
    measured = [float(frame[g].sum() - background * g.sum()) for frame, g in zip(box.counts, good, strict=True)]
    result = {"measured": measured}
    if experiment.profile is not None and "xyz_cal_px" in one and "zeta" in one:
        width = abs(np.radians(experiment.scan.oscillation[1]))
        rate = abs(float(one["zeta"][0])) * width / np.radians(experiment.profile.sigma_m)
        edges = np.arange(len(box.counts) + 1) + box.z0 - float(one["xyz_cal_px"][0, 2])
        parts = np.diff(scipy.special.ndtr(rate * edges))
        scale = sum(m * p for m, p in zip(measured, parts, strict=True)) / max(float(np.sum(parts**2)), 1e-9)
        result["expected"] = [float(scale * part) for part in parts]
    return result
