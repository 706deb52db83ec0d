"""What a visit's own files may say of its processing."""

from __future__ import annotations

from pydantic import Field

from autoproc.params import Params


class VisitParams(Params):
    """What files of a visit may say of its processing: autoproc.toml beside the images or in the folder of results."""

    parameters: bool = True
    """Take parameters from files called autoproc.toml: in the folder of a sweep's images and those above it up to the
    visit's, and in the folder of results. The nearest has the last word, key by key."""
    sample_facts: bool = True
    """Compare results with what is known of the sample: cell, space group and anomalous scatterer from files called
    sample.json, found in the same way, and from the sample of an NXmx master file."""
    allowed_keys: tuple[str, ...] = Field(("*",))
    """Parameters that such a file may give, as TABLE.NAME with wildcards: "scale.*", "index.unit_cell". None but those
    that change how a sweep is processed, and none that name files, can be given there, whatever is allowed."""
