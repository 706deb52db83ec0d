"""Checks of the images, and what the stages were in doubt about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from autoproc.integration.powder_rings import MIN_RATIO, PowderRing
from autoproc.reports.checks.check import Check, above, printed
from autoproc.wording import in_brief

MANY_LOST = 0.25
"""Of the images of a sweep: without so many, what is left may not cover what the user thinks that it covers."""
ICE, VERY_ICY = 0.10, 0.50
"""Of the spots: from the first, spot finding warns; beyond the second most of what is called diffraction is ice."""


def images(n_images: int, lost: Mapping[str, int], partial: str = "") -> Check:
    """Images without use, by what is wrong with them; partial : why the sweep is not all that was collected.

    The stages name each kind, with what to do.
    """
    found = [f"{n} {what}" for what, n in lost.items() if n]
    verdict = above(sum(lost.values()) / max(n_images, 1), 0.0, MANY_LOST)
    if partial:
        verdict, found = ("bad" if verdict == "bad" else "look"), [*found, f"partial: {partial}"]
    value = f"of {n_images}: {', '.join(found)}" if found else f"{n_images}"
    return Check("images", value, "all there, each with spots", verdict)


def ice(on_rings: float) -> Check:
    """Part of the spots on the rings of ice, beyond chance."""
    value = printed(on_rings, 0, ICE, percent=True)
    return Check("spots on ice rings", value, f"below {ICE:.0%}", above(on_rings, ICE, VERY_ICY))


def ice_rings(rings: Sequence[PowderRing]) -> Check:
    """Powder rings of ice in the background."""
    usual = f"none of {MIN_RATIO:g} times the background"
    if not rings:
        return Check("ice rings", "none", usual)
    at = ", ".join(f"{ring.d:.2f}" for ring in rings)
    highest = max(ring.ratio for ring in rings)
    value = f"at {at} A, up to {printed(highest, 1, MIN_RATIO)} times the background beside them"
    return Check(
        "ice rings", value, usual, "look",
        "reflections on them are weaker against their background and come out wrong where a ring is grainy: doubt "
        "outliers and unusual intensities there; next time cool faster, with more cryoprotectant, or keep moisture off",
    )  # fmt: skip


def doubts(about: str, said: Sequence[tuple[str, str]]) -> list[Check]:
    """What somebody was in doubt about, one check each that names it; said : (who or of what, the warning)."""
    if not said:
        return [Check(about, "none", "none")]
    return [Check(f"{whose}: {in_brief(warning)}", warning, "no doubt", "look") for whose, warning in said]
