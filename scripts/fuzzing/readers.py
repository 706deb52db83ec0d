"""What is tried: for each reader, how its input is damaged, and all that the program does with such a file."""

from __future__ import annotations

import bz2
import gzip
import json
import os
import random
import tomllib
from abc import abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgpack

from autoproc.config import format_config, read_config, with_command_line
from autoproc.errors import AutoprocError
from autoproc.formats.dials.refl import read_refl
from autoproc.formats.hdf5.frames_present import frames_present
from autoproc.formats.hdf5.nexus import is_data_file
from autoproc.formats.images.frames import ImageReader
from autoproc.formats.registry import format_name, open_reader, read_experiment, read_image
from autoproc.formats.sweeps import find_series, unique_names
from autoproc.legible import legible_lines
from autoproc.models.experiment import Experiment
from autoproc.overrides import split_arguments
from autoproc.reports.show import describe, format_experiments
from autoproc.service.probing.answers import cut_off, pace_of
from autoproc.service.probing.recognise import recognise_cbf, recognise_master
from autoproc.service.sweeps.series_verdict import SeriesVerdict
from autoproc.stages.import_sweep import ImportParams, import_sweeps
from fuzzing import bytes_damage, hdf5_damage, tree_damage
from fuzzing.extremes import DEEP, TEXTS, value
from fuzzing.seeds import Seeds

TIMES_DEEP = 4000


class Reader:
    """How a reader is tried."""

    name: str
    what: str
    refusals: tuple[type[Exception], ...] = ()

    @abstractmethod
    def write(self, folder: Path, chance: random.Random) -> None:
        """Write a damaged input into an empty folder."""

    @abstractmethod
    def read(self, folder: Path) -> None:
        """Do with it what the program does."""


class Cbf(Reader):
    """miniCBF and imgCIF images: headers, pixels, mask."""

    name, what = "cbf", "miniCBF and imgCIF images, plain and compressed"

    def __init__(self, seeds: Seeds) -> None:
        self.seeds = list(seeds.cbf.items())

    def write(self, folder: Path, chance: random.Random) -> None:
        name, content = chance.choice((self.seeds[0], *self.seeds[-2:], self.seeds[-2]))
        plain = gzip.decompress(content) if name.endswith(".gz") else content
        if chance.random() < 0.3:
            content = bytes_damage.damaged(content, chance, self.seeds[1][1])
        else:
            head = plain.find(b"\x0c\x1a\x04\xd5") + chance.choice((0, 100))
            content = bytes_damage.damaged(plain[:head], chance, self.seeds[-2][1]) + plain[head:]
            content = gzip.compress(content, 1) if name.endswith(".gz") else content
        if chance.random() < 0.03:
            content = bytes_damage.damaged(bz2.compress(plain), chance)
        (folder / name).write_bytes(content)

    def read(self, folder: Path) -> None:
        (path,) = folder.iterdir()
        pace_of(path)
        cut_off(folder, {path.name: path.stat().st_size})
        experiment = read_experiment(path)
        format_name(path)
        format_experiments([experiment])
        _pixels(experiment)


class Hdf5(Reader):
    """NXmx and DECTRIS masters and their data files: bytes damaged, and objects."""

    name, what = "hdf5", "NXmx and DECTRIS masters and data files: objects and bytes"

    def __init__(self, seeds: Seeds) -> None:
        self.sets = (seeds.nexus, seeds.nexus, seeds.dectris)

    def write(self, folder: Path, chance: random.Random) -> None:
        files = chance.choice(self.sets)
        for name, content in files.items():
            (folder / name).write_bytes(content)
        victim = folder / ("x_master.h5" if chance.random() < 0.75 else "x_data_000001.h5")
        kind = chance.random()
        if kind < 0.7:
            hdf5_damage.damage(victim, chance)
        if kind > 0.65:
            victim.write_bytes(bytes_damage.damaged(victim.read_bytes(), chance, files["x_data_000001.h5"]))

    def read(self, folder: Path) -> None:
        path = folder / "x_master.h5"
        frames_present(path)
        refused(lambda: is_data_file(path))
        experiment = read_experiment(path)
        format_experiments([experiment])
        _pixels(experiment)


class Imported(Reader):
    """The import of a folder, and what the watcher makes of it."""

    name, what = "import", "a folder of images: find, import, recognise as the watcher does"

    def __init__(self, seeds: Seeds) -> None:
        self.images = {name: content for name, content in seeds.cbf.items() if name.startswith("x_")}
        self.cbf, self.hdf5 = Cbf(seeds), Hdf5(seeds)

    def write(self, folder: Path, chance: random.Random) -> None:
        if chance.random() < 0.5:
            self.hdf5.write(folder, chance)
            return
        for name, content in self.images.items():
            (folder / name).write_bytes(content)
        for _ in range(chance.choice((1, 1, 2, 6))):
            name = chance.choice(list(self.images))
            content = self.images[name]
            head = chance.choice((content.find(b"\x0c\x1a\x04\xd5"), len(content)))
            damaged = bytes_damage.damaged(content[:head], chance, content) + content[head:]
            (folder / name).write_bytes(damaged)

    def read(self, folder: Path) -> None:
        found = find_series([folder])
        unique_names(found.series)
        params = ImportParams()
        if (folder / "x_master.h5").exists():
            path = folder / "x_master.h5"
            refused(
                lambda: list(recognise_master(path, "", frames_present(path), SeriesVerdict("complete"), 0.0, params))
            )
        else:
            paths = dict(enumerate(sorted(folder.iterdir()), 1))
            refused(lambda: list(recognise_cbf(folder, "", paths, paths[1], SeriesVerdict("complete"), 0.0, params)))
        import_sweeps([folder], params)


def warm_up(seeds: Seeds, scratch: Path) -> None:
    """Read whole files once, so that children begin with everything loaded; raises if any is refused."""
    for name, files in (("cbf", seeds.cbf), ("nexus", seeds.nexus), ("dectris", seeds.dectris)):
        folder = scratch / f"whole_{name}"
        folder.mkdir()
        for file, content in files.items():
            (folder / file).write_bytes(content)
        for problem in import_sweeps([folder], ImportParams()).problems:
            raise problem
        _pixels(read_experiment(min(folder.iterdir(), key=lambda path: "_data_" in path.name)))
    for file, content in seeds.frames.items():
        (scratch / file).write_bytes(content)
        read_image(scratch / file)
        (scratch / file).unlink()


class Expt(Reader):
    """Experiment lists."""

    name, what = "expt", ".expt: JSON trees and text"

    def __init__(self, seeds: Seeds) -> None:
        self.text, self.tree = seeds.expt, json.loads(seeds.expt)

    def write(self, folder: Path, chance: random.Random) -> None:
        if chance.random() < 0.2:
            content = bytes_damage.damaged(self.text, chance)
        else:
            text = json.dumps(_jsonable(tree_damage.damaged(self.tree, chance)), ensure_ascii=chance.random() < 0.9)
            text = text.replace(f'"{DEEP}"', "[" * TIMES_DEEP + "]" * TIMES_DEEP)
            content = text.encode("utf-8", "surrogatepass")
        (folder / "x.expt").write_bytes(content)

    def read(self, folder: Path) -> None:
        describe(folder / "x.expt")


class Refl(Reader):
    """Reflection tables."""

    name, what = "refl", ".refl: msgpack trees and bytes"

    def __init__(self, seeds: Seeds) -> None:
        self.content, self.tree = seeds.refl, msgpack.unpackb(seeds.refl, strict_map_key=False)

    def write(self, folder: Path, chance: random.Random) -> None:
        if chance.random() < 0.3:
            content = bytes_damage.damaged(self.content, chance)
        else:
            tree = _msgpackable(tree_damage.damaged(self.tree, chance))
            content = msgpack.packb(tree, use_bin_type=True, unicode_errors="surrogatepass")
            content = content.replace(msgpack.packb(DEEP), b"\x91" * TIMES_DEEP + b"\xc0")
        (folder / "x.refl").write_bytes(content)

    def read(self, folder: Path) -> None:
        refused(lambda: describe(folder / "x.refl"))
        read_refl(folder / "x.refl")


class Mtz(Reader):
    """Merged and unmerged MTZ files."""

    name, what = "mtz", "MTZ files: bytes and header records"

    def __init__(self, seeds: Seeds) -> None:
        self.contents = seeds.mtz

    def write(self, folder: Path, chance: random.Random) -> None:
        content = chance.choice(self.contents)
        start = content.rfind(b"VERS") if chance.random() < 0.7 else 0
        damaged = bytes_damage.damaged(content[start:], chance, self.contents[0])
        (folder / "x.mtz").write_bytes(content[:start] + damaged)

    def read(self, folder: Path) -> None:
        describe(folder / "x.mtz")


class Toml(Reader):
    """Configuration files."""

    name, what = "toml", "configuration files: TOML trees and text"

    def __init__(self, seeds: Seeds) -> None:
        self.text, self.tree = seeds.toml, tomllib.loads(seeds.toml.decode())

    def write(self, folder: Path, chance: random.Random) -> None:
        if chance.random() < 0.4:
            content = bytes_damage.damaged(self.text, chance)
        else:
            tables = chance.sample(sorted(self.tree), chance.choice((1, 2, 5)))
            tree = tree_damage.damaged({name: self.tree[name] for name in tables}, chance)
            content = _toml(tree).encode("utf-8", "surrogatepass")
        (folder / "x.toml").write_bytes(content)

    def read(self, folder: Path) -> None:
        format_config(read_config(folder / "x.toml"))


class Arguments(Reader):
    """What people type: paths and key=value."""

    name, what = "arguments", "paths and key=value of the command line"

    def __init__(self, seeds: Seeds) -> None:
        tree = tomllib.loads(seeds.toml.decode())
        self.keys = [f"{table}.{key}" for table, values in tree.items() for key in values]
        self.keys += [
            "import_sweep.exclude_images", "import_sweep.image_range", "import_sweep.mask", "index.unit_cell",
            "index.space_group", "scale.d_min", "symmetry.space_group", "import_sweep.oscillation",
            "import_sweep.wavelength", "import_sweep.beam_centre", "reindex.change_of_basis_op",
        ]  # fmt: skip

    def write(self, folder: Path, chance: random.Random) -> None:
        words = []
        for _ in range(chance.choice((1, 1, 2, 4))):
            text = chance.choice(
                (*TEXTS, str(value(chance)), "1,2,3", "1-5", "1:5", "0,0,0;1,1", "5-1", "1-99999999999")
            )
            if chance.random() < 0.3:
                text = "".join(
                    chance.choice((text[:9], ",", ";", "-", "1", "e", " ")) for _ in range(chance.randrange(12))
                )
            if chance.random() < 0.6:
                key = chance.choice((*self.keys, "d_min", "=", "a.b.c.d", "x" * 300, "space_group"))
                text = f"{key}={text}"
            elif chance.random() < 0.3:
                text = str(folder / text.lstrip("/"))
            words.append(text.replace("\ud800", "\udcff"))  # which stands for a byte, as in the names of files
        (folder / "arguments").write_text(json.dumps(words))
        (folder / "loop").symlink_to(folder / "loop")

    def read(self, folder: Path) -> None:
        words = json.loads((folder / "arguments").read_text())
        paths, overrides = split_arguments(words)
        os.chdir(folder)
        for path in [*paths, str(folder / "loop"), str(folder / "loop" / "x_####.cbf")]:
            if not os.path.realpath(path.replace("\0", "")).startswith(str(folder)):
                continue  # nobody needs to search all that this machine has
            for problem in find_series([path]).problems:
                legible_lines(str(problem))
            refused(lambda path=path: describe(Path(path)))
        config = with_command_line(read_config(None), overrides)
        format_config(config)
        config.import_sweep.excluded_from(range(1, 100))


def refused(act: Callable[[], Any]) -> None:
    """Go on after a refusal, as nothing else needs this part."""
    try:
        act()
    except AutoprocError as error:
        legible_lines(str(error))


def _pixels(experiment: Experiment) -> None:
    """All that is read of the images of an experiment."""
    reader: ImageReader = open_reader(experiment)
    refused(lambda: reader.mask)
    for frame in range(min(reader.n_frames, 3)):
        refused(lambda frame=frame: reader.read(frame))


def _jsonable(node: Any) -> Any:
    if isinstance(node, dict):
        return {str(key): _jsonable(item) for key, item in node.items()}
    if isinstance(node, list):
        return [_jsonable(item) for item in node]
    return node.decode("latin-1") if isinstance(node, bytes) else node


def _msgpackable(node: Any) -> Any:
    if isinstance(node, dict):
        return {key: _msgpackable(item) for key, item in node.items()}
    if isinstance(node, list):
        return [_msgpackable(item) for item in node]
    return float("inf") if isinstance(node, int) and not -(2**63) <= node < 2**64 else node


def _toml(tree: Any) -> str:
    """Almost TOML: values that it does not have come out as they may."""
    if not isinstance(tree, dict):
        return str(tree)
    lines = []
    for name, table in tree.items():
        if isinstance(table, dict):
            lines += [f"[{name}]", *(f"{key} = {_toml_value(item)}" for key, item in table.items())]
        else:
            lines.insert(0, f"{name} = {_toml_value(table)}")
    return "\n".join(lines)


def _toml_value(node: Any) -> str:
    if node == DEEP:
        return "[" * TIMES_DEEP + "]" * TIMES_DEEP
    if isinstance(node, list):
        return "[" + ", ".join(map(_toml_value, node)) + "]"
    if isinstance(node, dict):
        return "{" + ", ".join(f'"{key}" = {_toml_value(item)}' for key, item in node.items()) + "}"
    if isinstance(node, (bool, str)):
        return json.dumps(node)
    return str(node)
