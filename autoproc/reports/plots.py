"""The report's plots: one function each, from a stage's result to a figure; SVG that never changes by itself."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from autoproc.merging.statistics import MergingStatistics, ShellStatistics
from autoproc.models.experiment import Experiment
from autoproc.models.reflections import Flag, Reflections
from autoproc.scaling.result import ImageScales
from autoproc.stages.estimate_resolution import ResolutionEstimate

COLOURS = ("#1b6ca8", "#d1495b", "#2e933c", "#edae49", "#66418f", "#444444")
STYLE: Any = {
    "svg.hashsalt": "autoproc",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e4e4e4",
    "axes.axisbelow": True,
    "legend.frameon": False,
}


def svg(draw: Callable[[Figure], None], width: float = 6.2, height: float = 2.9) -> str:
    """A figure as an SVG element; the same data give the same text."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(width, height), layout="constrained")
        draw(figure)
        text = io.StringIO()
        figure.savefig(text, format="svg", metadata={"Date": None})
    content = text.getvalue()
    return content[content.index("<svg") :]


def spots_per_image(counts: np.ndarray, first_image: int) -> str:
    """Number of spots on each image."""

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        axes.fill_between(first_image + np.arange(len(counts)), counts, step="mid", color=COLOURS[0], alpha=0.8)
        axes.set(xlabel="image", ylabel="spots", ylim=(0, None))

    return svg(draw)


def rmsd_by_image(reflections: Reflections, experiments: list[Experiment]) -> str:
    """Root mean square deviation of spots from their predictions, in blocks of images."""
    used = reflections[reflections.has_flag(Flag.USED_IN_REFINEMENT)]
    used = used[~used.has_flag(Flag.CENTROID_OUTLIER)]
    difference = used["xyz_obs_px"] - used["xyz_cal_px"]
    scan = experiments[0].scan
    n_blocks = int(np.clip(scan.n_images // 4, 1, 90))
    edges = np.linspace(0, scan.n_images, n_blocks + 1)
    block = np.clip(np.searchsorted(edges, used["xyz_obs_px"][:, 2], side="right") - 1, 0, n_blocks - 1)
    count = np.maximum(np.bincount(block, minlength=n_blocks), 1)
    centre = scan.image_range[0] + 0.5 * (edges[1:] + edges[:-1])

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        for n, label in enumerate(("x (px)", "y (px)", "z (images)")):
            rms = np.sqrt(np.bincount(block, difference[:, n] ** 2, n_blocks) / count)
            axes.plot(centre, rms, color=COLOURS[n], label=label)
        axes.set(xlabel="image", ylabel="RMSD", ylim=(0, None))
        axes.legend(ncols=3)

    return svg(draw)


def cell_by_image(experiment: Experiment) -> str:
    """The change of the cell over the scan, percent of each length and degrees of each angle."""
    crystal, scan = experiment.crystal, experiment.scan
    assert crystal is not None
    frames = np.linspace(0, scan.n_images, min(scan.n_images + 1, 200))
    cells = np.array([type(crystal)(a).cell for a in crystal.A_at(frames)])
    mean = cells.mean(axis=0)

    def draw(figure: Figure) -> None:
        lengths, angles = figure.subplots(1, 2)
        for n, name in enumerate("abc"):
            lengths.plot(scan.image_range[0] + frames, 100 * (cells[:, n] / mean[n] - 1), color=COLOURS[n], label=name)
        for n, name in enumerate(("alpha", "beta", "gamma")):
            angles.plot(scan.image_range[0] + frames, cells[:, n + 3] - mean[n + 3], color=COLOURS[n], label=name)
        lengths.set(xlabel="image", ylabel="change of length (%)")
        angles.set(xlabel="image", ylabel="change of angle (degrees)")
        for axes in (lengths, angles):
            axes.legend(ncols=3)

    return svg(draw)


def orientation_by_image(experiment: Experiment) -> str:
    """The rotation of the crystal from its mean orientation, about the laboratory axes, degrees."""
    crystal, scan = experiment.crystal, experiment.scan
    assert crystal is not None
    frames = np.linspace(0, scan.n_images, min(scan.n_images + 1, 200))
    orientations = np.array([type(crystal)(a).U for a in crystal.A_at(frames)])
    turns = orientations @ crystal.U.T
    small = 0.5 * np.degrees(
        np.stack([turns[:, 2, 1] - turns[:, 1, 2], turns[:, 0, 2] - turns[:, 2, 0], turns[:, 1, 0] - turns[:, 0, 1]], 1)
    )

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        for n, name in enumerate("xyz"):
            axes.plot(scan.image_range[0] + frames, small[:, n], color=COLOURS[n], label=f"about {name}")
        axes.set(xlabel="image", ylabel="rotation (degrees)")
        axes.legend(ncols=3)

    return svg(draw)


def by_resolution(statistics: MergingStatistics, field: str, label: str, limits: tuple[float, float | None]) -> str:
    """One statistic against resolution."""
    shells = [s for s in statistics.shells if getattr(s, field) is not None]

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        values = [getattr(s, field) for s in shells]
        axes.plot([_s2(s) for s in shells], values, "o-", ms=3, color=COLOURS[0])
        axes.set(ylabel=label, ylim=limits)
        resolution_axis(axes)

    return svg(draw)


def cc_half(estimate: ResolutionEstimate, d_min: float) -> str:
    """CC1/2 by shell with the fitted curve, the limit and where the data were cut."""

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        axes.plot(estimate.s2, estimate.cc_half, "o", ms=3, color=COLOURS[0], label="CC1/2")
        axes.plot(estimate.s2, estimate.fitted, color=COLOURS[1], label="fit")
        axes.axhline(estimate.cc_limit, color=COLOURS[5], lw=0.8, ls=":")
        axes.axvline(1 / d_min**2, color=COLOURS[2], lw=1, ls="--", label=f"d_min {d_min:.2f} A")
        axes.set(ylabel="CC1/2", ylim=(min(-0.1, float(estimate.cc_half.min())), 1.05))
        axes.legend()
        resolution_axis(axes)

    return svg(draw)


def scale_by_image(images: tuple[ImageScales, ...]) -> str:
    """Scale and relative B of each image."""

    def draw(figure: Figure) -> None:
        scale, b = figure.subplots(1, 2)
        for n, one in enumerate(images):
            label = f"lattice {n + 1}" if len(images) > 1 else None
            scale.plot(one.image, one.scale, color=COLOURS[n % len(COLOURS)], label=label)
            b.plot(one.image, one.b, color=COLOURS[n % len(COLOURS)])
        scale.set(xlabel="image", ylabel="scale")
        b.set(xlabel="image", ylabel="relative B (A^2)")
        if len(images) > 1:
            scale.legend()

    return svg(draw)


def resolution_axis(axes: Axes) -> None:
    """An axis that is linear in 1/d^2 and labelled in Angstrom."""
    low, high = axes.get_xlim()
    ticks = np.linspace(max(low, 1e-4), high, 7)[1:-1]
    axes.set_xticks(ticks, [f"{t**-0.5:.2f}" for t in ticks])
    axes.set_xlabel("resolution (A)")


def _s2(shell: ShellStatistics) -> float:
    return 0.5 * (1 / shell.d_max**2 + 1 / shell.d_min**2)
