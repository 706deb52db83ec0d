"""That symmetry-related intensities have nothing in common, in plain words."""

from __future__ import annotations

from autoproc.models.shell_statistics import Agreement

NOT_OF_A_CRYSTAL = "these are no intensities of a crystal: the lattice or its symmetry is wrong, or nothing diffracts"


def words_of_none(agreement: Agreement) -> str:
    """How little equivalents agree."""
    return f"they do not agree at all (CC1/2 {agreement.cc:z.2f} within shells of resolution)"


def doubts_of_agreement(agreement: Agreement | None) -> tuple[str, ...]:
    """A warning where equivalents do not agree at all; none where they do, or too few were measured twice."""
    if agreement is None or not agreement.is_none:
        return ()
    return (f"the symmetry-related intensities: {words_of_none(agreement)}; {NOT_OF_A_CRYSTAL}",)
