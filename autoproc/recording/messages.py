"""Messages of DECTRIS Stream V2: what they say, from bytes that may be anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import cbor2

from autoproc.formats.boundary import BAD_BYTES
from autoproc.recording.typed_arrays import BadMessage, Packed, packed

DEEPEST_NUMBER = 1 << 63
MOST_CHANNELS = 16
"""DECTRIS's detectors have up to four thresholds and their difference."""
LONGEST_ID = 200


@dataclass(frozen=True, slots=True)
class SeriesMessage:
    """What every message says: series, the key of the series; series_id, its number, None where it is not said."""

    series: str
    series_id: int | None


@dataclass(frozen=True, slots=True)
class StartMessage(SeriesMessage):
    """The beginning of a series; fields : all that it says, as decoded."""

    fields: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ImageMessage(SeriesMessage):
    """One exposure: its number and, by channel, its pixels; began : of the series, as text, "" where it is not said."""

    image_id: int = 0
    channels: Mapping[str, Packed] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class EndMessage(SeriesMessage):
    """No more images are taken of a series."""


Message = StartMessage | ImageMessage | EndMessage


def parse_message(content: bytes) -> Message:
    """What a message says. Raises BadMessage, for whatever the bytes are."""
    try:
        return _message(_decoded(content))
    except BadMessage:
        raise
    except BAD_BYTES as error:
        raise BadMessage(reason=f"it cannot be understood ({type(error).__name__})") from error


def _decoded(content: bytes) -> Mapping[str, Any]:
    try:
        decoded = cbor2.loads(content)
    except (cbor2.CBORError, *BAD_BYTES) as error:
        raise BadMessage(reason=f"{len(content)} bytes that are not CBOR") from error
    if not isinstance(decoded, Mapping):
        raise BadMessage(reason="it is CBOR, but not one of a stream of images")
    return decoded


def _message(fields: Mapping[str, Any]) -> Message:
    kind = fields.get("type")
    if kind == "start":
        return StartMessage(*_series(fields), fields)
    if kind == "image":
        return _image(fields)
    if kind == "end":
        return EndMessage(*_series(fields))
    raise BadMessage(reason="it is none of the start, of an image or of the end of a series")


def _series(fields: Mapping[str, Any]) -> tuple[str, int | None]:
    """The key of a series, its unique ID or else its number, and the number."""
    number, unique = fields.get("series_id"), fields.get("series_unique_id")
    if not _is_count(number):
        number = None
    if isinstance(unique, str) and unique:
        return unique[:LONGEST_ID], number
    if number is None:
        raise BadMessage(reason="it does not say of which series it is")
    return f"series {number}", number


def _is_count(value: object) -> bool:
    return type(value) is int and 0 <= value < DEEPEST_NUMBER


def _image(fields: Mapping[str, Any]) -> ImageMessage:
    image_id, data = fields.get("image_id"), fields.get("data")
    if type(image_id) is not int or not _is_count(image_id):
        raise BadMessage(reason="an image has no number")
    if not isinstance(data, Mapping) or not 0 < len(data) <= MOST_CHANNELS:
        raise BadMessage(reason=f"image {image_id} has no pixels")
    channels = {str(name)[:LONGEST_ID]: packed(item, f"image {image_id}") for name, item in data.items()}
    return ImageMessage(*_series(fields), image_id, channels)
