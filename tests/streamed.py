"""Messages of a detector's stream for tests, and a recorder that takes them."""

from __future__ import annotations

import cbor2
import numpy as np

from autoproc.formats.registry import open_reader, read_experiment
from autoproc.recording.params import RecordParams
from autoproc.recording.recorder import Recorder
from autoproc.simulation.beamline_stream import Streaming, array, end_message, image_message

FIRST = Streaming()
SHAPE = (20, 30)
CHANNEL = "threshold_1"
FACTS = {
    "type": "start", "arm_date": "2026-03-02T10:42:00+01:00", "beam_center_x": 12.5, "beam_center_y": 8.25,
    "channels": [CHANNEL], "count_time": 0.009, "frame_time": 0.01, "detector_description": "EIGER2 Si 16M",
    "detector_serial_number": "E-32-0000", "detector_translation": [0.0, 0.0, -0.18],
    "goniometer": {"omega": {"start": 10.0, "increment": 0.5}}, "incident_wavelength": 0.9795, "number_of_images": 4,
    "pixel_size_x": 75e-6, "pixel_size_y": 75e-6, "saturation_value": 33000, "sensor_material": "Si",
    "sensor_thickness": 450e-6, "series_id": 1, "series_unique_id": "01SIMULATED",
}  # fmt: skip


def start(series=FIRST, **changes):
    named = {"series_id": series.series_id, "series_unique_id": series.series_unique_id}
    return cbor2.dumps(FACTS | named | changes)


def pixels(index, dtype="u4", shape=SHAPE):
    """Counts that differ from image to image, with the markers of pixels without a value."""
    values = np.random.default_rng(index).poisson(3.0, shape).astype(dtype)
    values[0, :2] = np.iinfo(dtype).max, np.iinfo(dtype).max - 1
    return values


def image(index, values=None, compression="bslz4", series=FIRST, **others):
    values = pixels(index) if values is None else values
    channels = {CHANNEL: values, **others}
    return image_message(index, {name: array(v, compression) for name, v in channels.items()}, series)


def end(series=FIRST):
    return end_message(series)


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


class Recording:
    """A recorder, and what it said."""

    def __init__(self, folder, **params):
        folder.mkdir(exist_ok=True)
        self.folder, self.clock = folder, Clock()
        self.said, self.complaints = [], []
        self.recorder = Recorder(folder, RecordParams(**params), self._hear, self.clock)

    def _hear(self, text, is_bad):
        (self.complaints if is_bad else self.said).append(text)

    def take(self, *messages):
        for message in messages:
            self.recorder.take(message)
            self.clock.now += 0.2
            self.recorder.poll()
        return self

    def wait(self, seconds):
        self.clock.now += seconds
        self.recorder.poll()
        return self

    def names(self):
        return sorted(str(path.relative_to(self.folder)) for path in self.folder.rglob("*.h5"))

    def frames(self, name="series_1"):
        """The frames of a sweep as the program reads them."""
        reader = open_reader(read_experiment(self.folder / f"{name}_master.h5"))
        return [reader.read(n) for n in range(reader.n_frames)]


def as_read(values):
    """Counts as the program has them: markers are negative."""
    top = np.iinfo(values.dtype).max
    counts = values.astype(np.int64)
    counts[values >= top - 1] -= top + 1
    return counts
