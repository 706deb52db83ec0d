"""Charts of how reflections are distributed: over resolution, intensity and quality."""

from __future__ import annotations

import numpy as np

from autoproc.geometry.shells import equal_volume_shells
from autoproc.reports.chart import Chart, ChartSeries, Mark, draw
from autoproc.reports.resolution_plots import RESOLUTION

N_BINS = 40
N_SHELLS = 20


def shell_number(d: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The shell (N,) of each resolution d > 0, and the middle of each shell, 1/d^2."""
    shells = equal_volume_shells(d, N_SHELLS)
    return np.clip(shells.index(d), 0, len(shells) - 1), 0.5 * (shells.edges[1:] + shells.edges[:-1])


def counts_by_resolution(d: np.ndarray, indexed: np.ndarray | None = None) -> str:
    """Reflections in shells of equal volume; spots that were indexed among them."""
    known = np.isfinite(d) & (d > 0)
    if not known.any():
        return draw(Chart((), RESOLUTION, "reflections", resolution=True))
    shell, middle = shell_number(d[known])
    series = [ChartSeries(middle, np.bincount(shell, minlength=len(middle)).astype(float), "all", "area", 0)]
    if indexed is not None:
        count = np.bincount(shell[indexed[known]], minlength=len(middle)).astype(float)
        series.append(ChartSeries(middle, count, "indexed", "line", 1))
    return draw(Chart(series, RESOLUTION, "reflections in shells of equal volume", (0.0, None), resolution=True))


def mean_by_resolution(d: np.ndarray, values: dict[str, np.ndarray], y_label: str) -> str:
    """Means of some values, by label, in shells of equal volume."""
    series = []
    for n, (label, value) in enumerate(values.items()):
        known = np.isfinite(d) & (d > 0) & np.isfinite(value)
        if not known.any():
            continue
        shell, middle = shell_number(d[known])
        count = np.bincount(shell, minlength=len(middle))
        total = np.bincount(shell, value[known], len(middle))
        mean = total / np.where(count > 0, count, np.nan)
        series.append(ChartSeries(middle, mean, label if len(values) > 1 else "", "both", n))
    low = None if any(np.nanmin(s.y) < 0 for s in series) else 0.0
    return draw(Chart(series, RESOLUTION, y_label, (low, None), resolution=True))


def intensities(values: dict[str, np.ndarray]) -> str:
    """Distributions of log10 of positive intensities, by label."""
    series = []
    positive = {label: v[np.isfinite(v) & (v > 0)] for label, v in values.items()}
    every = np.concatenate(list(positive.values()) or [np.empty(0)])
    if len(every):
        edges = np.linspace(np.log10(every.min()), np.log10(every.max()) + 1e-3, N_BINS + 1)
        for n, (label, v) in enumerate(positive.items()):
            count = np.histogram(np.log10(v), edges)[0].astype(float)
            series.append(ChartSeries(0.5 * (edges[1:] + edges[:-1]), count, label, "area" if not n else "line", n))
    return draw(Chart(series, "log\u2081\u2080 intensity (photons)", "reflections", (0.0, None)))


def deviations(differences: np.ndarray) -> str:
    """Distributions of predicted minus observed positions (N, 3), in units of each one's standard deviation."""
    series, edges = [], np.linspace(-4, 4, N_BINS + 1)
    middle = 0.5 * (edges[1:] + edges[:-1])
    for n, label in enumerate(("x", "y", "z")):
        sd = float(np.std(differences[:, n])) if len(differences) else 0.0
        if sd > 0:
            count = np.histogram(differences[:, n] / sd, edges)[0].astype(float)
            series.append(ChartSeries(middle, count, label, "line", n))
    return draw(Chart(series, "deviation / standard deviation", "spots", (0.0, None), [Mark(0.0, along="x")]))


def fractions(values: np.ndarray, x_label: str, low: float, high: float) -> str:
    """The distribution of values between low and high."""
    edges = np.linspace(low, high, N_BINS + 1)
    count = np.histogram(values[np.isfinite(values)], edges)[0].astype(float)
    series = [ChartSeries(0.5 * (edges[1:] + edges[:-1]), count, "", "area", 0)] if len(values) else []
    return draw(Chart(series, x_label, "reflections", (0.0, None)))
