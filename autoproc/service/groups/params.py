"""Parameters of sweeps of one sample, whose data are put together."""

from __future__ import annotations

from typing import Literal

from pydantic import field_validator

from autoproc.params import Params


class GroupParams(Params):
    """Sweeps of one sample: their data are put together by themselves, in combined/GROUP beside the sweeps' results."""

    by: Literal["auto", "folder", "none"] = "auto"
    """Which sweeps are of one sample: those of the same name but for numbers and wells, in one folder or in folders
    whose names differ by numbers (auto); all of a folder; none but those of `named`. Those whose cells or intensities
    do not fit are set aside, with the reason."""
    named: tuple[str, ...] = ()
    """Groups of your own, each "NAME: pattern pattern ..." with patterns of file names or whole paths, as in
    "thau: thau_* */old/t1_*". They go before all others."""

    @field_validator("named")
    @classmethod
    def _has_name_and_patterns(cls, groups: tuple[str, ...]) -> tuple[str, ...]:
        for group in groups:
            name, _, patterns = group.partition(":")
            if not name.strip() or not patterns.split():
                raise ValueError(f"{group!r} is not NAME: pattern pattern ...")
        return groups

    @property
    def patterns(self) -> dict[str, list[str]]:
        """The patterns of each named group."""
        split = (group.partition(":") for group in self.named)
        return {name.strip(): patterns.split() for name, _, patterns in split}
