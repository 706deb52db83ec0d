"""What a folder of results tells: its summary, what its report shows, and the parameters that it was made with."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from pydantic import Field

from autoproc.dashboard.files import Listed, NotHandedOut, ResultFolder
from autoproc.reports.citations import Citation, citations
from autoproc.reports.journal import decisions_that_stand
from autoproc.reports.report_data import report_in
from autoproc.reports.report_html import Report
from autoproc.reports.summary_facts import SummaryFacts
from autoproc.service.results.earlier import PARAMETERS
from autoproc.sound_facts import Described, in_few_words, sound_part, whole

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
class ToldResults:
    """All of it; report : None for results of before there was plots.json, and where it could not be drawn.

    settings : parameters that are not the defaults, by table; run : which attempt made them, 0 where nobody wrote it
    damaged : which of its files, and what in them, could not be understood
    """

    summary: Mapping[str, Any]
    report: Report | None
    settings: Mapping[str, Mapping[str, Any]]
    run: int
    files: tuple[Listed, ...] = ()
    damaged: tuple[str, ...] = ()

    @property
    def decided(self) -> list[Mapping[str, Any]]:
        """The decisions that stand."""
        return decisions_that_stand(self.summary["decisions"])

    @property
    def given_up(self) -> list[Mapping[str, Any]]:
        """Those within attempts that were given up."""
        return [d for d in self.summary["decisions"] if d["fallen"]]

    @property
    def citations(self) -> list[Citation]:
        """What to cite."""
        return citations(self.summary, self.settings)


class MadeWith(Described):
    """What parameters.json says."""

    run: int = 0
    settings: dict[str, dict[str, Any]] = Field(default_factory=dict)


def told_by(folder: ResultFolder, settings: Mapping[str, Any] | None = None) -> ToldResults | None:
    """What a folder tells; None where it has no summary.

    settings : of the queue, for results of before there was parameters.json
    """
    found = outline(folder)
    if found is None:
        return None
    report, damage = _report(folder)
    return replace(
        found, report=report, settings=found.settings or settings or {}, files=tuple(folder.listed()),
        damaged=found.damaged + damage,
    )  # fmt: skip


def outline(folder: ResultFolder) -> ToldResults | None:
    """What a folder tells, without its report and files; None where it has no summary."""
    summary, damage = _described(folder, "summary.json", SummaryFacts)
    if summary is None:
        return None
    made, damage_of_made = _described(folder, PARAMETERS, MadeWith)
    made = made or MadeWith().model_dump()
    return ToldResults(summary, None, made["settings"], made["run"], damaged=damage + damage_of_made)


def _described(
    folder: ResultFolder, name: str, model: type[Described]
) -> tuple[dict[str, Any] | None, tuple[str, ...]]:
    """What of a file is as described, with defaults for the rest, and what is damaged; None where there is no file."""
    try:
        text = folder.read(name, LARGEST)
    except (NotHandedOut, OSError):
        return None, ()
    try:
        facts = json.loads(text)
    except (ValueError, RecursionError):
        return model().model_dump(), (f"{name} cannot be read: {_size(text)}",)
    sound = sound_part(model, facts)
    damage = (f"{name}: {in_few_words(sound.damaged)}",) if sound.damaged else ()
    return whole(model, sound.facts), damage


def _size(text: bytes) -> str:
    return f"its {len(text)} bytes are no JSON, as of a file that was cut or overwritten" if text else "it is empty"


def _report(folder: ResultFolder) -> tuple[Report | None, tuple[str, ...]]:
    """The report, and what is damaged of it; None without words where there is none."""
    try:
        text = folder.read("plots.json", LARGEST)
    except (NotHandedOut, OSError):
        return None, ()
    try:
        return report_in(text.decode()), ()
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
        return None, (f"plots.json cannot be drawn ({type(error).__name__})",)
