"""What a folder of results tells: its summary, what its report shows, and the parameters that it was made with."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from autoproc.config import Config
from autoproc.dashboard.files import Listed, NotHandedOut, ResultFolder
from autoproc.params import meanings
from autoproc.reports.citations import Citation, citations
from autoproc.reports.journal import standing
from autoproc.reports.report_data import report_in
from autoproc.reports.report_html import Report
from autoproc.service.processing.earlier import PARAMETERS

LARGEST = 1 << 25
"""Bytes of a file of JSON that is read: a summary has 30 kB, plots of a sweep of five lattices 400 kB."""
DOWNLOADS = {
    "merged.mtz": "merged intensities and amplitudes, with free-R flags",
    "merged_anisotropic.mtz": "the same, to where each direction ends",
    "unmerged.mtz": "scaled observations, not merged",
    "stages/scaled.expt": "models, for DIALS and for the viewers here", "stages/scaled.refl": "reflections",
    "autoproc.log": "everything that the stages said", "summary.txt": "the story on one page",
    "summary.json": "the same for programs", "ispyb.json": "under the names of the ISPyB database",
    "report.html": "this report as one file", "plots.json": "the numbers of the plots",
    "parameters.json": "parameters that are not the defaults",
}  # fmt: skip
"""What each file is."""


@dataclass(frozen=True, slots=True)
class Told:
    """All of it; report : None for results of before there was plots.json, and where it could not be drawn.

    settings : parameters that are not the defaults, by table; run : which attempt made them, 0 where nobody wrote it
    """

    summary: Mapping[str, Any]
    report: Report | None
    settings: Mapping[str, Mapping[str, Any]]
    run: int
    files: tuple[Listed, ...] = ()

    @property
    def decided(self) -> list[Mapping[str, Any]]:
        """The decisions that stand."""
        return standing(self.summary["decisions"])

    @property
    def given_up(self) -> list[Mapping[str, Any]]:
        """Those within attempts that were given up."""
        return [d for d in self.summary["decisions"] if d["fallen"]]

    @property
    def citations(self) -> list[Citation]:
        """What to cite."""
        return citations(self.summary, self.settings)


@dataclass(frozen=True, slots=True)
class Used:
    """A parameter that is not the default, and what it means."""

    name: str
    value: str
    default: str
    meaning: str = field(default="")


def told_by(folder: ResultFolder, settings: Mapping[str, Any] | None = None) -> Told | None:
    """What a folder tells; None where it has no summary that can be read.

    settings : of the queue, for results of before there was parameters.json
    """
    found = outline(folder)
    if found is None:
        return None
    return replace(
        found, report=_report(folder), settings=found.settings or settings or {}, files=tuple(folder.listed())
    )


def outline(folder: ResultFolder) -> Told | None:
    """What a folder tells, without its report and files; None where it has no summary that can be read."""
    summary = _facts(folder, "summary.json")
    if summary is None or "decisions" not in summary:
        return None
    made = _facts(folder, PARAMETERS) or {}
    return Told(summary, None, made.get("settings") or {}, int(made.get("run") or 0))


def used(settings: Mapping[str, Mapping[str, Any]]) -> list[Used]:
    """Parameters that are not the defaults, in words; those that this version does not know have no default."""
    defaults = Config()
    found = []
    for table, values in settings.items():
        params = getattr(defaults, table, None)
        meant = {} if params is None else meanings(type(params))
        known = {} if params is None else params.model_dump(mode="json")
        found += [
            Used(f"{table}.{name}", in_words(value), in_words(known.get(name)), meant.get(name, ""))
            for name, value in values.items()
        ]
    return found


def in_words(value: Any) -> str:
    """A value as it is given on the command line."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        parts = [in_words(part) for part in value]
        return (";" if any(isinstance(part, list) for part in value) else ",").join(parts)
    if isinstance(value, Mapping):
        return " ".join(f"{name}={in_words(part)}" for name, part in value.items())
    return str(value)


def _facts(folder: ResultFolder, name: str) -> dict[str, Any] | None:
    try:
        facts = json.loads(folder.read(name, LARGEST))
    except (NotHandedOut, OSError, ValueError):
        return None
    return facts if isinstance(facts, dict) else None


def _report(folder: ResultFolder) -> Report | None:
    try:
        return report_in(folder.read("plots.json", LARGEST).decode())
    except (NotHandedOut, OSError, ValueError, KeyError, TypeError):
        return None
