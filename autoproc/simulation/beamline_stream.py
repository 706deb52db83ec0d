"""The same as a detector's stream: DECTRIS Stream V2 messages of a sweep that exists as HDF5 files."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import cbor2
import h5py
import hdf5plugin
import numpy as np

from autoproc.formats.hdf5.nexus import experiment_from_master
from autoproc.formats.hdf5.open_hdf5 import open_hdf5
from autoproc.simulation.beamline import Collection, Steps
from autoproc.simulation.beamline_hdf5 import stored_frames

Compression = Literal["none", "lz4", "bslz4"]
TYPE_TAGS = {"u1": 64, "u2": 69, "u4": 70, "i2": 77, "i4": 78, "f4": 85}
"""Of little-endian typed arrays (RFC 8746)."""
GRID_TAG, COMPRESSED_TAG = 40, 56500
CHANNEL = "threshold_1"


@dataclass(frozen=True, slots=True)
class Streaming:
    """How a sweep is sent.

    series_id, series_unique_id : of it; compression : of its images
    added : fields of the start message, in place of those of the sweep or beside them
    lost, repeated : indices of images; has_start, has_end : the message is sent
    """

    series_id: int = 1
    series_unique_id: str = "01SIMULATED"
    compression: Compression = "bslz4"
    added: Mapping[str, Any] = field(default_factory=dict)
    lost: Sequence[int] = ()
    repeated: Sequence[int] = ()
    has_start: bool = True
    has_end: bool = True


def stream(
    source: Path, send: Callable[[bytes], None], collection: Collection, streaming: Streaming | None = None
) -> Steps:
    """Send the messages of a sweep of 16 or 32 bits, one by one."""
    streaming = streaming or Streaming()
    frames = stored_frames(source)
    if streaming.has_start:
        send(start_message(source, streaming))
        yield 0.0
    for n_sent, index in enumerate(collection.order(len(frames.chunks)), 1):
        packed: object = cbor2.CBORTag(COMPRESSED_TAG, ["bslz4", frames.dtype.itemsize, frames.chunks[index][1]])
        if streaming.compression != "bslz4":
            with open_hdf5(source) as handle:
                packed = packed_bytes(stored_frame(handle, index), streaming.compression)
        message = image_message(index, {CHANNEL: grid(packed, frames.shape, frames.dtype)}, streaming)
        for _ in range((index not in streaming.lost) + (index in streaming.repeated)):
            send(message)
        yield collection.pauses(n_sent)
    if streaming.has_end:
        send(end_message(streaming))


def start_message(source: Path, streaming: Streaming) -> bytes:
    """The start of a series, with what a master says."""
    experiment = experiment_from_master(source)
    panel, (start, width) = experiment.detector[0], experiment.scan.oscillation
    with open_hdf5(source) as handle:
        detector = handle["/entry/instrument/detector"]
        mask = detector["pixel_mask"][()]
        saturation = int(detector["saturation_value"][()])
        times = {name: float(detector[name][()]) for name in ("count_time", "frame_time")}
    fields: dict[str, Any] = {
        "type": "start", "arm_date": "2026-03-02T10:42:00+01:00",
        "beam_center_x": float(-panel.origin @ panel.fast_axis / panel.pixel_size[0]),
        "beam_center_y": float(-panel.origin @ panel.slow_axis / panel.pixel_size[1]),
        "channels": [CHANNEL], "detector_description": "Simulated EIGER2", "detector_serial_number": "E-00-0000",
        "detector_translation": [0.0, 0.0, -float(panel.distance) / 1000], "flatfield_enabled": True,
        "goniometer": {"omega": {"start": start, "increment": width}, "chi": {"start": 0.0, "increment": 0.0}},
        "image_size_x": panel.image_size[0], "image_size_y": panel.image_size[1],
        "incident_wavelength": experiment.beam.wavelength, "number_of_images": experiment.scan.n_images,
        "pixel_mask": {CHANNEL: array(mask.astype(np.uint32), "bslz4")}, "pixel_mask_enabled": True,
        "pixel_size_x": panel.pixel_size[0] / 1000, "pixel_size_y": panel.pixel_size[1] / 1000,
        "saturation_value": saturation, "sensor_material": panel.material or "Si",
        "sensor_thickness": panel.thickness / 1000, "threshold_energy": {CHANNEL: 6350.0}, **times,
    }  # fmt: skip
    return cbor2.dumps(fields | _series(streaming) | dict(streaming.added))


def image_message(index: int, channels: Mapping[str, cbor2.CBORTag], streaming: Streaming) -> bytes:
    """One exposure; channels : by name, see `array`."""
    times = {"start_time": [index, 100], "stop_time": [index + 1, 100], "real_time": [1, 100]}
    fields = {"type": "image", "image_id": index, "data": dict(channels), "series_date": "2026-03-02T10:42:01+01:00"}
    return cbor2.dumps(fields | times | _series(streaming))


def end_message(streaming: Streaming) -> bytes:
    """The end of a series."""
    return cbor2.dumps({"type": "end"} | _series(streaming))


def _series(streaming: Streaming) -> dict[str, Any]:
    return {"series_id": streaming.series_id, "series_unique_id": streaming.series_unique_id}


def array(values: np.ndarray, compression: Compression) -> cbor2.CBORTag:
    """A (slow, fast) array as the stream has it."""
    return grid(packed_bytes(values, compression), values.shape, values.dtype)


def grid(content: object, shape: Sequence[int], dtype: np.dtype) -> cbor2.CBORTag:
    """Bytes, perhaps compressed, with the shape and type of what they are."""
    return cbor2.CBORTag(GRID_TAG, [list(shape), cbor2.CBORTag(TYPE_TAGS[dtype.str[1:]], content)])


def packed_bytes(values: np.ndarray, compression: Compression) -> object:
    """The bytes of an array, compressed as by the filters of HDF5."""
    little = np.ascontiguousarray(values, values.dtype.newbyteorder("<"))
    if compression == "none":
        return little.tobytes()
    how = hdf5plugin.LZ4() if compression == "lz4" else hdf5plugin.Bitshuffle(nelems=0, cname="lz4")
    with h5py.File("pack", "w", driver="core", backing_store=False) as file:
        dataset = file.create_dataset("x", data=little, chunks=little.shape, **how)
        content = dataset.id.read_direct_chunk((0,) * little.ndim)[1]
    return cbor2.CBORTag(COMPRESSED_TAG, [compression, little.dtype.itemsize if compression == "bslz4" else 0, content])


def stored_frame(handle: h5py.File, index: int) -> np.ndarray:
    """A frame of a master that links to its data files, as it is stored."""
    for name in sorted(name for name in handle["/entry/data"] if name.startswith("data_")):
        dataset = handle["/entry/data"][name]
        if index < len(dataset):
            return np.asarray(dataset[index])
        index -= len(dataset)
    raise IndexError(index)
