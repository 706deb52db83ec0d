"""Sweeps told from screening shots, stills and single images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Wedge:
    """Consecutive images: number of the first, how many, (start, width) in degrees or None if it is not known."""

    first: int
    n_images: int
    oscillation: tuple[float, float] | None

    @property
    def is_still(self) -> bool:
        """The images do not rotate, as far as is known."""
        return self.oscillation is None or self.oscillation[1] == 0.0

    @property
    def rotation(self) -> float:
        """Degrees that the images cover."""
        return 0.0 if self.oscillation is None else abs(self.oscillation[1]) * self.n_images


def screening_reason(wedges: Sequence[Wedge], max_rotation: float) -> str:
    """Why pieces of one series are screening shots, in plain words; empty where they are not.

    Screening shots turn a little at several angles far from each other: 0, 45 and 90 degrees.
    """
    if len(wedges) < 2 or any(w.is_still or w.rotation > max_rotation for w in wedges):
        return ""
    starts = ", ".join(f"{w.oscillation[0]:g}" for w in wedges[:6] if w.oscillation is not None)
    return f"screening shots at {starts}{', ...' if len(wedges) > 6 else ''} degrees, not a sweep"


def not_a_sweep_reason(wedge: Wedge, min_images: int) -> str:
    """Why images are not processed as a sweep, in plain words; empty for a sweep."""
    if wedge.n_images == 1 and min_images > 1:
        return f"a single image (number {wedge.first}) is not a sweep"
    if wedge.is_still:
        said = "gives no rotation" if wedge.oscillation is None else "says that the crystal stood still"
        return f"stills: the header {said}; if it turned, give oscillation=start,width in degrees"
    if wedge.n_images < min_images:
        return f"{wedge.n_images} consecutive images from number {wedge.first}, fewer than min_images={min_images}"
    return ""
