"""What a crystallographer should know of how data sets agree, in plain words."""

from __future__ import annotations

from collections.abc import Sequence

from autoproc.combining.agreement import MIN_COMMON
from autoproc.combining.consistent_settings import ConsistentSettings
from autoproc.combining.params import MIN_MARGIN
from autoproc.combining.placing import Placed
from autoproc.errors import ProcessingError
from autoproc.wording import counted

MOST_NAMED = 8
"""Data sets that a sentence names."""


class NothingAgrees(ProcessingError):
    """No two data sets can be merged."""

    what = "of {n} data sets no two agree: {reason}"
    hint = "process each by itself, or give more of them, or wider wedges"


def why_not(placed: Placed, min_margin: float = MIN_MARGIN) -> str:
    """Why a data set cannot be merged with the others; empty if it can."""
    if placed.is_alone:
        return f"only {counted(placed.n_common, 'reflection')} in common with other data sets: too few to compare"
    if placed.is_other:
        return (
            f"it agrees with the others in no setting: CC {placed.cc:.2f}, where {placed.expected:.2f} is to be "
            "expected: another structure, or indexed wrongly"
        )
    if placed.is_too_weak:
        return (
            f"it is too weak to tell whether it agrees with the others: CC {placed.cc:.2f} on {placed.n_common} "
            f"reflections in common, where chance may give {placed.chance:.2f}"
        )
    if placed.margin < min_margin:
        return (
            f"its setting cannot be told: CC with the others {placed.cc:.3f}, in another setting "
            f"{placed.next_best:.3f}, {placed.margin:.1f} standard errors apart"
        )
    return ""


def why_none_agrees(placed: Sequence[Placed], names: Sequence[str]) -> str:
    """Why data sets of which none agrees cannot be merged, each with its name; names : by their numbers."""
    told = "; ".join(f"{names[p.experiment]}: {why_not(p)}" for p in placed[:MOST_NAMED])
    return f"{told}; and {len(placed) - MOST_NAMED} more" if len(placed) > MOST_NAMED else told


def is_untold(placed: Placed) -> bool:
    """Its intensities do not tell its setting."""
    return placed.is_alone or placed.is_too_weak or (not placed.is_other and placed.margin < MIN_MARGIN)


def settings_warnings(settings: ConsistentSettings | None) -> tuple[str, ...]:
    """A warning for each data set that does not belong to the others, or may be in the wrong setting."""
    if settings is None:
        return ()
    doubtful = [(p, why_not(p)) for p in settings.placed]
    return tuple(f"experiment {p.experiment}: {why}; autoproc combine sets it aside" for p, why in doubtful if why)


def words_of_others(others: Sequence[Placed], names: Sequence[str]) -> dict[int, str]:
    """Of each data set that agrees with the others in no setting, by its number: a warning with its name and its CC."""
    return {
        p.experiment: f"{_named(p, names)}: {why_not(p)}; leave it out, or look at it with autoproc combine"
        for p in sorted(others, key=lambda p: p.experiment)
    }


def words_of_left_out(plain: Sequence[Placed], names: Sequence[str], unless: str) -> dict[int, str]:
    """Of each data set that is left out for it, by its number; unless : the parameter that keeps it in."""
    return {
        p.experiment: f"{_named(p, names)} is left out: {why_not(p)}; {unless} keeps it in"
        for p in sorted(plain, key=lambda p: p.experiment)
    }


def words_of_alone(alone: Sequence[Placed], names: Sequence[str]) -> tuple[str, ...]:
    """That data sets have too few reflections in common with the others, and how many: a warning for all of them."""
    if not alone:
        return ()
    placed = sorted(alone, key=lambda p: p.experiment)
    told = ", ".join(f"{p.n_common} of {_named(p, names)}" for p in placed[:MOST_NAMED])
    more = f" and those of {len(placed) - MOST_NAMED} more" if len(placed) > MOST_NAMED else ""
    return (
        f"too few reflections in common with the other data sets to be compared with them: {told}{more}, where "
        f"{MIN_COMMON} are needed; whether they are indexed alike, of the same structure and on one scale cannot be "
        "told: more rotation, or a higher symmetry if it is known, links them",
    )


def _named(placed: Placed, names: Sequence[str]) -> str:
    return f"experiment {placed.experiment} ({names[placed.experiment]})"
