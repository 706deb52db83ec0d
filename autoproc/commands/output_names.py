"""The names of files that DIALS's output.* parameters ask for, where they are not the usual ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

NAMES = {
    "output.experiments": "expt",
    "output.reflections": "refl",
    "output.log": "log",
    "output.mtz": "file",
    "output.html": "html",
    "output.merged_mtz": "merged_mtz",
    "output.unmerged_mtz": "unmerged_mtz",
    "output.prefix": "prefix",
    "output.directory": "directory",
    "mtz.hklout": "file",
    "mmcif.hklout": "file",
    "shelx.hklout": "file",
    "xds_ascii.hklout": "file",
    "json.filename": "file",
    "hklout": "file",
}
"""What each of the parameters names."""
NO_NAME = ("none", "auto", "")
FILES = ("input.experiments", "input.reflections", "input.template", "input.directory", "template", "directory")
"""Parameters that are input files."""
USED_BY = {
    "file": ("merge", "export"), "merged_mtz": ("scale",), "unmerged_mtz": ("scale",), "html": ("damage-analysis",),
    "prefix": ("bravais-settings",), "directory": ("bravais-settings",),
}  # fmt: skip
"""The steps that write files of these names; the others are written by all."""


@dataclass(frozen=True, slots=True)
class OutputNames:
    """Names that were asked for, by the words of NAMES; folder : where those go that were given without one."""

    folder: Path
    names: Mapping[str, str] = field(default_factory=dict)

    def path(self, kind: str, usual: str) -> Path:
        """Where a file goes: the one that was asked for, else the usual one."""
        return self.folder / self.names.get(kind, usual)

    def asked(self, kind: str) -> Path | None:
        """Where a file goes that is written only if it is asked for."""
        return self.folder / self.names[kind] if kind in self.names else None

    def numbered(self, stem: str) -> Path:
        """Where the models go of one of several files: in the folder and with the prefix that were asked for."""
        return self.path("directory", "") / f"{self.names.get('prefix', '')}{stem}.expt"


def outputs_among(
    overrides: Mapping[str, str], step: str, folder: Path
) -> tuple[OutputNames, list[str], dict[str, str]]:
    """The names of output files and the input files among parameters, and the other parameters."""
    names: dict[str, str] = {}
    files: list[str] = []
    others: dict[str, str] = {}
    for key, value in overrides.items():
        kind = NAMES.get(key, "")
        text = value.strip().strip("'\"")
        if key in FILES:
            files.append(text)
        elif kind and step in USED_BY.get(kind, (step,)):
            names |= {} if text.lower() in NO_NAME else {kind: text}
        else:
            others[key] = value
    return OutputNames(folder, names), files, others
