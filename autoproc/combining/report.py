"""The tables of combining data sets, as text."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from autoproc.combining.cells import CellClusters
from autoproc.combining.consistent_settings import ConsistentSettings
from autoproc.combining.coordinates import Dimension
from autoproc.symmetry.report import element_table
from autoproc.text_tables import ruled_table

TREE_WIDTH = 40
"""Characters for the greatest height of the tree."""


def cell_tree(clusters: CellClusters, labels: Sequence[str]) -> str:
    """The tree of cells turned on its side: beside each data set the height at which it joins the one below it."""
    order = clusters.order
    heights = _heights(clusters, order)
    top = max(heights, default=0.0)
    rows = []
    for n, height in zip(order, [*heights, None], strict=True):
        bar = "" if height is None or top == 0 else "=" * max(1, round(TREE_WIDTH * height / top))
        cell = " ".join(f"{x:.2f}" for x in clusters.cells[n])
        joins = "" if height is None else f"{100 * height:.2f}"
        rows.append([labels[n], int(clusters.cluster[n]) + 1, cell, joins, bar])
    return ruled_table(["Data set", "Form", "Reduced cell", "Joins next at %", ""], rows, left=(0, 2, 4))


def _heights(clusters: CellClusters, order: Sequence[int]) -> list[float]:
    """Of the branch that joins each leaf to the next."""
    members: dict[int, set[int]] = {n: {n} for n in order}
    place = {n: k for k, n in enumerate(order)}
    heights = [0.0] * max(len(order) - 1, 0)
    for step, (left, right, height, _) in enumerate(clusters.joined):
        first, second = members[int(left)], members[int(right)]
        members[len(order) + step] = first | second
        lower, upper = sorted((first, second), key=lambda m: min(place[n] for n in m))
        heights[max(place[n] for n in lower)] = float(height)
        assert min(place[n] for n in upper) == max(place[n] for n in lower) + 1
    return heights


def dimension_table(dimensions: Sequence[Dimension]) -> str:
    """What each number of dimensions predicts of correlations that it did not see; the one taken is marked."""
    rows = [
        [d.n, len(d.members), f"{np.sqrt(d.held_out):.3f}", "*" if k == 0 else ""]
        for k, d in sorted(enumerate(dimensions), key=lambda pair: (pair[1].n, pair[1].held_out))
    ]
    return ruled_table(["Dimensions", "Rotations alike", "RMS error of held-out CC", ""], rows, left=(3,))


def settings_text(settings: ConsistentSettings) -> str:
    """The evidence for the settings: pairs, dimensions, and elements by the coordinates."""
    n = settings.pairs.n
    upper = np.triu(np.ones(n.shape[::2], bool), 1)[:, None]
    counts = n[np.broadcast_to(upper, n.shape)]
    known = counts[counts > 0]
    median = int(np.median(known)) if len(known) else 0
    return "\n".join(
        [
            f"Correlations of {len(known)} pairs of data sets and rotations (of {len(counts)}); "
            f"in common: {median} reflections (median)",
            "",
            f"Dimensions of the coordinates\n\n{dimension_table(settings.dimensions)}",
            "",
            "Symmetry elements by the coordinates: cosines between copies that they relate\n\n"
            f"{element_table(settings.elements)}",
            "",
            f"Settings that the symmetry tells apart: {settings.n_settings}",
        ]
    )
