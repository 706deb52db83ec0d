"""How far spots lie from where models put them, over each panel of a detector: figures of a report."""

from __future__ import annotations

import numpy as np

from autoproc.models.experiment import Detector
from autoproc.models.reflections import Reflections
from autoproc.reports import captions, maps
from autoproc.reports.page import Figure

MOST_PANELS = 8
"""Panels drawn, those with the most spots: a detector may be put together of hundreds. A judgement."""


def deviation_maps(
    table: Reflections, used: np.ndarray, detector: Detector, which: str = "", view: str = ""
) -> list[Figure]:
    """A map for each panel; of many, for those with the most spots, which is said.

    used : (N,) bool, the spots to use; which : whose they are, after the title, where there are several
    view : what the image viewer is asked for to list them; it shows detectors of one panel only
    """
    n_panels = len(detector)
    if n_panels == 1:
        return [_figure(table, used, detector, 0, f"RMSD over the detector{which}", view=view)]
    n_spots = np.bincount(table["panel"][used].astype(int), minlength=n_panels)
    drawn = np.sort(np.argsort(-n_spots, kind="stable")[:MOST_PANELS])
    left_out = f" Drawn are the {MOST_PANELS} of {n_panels} panels that have the most spots."
    said = left_out if n_panels > MOST_PANELS else ""
    return [_figure(table, used, detector, int(n), f"RMSD over panel {n}{which}", said) for n in drawn]


def _figure(
    table: Reflections, used: np.ndarray, detector: Detector, panel: int, title: str, said: str = "", view: str = ""
) -> Figure:
    drawn = maps.deviations_map(table, used, detector[panel], panel, view)
    return Figure(title, captions.deviations_map(drawn.map.values) + said, drawn)
