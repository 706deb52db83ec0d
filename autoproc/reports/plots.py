"""The report's charts of what changes from image to image: one function each, from data to an SVG element."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from autoproc.models.data_set_names import sweep_part
from autoproc.models.experiment import Experiment
from autoproc.models.reflections import Flag, Reflections
from autoproc.refinement.by_image import crystal_by_image, rmsd_by_image
from autoproc.reports.chart import Chart, ChartSeries, Mark, draw
from autoproc.reports.thinning import block_extremes, block_mean, block_rms
from autoproc.scaling.result import ImageScales

IMAGE = "image number"
RMSD_BLOCKS = 120
"""Most points of a plot of RMSD: so many spots in each that the points are no scatter of small numbers."""


def spots_per_image(counts: np.ndarray, first_image: int, indexed: np.ndarray | None = None) -> str:
    """Spots with their centroid on each image, and how many of them were indexed."""
    counts = np.asarray(counts, float)
    image = block_mean(first_image + np.arange(len(counts)))
    series = [ChartSeries(image, block_mean(counts), "found", "area", 0)]
    if len(image) < len(counts):
        least, greatest = block_extremes(counts)
        series.append(ChartSeries(image, greatest, "least to greatest of neighbouring images", "band", 5, least))
    if indexed is not None and not np.array_equal(indexed, counts):
        series.append(ChartSeries(image, block_mean(indexed), "indexed", "line", 1))
    return draw(Chart(series, IMAGE, "spots", (0, None)))


def count_by_image(reflections: Reflections, experiment: Experiment, rows: np.ndarray | None = None) -> np.ndarray:
    """(n_images,) spots with their centroid on each image of a scan; `rows` (N,) bool says which count."""
    frame = reflections["xyz_obs_px"][:, 2]
    frame = frame if rows is None else frame[rows]
    n_images = experiment.scan.n_images
    inside = frame[(frame >= 0) & (frame < n_images)].astype(int)
    return np.bincount(inside, minlength=n_images)


def rmsd(experiment: Experiment, reflections: Reflections, experiment_id: int) -> str:
    """Root mean square deviation of the spots of refinement from their predictions."""
    seen = rmsd_by_image(experiment, reflections, experiment_id)
    values = block_rms(seen.rmsd, seen.n_spots, RMSD_BLOCKS)
    image = block_mean(seen.frame - 0.5, RMSD_BLOCKS) + experiment.scan.image_range[0]
    labels = ("x, fast (px)", "y, slow (px)", "z, rotation (images)")
    series = [ChartSeries(image, values[:, n], label, "line", n) for n, label in enumerate(labels)]
    return draw(Chart(series, IMAGE, "RMSD (px, images)", (0, None)))


def cell_lengths(experiment: Experiment) -> str:
    """The change of the cell's lengths over the scan, percent of their means."""
    seen = crystal_by_image(experiment)
    change = 100 * (seen.cell[:, :3] / seen.cell[:, :3].mean(axis=0) - 1)
    labels = [f"{name}, mean {mean:.2f} \u00c5" for name, mean in zip("abc", seen.cell.mean(axis=0)[:3], strict=True)]
    return _by_frame(experiment, seen.frame, change, labels, "change of length (%)", 0.02)


def cell_angles(experiment: Experiment) -> str:
    """The change of the cell's angles over the scan, degrees from their means."""
    seen = crystal_by_image(experiment)
    mean = seen.cell[:, 3:].mean(axis=0)
    labels = [f"{name}, mean {value:.2f}\u00b0" for name, value in zip("\u03b1\u03b2\u03b3", mean, strict=True)]
    return _by_frame(experiment, seen.frame, seen.cell[:, 3:] - mean, labels, "change of angle (degrees)", 0.02)


def orientation(experiment: Experiment) -> str:
    """The rotation of the crystal in its mount since the first image, degrees."""
    seen = crystal_by_image(experiment)
    labels = ("about x (spindle)", "about y", "about z (beam)")
    return _by_frame(experiment, seen.frame, seen.rotation, labels, "rotation since start (degrees)", 0.02)


def _by_frame(
    experiment: Experiment, frame: np.ndarray, values: np.ndarray, labels: Sequence[str], y_label: str, least: float
) -> str:
    """Three curves; the axis spans at least -least .. least, so that noise does not look like a change."""
    values = block_mean(values)
    image = block_mean(frame) + experiment.scan.image_range[0]
    limit = None if np.nanmax(np.abs(values)) > least else least
    series = [ChartSeries(image, values[:, n], label, "line", n) for n, label in enumerate(labels)]
    return draw(Chart(series, IMAGE, y_label, (None if limit is None else -least, limit)))


class ByImage(Protocol):
    """Something of one experiment: image numbers (n,)."""

    @property
    def image(self) -> np.ndarray:
        """(n,)."""


def curves(by_image: Sequence[ByImage], values: Sequence[np.ndarray], names: Sequence[str]) -> list[ChartSeries]:
    """Of each experiment, values (n,) against the image; names : as names_in_group."""
    return [
        ChartSeries(
            block_mean(one.image), block_mean(y), label(n, len(by_image), names), "line", n,
            sweep=sweep_number(n, names),
        )
        for n, (one, y) in enumerate(zip(by_image, values, strict=True))
    ]  # fmt: skip


def scales(images: Sequence[ImageScales], names: Sequence[str] = ()) -> str:
    """The scale of each image: what its observations were divided by; names : as names_in_group."""
    series = curves(images, [one.scale for one in images], names)
    return draw(Chart(series, IMAGE, "scale factor", (0, None), [Mark(1.0)]))


def decay(images: Sequence[ImageScales], names: Sequence[str] = ()) -> str:
    """Relative B of each image; names : as names_in_group."""
    values = [block_mean(one.b) for one in images]
    limit = None if max((np.abs(v).max(initial=0.0) for v in values), default=0.0) > 2.0 else 2.0
    series = curves(images, [one.b for one in images], names)
    limits = (None if limit is None else -limit, limit)
    return draw(Chart(series, IMAGE, "relative B (\u00c5\u00b2)", limits, [Mark(0.0)]))


def ratios(images: Sequence[ImageScales], names: Sequence[str] = ()) -> str:
    """What is left over after scaling: observed over expected intensity of each image; names : as names_in_group."""
    series = curves(images, [one.ratio for one in images], names)
    every = np.concatenate([s.y[np.isfinite(s.y)] for s in series] or [np.empty(0)])
    low = None if len(every) and every.min() < 0.9 else 0.9
    high = None if len(every) and every.max() > 1.1 else 1.1
    return draw(Chart(series, IMAGE, "observed / expected", (low, high), [Mark(1.0)]))


def label(n: int, n_curves: int, names: Sequence[str] = ()) -> str:
    """Of curve n; one alone needs none. Without names they are of lattices."""
    if n_curves < 2:
        return ""
    return names[n] if names else f"lattice {n + 1}"


def sweep_number(n: int, names: Sequence[str]) -> int:
    """Of curve n: the place of its sweep among all; names : as names_in_group."""
    return list(dict.fromkeys(map(sweep_part, names))).index(sweep_part(names[n])) if names else 0


def used_in_refinement(reflections: Reflections, experiment_id: int) -> np.ndarray:
    """(N,) bool: the spots of one lattice that refinement used."""
    of_it = reflections["experiment_id"] == experiment_id
    return reflections.has_flag(Flag.USED_IN_REFINEMENT) & of_it
