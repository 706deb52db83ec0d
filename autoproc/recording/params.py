"""Parameters of `autoproc record`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator

from autoproc.params import Params
from autoproc.recording.naming import fields_of

ENDPOINT = re.compile(r"tcp://[^\s/:]+:(?P<port>\d{1,5})|ipc://\S+")


class RecordParams(Params):
    """A detector's stream (DECTRIS Stream V2), recorded as files that are processed as any others."""

    endpoint: str = ""
    """Where the images come from: a relay that publishes the detector's stream, as in tcp://relay:31011. With it
    `autoproc run` begins `autoproc record` beside itself, and again should it end; empty: nothing is recorded."""
    folder: Path | None = None
    """Folder into which sweeps are recorded; for `autoproc run` at or below one that it watches."""
    socket: Literal["sub", "pull"] = "sub"
    """How images are asked for: as one of any number of listeners (sub), which takes them from nobody, or as a receiver
    of its own (pull). A detector or relay gives each image to one only of those that pull: pull is for an output that
    the relay keeps for this program alone, or images are taken away from whoever writes them."""
    name: str = "series_{series_id}"
    """Names of sweeps, without _master.h5; a / makes folders. {series_id}, {series_unique_id} and every other text or
    number of the start message is filled in, and what the beamline adds to it as {user_data.KEY}. A name that is taken
    gets a number."""
    channels: tuple[str, ...] = ()
    """Channels (thresholds) that are recorded, of which the first is processed; empty: all, in the order of the start
    message."""
    first_image: int = Field(0, ge=0)
    """Number that the stream gives to the first image of a series; DECTRIS's detectors count from 0."""
    images_per_file: int = Field(1000, ge=1)
    """Images in each data file."""
    max_size: float = Field(0.0, ge=0)
    """Gigabytes that recorded sweeps may take in the folder: when a series begins, the oldest ones are deleted until it
    holds; for a folder in memory. 0 deletes nothing. Other files in the folder are neither counted nor touched."""
    keep_time: float = Field(3600.0, ge=0)
    """Seconds for which a recorded sweep is kept in any case, so that it can be processed."""
    memory: int = Field(1024, ge=16)
    """Megabytes of messages that wait in memory while the disk is slow or full. What comes after that is lost to this
    program, and to no other."""
    idle_time: float = Field(300.0, gt=0)
    """Seconds without a message after which the files of a series are closed that was never told to be over; images
    that come later still find their place."""

    @field_validator("endpoint")
    @classmethod
    def _is_endpoint(cls, endpoint: str) -> str:
        found = ENDPOINT.fullmatch(endpoint)
        if endpoint and (found is None or int(found["port"] or 1) not in range(1, 65536)):
            raise ValueError(f"endpoint {endpoint!r} is not of the form tcp://host:port")
        return endpoint

    @field_validator("name")
    @classmethod
    def _is_pattern(cls, name: str) -> str:
        fields_of(name)
        return name
