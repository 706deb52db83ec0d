"""What a visit's own files may say of its processing, and how its results are put into its own folder."""

from __future__ import annotations

from pathlib import PurePosixPath

from pydantic import Field, field_validator

from autoproc.params import Params

VISIT = "{visit}"


class VisitParams(Params):
    """What files of a visit may say of its processing, and where its results are put."""

    parameters: bool = True
    """Take parameters from files called autoproc.toml: in the folder of a sweep's images and those above it up to the
    visit's, and in the folder of results. The nearest has the last word, key by key."""
    sample_facts: bool = True
    """Compare results with what is known of the sample: cell, space group and anomalous scatterer from files called
    sample.json, found in the same way, and from the sample of an NXmx master file."""
    allowed_keys: tuple[str, ...] = Field(("*",))
    """Parameters that such a file may give, as TABLE.NAME with wildcards: "scale.*", "index.unit_cell". None but those
    that change how a sweep is processed, and none that name files, can be given there, whatever is allowed."""
    output: str = ""
    """Folder within each visit that gets its results, as "{visit}/processed"; what a visit is, watch.visit_depth tells.
    The folder of --output keeps the queue and the results too: of one disk both are the same files, else these are
    copies. Empty: results are in --output alone."""
    owner_of_visit: bool = False
    """Give those results the owner and the group of the visit's folder: only root can give files away, others give them
    a group that they are in."""
    permissions: str = Field("", pattern=r"^([0-7]{3,4})?$")
    """Permissions of the folders among them, as chmod takes them, such as "2770"; files get the same without x. Empty
    leaves them as they are."""

    @field_validator("output")
    @classmethod
    def _is_within_visit(cls, output: str) -> str:
        parts = PurePosixPath(output).parts
        if output and (parts[0] != VISIT or len(parts) < 2 or not all(map(_is_plain, parts[1:]))):
            raise ValueError(f'{output!r} is no folder within a visit; write "{VISIT}/processed"')
        return output

    @property
    def inner_folders(self) -> tuple[str, ...]:
        """The folders from that of the visit to that of its results; none where results stay in --output."""
        return PurePosixPath(self.output).parts[1:]


def _is_plain(name: str) -> bool:
    """A name of a folder that stands for nothing else, and is visible."""
    return name.isprintable() and not name.startswith(".") and not any(letter in name for letter in "{}*?[")
