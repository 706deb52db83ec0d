"""A detector's stream, damaged: what the recorder makes of its messages, and the reader of what was recorded."""

from __future__ import annotations

import random
import tempfile
from pathlib import Path
from typing import Any

import cbor2

from autoproc.formats.hdf5.frames_present import frames_present
from autoproc.formats.registry import open_reader, read_experiment
from autoproc.recording.params import RecordParams
from autoproc.recording.recorder import Recorder
from autoproc.simulation.beamline import Collection
from autoproc.simulation.beamline_stream import Streaming, stream
from fuzzing import bytes_damage, tree_damage
from fuzzing.readers import Reader, refused
from fuzzing.seeds import Seeds

TAG = "a tag"
"""Marks a list that stands for a tagged item, so that tags are damaged as all else is."""
MOST_READ = 10


class Stream(Reader):
    """Messages of one series or two, some of them damaged, in whatever order."""

    name, what = "stream", "a detector's stream as it is recorded: CBOR trees and bytes"

    def __init__(self, seeds: Seeds) -> None:
        self.series = []
        with tempfile.TemporaryDirectory() as folder:
            for name, content in seeds.nexus.items():
                (Path(folder) / name).write_bytes(content)
            for number, compression in enumerate(("bslz4", "lz4", "none"), 1):
                messages: list[bytes] = []
                streaming = Streaming(number, f"0{number}", compression)
                list(stream(Path(folder) / "x_master.h5", messages.append, Collection(), streaming))
                self.series.append(messages)

    def write(self, folder: Path, chance: random.Random) -> None:
        messages = [*chance.choice(self.series), *chance.choice(((), *self.series))]
        if chance.random() < 0.5:
            chance.shuffle(messages)
        for _ in range(chance.choice((1, 1, 2, 5))):
            place = chance.randrange(len(messages))
            messages[place] = _damaged(messages[place], chance, messages[0])
        for number, message in enumerate(messages):
            (folder / f"{number:03d}.cbor").write_bytes(message)

    def read(self, folder: Path) -> None:
        said: list[str] = []
        recorder = Recorder(folder / "recorded", RecordParams(), lambda text, is_bad: said.append(text))
        (folder / "recorded").mkdir(exist_ok=True)
        for path in sorted(folder.glob("*.cbor")):
            content = path.read_bytes()
            refused(lambda content=content: recorder.take(content))  # type: ignore[misc]
            recorder.poll()
        recorder.close()
        for master in (folder / "recorded").rglob("*_master.h5"):
            frames_present(master)
            refused(lambda master=master: _read(master))  # type: ignore[misc]


def _read(master: Path) -> None:
    reader = open_reader(read_experiment(master))
    for n in range(min(reader.n_frames, MOST_READ)):
        reader.read(n)


def _damaged(message: bytes, chance: random.Random, other: bytes) -> bytes:
    if chance.random() < 0.4:
        return bytes_damage.damaged(message, chance, other)
    try:
        return cbor2.dumps(_tagged(tree_damage.damaged(_plain(cbor2.loads(message)), chance)))
    except (cbor2.CBORError, RecursionError, TypeError, ValueError, OverflowError):  # damaged already, or beyond CBOR
        return bytes_damage.damaged(message, chance, other)


def _plain(item: Any) -> Any:
    """The same with lists in place of tagged items."""
    if isinstance(item, cbor2.CBORTag):
        return [TAG, item.tag, _plain(item.value)]
    if isinstance(item, dict):
        return {key: _plain(value) for key, value in item.items()}
    return [_plain(value) for value in item] if isinstance(item, list | tuple) else item


def _tagged(item: Any) -> Any:
    if isinstance(item, dict):
        return {key: _tagged(value) for key, value in item.items()}
    if not isinstance(item, list):
        return item
    if len(item) == 3 and item[0] == TAG and isinstance(item[1], int) and 0 <= item[1] < 1 << 64:
        return cbor2.CBORTag(item[1], _tagged(item[2]))
    return [_tagged(value) for value in item]
