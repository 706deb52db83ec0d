"""What one image shows, in a few numbers."""

from __future__ import annotations

from dataclasses import dataclass

ICE_EXCESS = 2.0
"""So many times more spots on the rings of ice than beside them are ice."""


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """Of one image.

    image : its number; n_spots : groups of strong pixels; d_min : resolution that they reach, Angstrom, None of few
    n_on_ice, n_beside : spots on the rings of ice, and on as much beside them
    level : counts of a pixel, at a median between spots and rings; None without a pixel that may be trusted
    """

    image: int
    n_spots: int
    d_min: float | None
    n_on_ice: int
    n_beside: int
    level: float | None


def is_icy(n_on_ice: int, n_beside: int) -> bool:
    """There are more spots on the rings of ice than as much beside them has, and than chance puts there."""
    return bool(n_on_ice > ICE_EXCESS * n_beside + 5 * n_on_ice**0.5)
