"""Finding sweeps: directories, templates, images and master files become series of images."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from autoproc.errors import AutoprocError, InputError, UnreadableFile
from autoproc.formats.confinement import LEADS_OUT, link_leads_out
from autoproc.formats.registry import kind_of
from autoproc.formats.templates import (
    absolute,
    counter_of,
    grouped_by_template,
    matches_template,
    split_template,
    sweep_name,
)

IMAGE_NAME = re.compile(r"\.(?:cbf|img|mccd|edf|sfrm|tiff?)(?:\.gz|\.bz2)?$|[^.]\.\d{3,4}$", re.IGNORECASE)
"""Names of images in files of their own; MarCCD also writes x.0001."""
MASTER_NAME = re.compile(r"(?:[_.-]master\.(?:h5|hdf5)|\.nxs)$", re.IGNORECASE)
OTHER_HDF5_NAME = re.compile(r"\.(?:h5|hdf5)$", re.IGNORECASE)
DATA_NAME = re.compile(r"(?:_data_?\d+|_meta|_\d{6})\.(?:h5|hdf5)$", re.IGNORECASE)


class NoImages(InputError):
    """Nothing to process was found."""

    what = "{path} holds no diffraction images"
    hint = "give a directory, a template such as x_####.cbf, an image, or a master file (_master.h5, .nxs)"


@dataclass(frozen=True, slots=True)
class ImageSeries:
    """Images of one template, or one master file.

    kind : "cbf" or "hdf5"; template : absolute; files : by image number (the master itself as 1)
    expected : the user named it: not being an image is an error, not a reason to pass over it
    """

    kind: str
    template: Path
    files: dict[int, Path]
    expected: bool = True

    @property
    def stem(self) -> str:
        """The name of the sweep, before sweeps of the same name are told apart."""
        return sweep_name(self.template.name) or sweep_name(self.template.parent.name) or "sweep"


@dataclass(slots=True)
class FoundSeries:
    """Series in the order of their names; what could not be read; what was passed over and why."""

    series: list[ImageSeries] = field(default_factory=list)
    problems: list[AutoprocError] = field(default_factory=list)
    passed_over: list[tuple[Path, str]] = field(default_factory=list)


def find_series(paths: Iterable[str | Path], kind_of: Callable[[Path], str] = kind_of) -> FoundSeries:
    """All series of images below directories, of templates, of images (with their siblings) and masters.

    A single image stands for all images of its template; of several images of one template, exactly
    those are meant. Each series is returned once, however often it was reached.

    kind_of : tells the kind of a file that is named; no other file is opened
    """
    found = FoundSeries()
    named: dict[Path, list[Path]] = {}
    for given in paths:
        for path in _expanded(given):
            try:
                _add(path, found, named, kind_of)
            except AutoprocError as error:
                found.problems.append(error)
    for directory, files in named.items():
        _add_named_images(directory, files, found)
    found.series = _once_each(found)
    return found


def unique_names(series: list[ImageSeries]) -> list[str]:
    """A name for each series: its stem, with directories (nearest first) before it where stems are equal.

    Where that does not help (x_01.cbf and x_01.cbf.gz side by side), a number after it.
    """
    stems = [s.stem for s in series]
    names: list[str] = []
    for one, stem in zip(series, stems, strict=True):
        rivals = {s.template.parent for s in series if s.stem == stem}
        wanted = stem if len(rivals) == 1 else _with_directories(one.template.parent, stem, rivals)
        name, count = wanted, 1
        while name in names:
            count += 1
            name = f"{wanted}_{count}"
        names.append(name)
    return names


def _with_directories(directory: Path, stem: str, rivals: set[Path]) -> str:
    """The stem behind as many of its directories as tell all rivals apart."""
    parts = [path.parts[1:] for path in rivals]
    depth = next(n for n in range(1, max(map(len, parts)) + 1) if len({p[-n:] for p in parts}) == len(parts))
    return "_".join((*directory.parts[1:][-depth:], stem))


def _expanded(given: str | Path) -> list[Path]:
    """The paths that a quoted wildcard stands for; the path itself otherwise."""
    path = absolute(given)
    if not os.path.exists(path) and re.search(r"[*?]", path.name):
        return [Path(p) for p in sorted(glob.glob(str(path)))] or [path]
    return [path]


def _add(path: Path, found: FoundSeries, named: dict[Path, list[Path]], kind_of: Callable[[Path], str]) -> None:
    if os.path.isdir(path):  # unlike Path.is_dir, never raises: names come from anybody
        before = len(found.series) + len(found.problems) + len(found.passed_over)
        for directory, names in _walk(path, found):
            _add_directory(directory, names, found)
        if len(found.series) + len(found.problems) + len(found.passed_over) == before:
            raise NoImages(path=path)
    elif "#" in path.name and not os.path.exists(path):
        _add_template(path, found)
    elif kind_of(path) == "hdf5":
        found.series.append(ImageSeries("hdf5", path, {1: path}))
    else:
        named.setdefault(path.parent, []).append(path)


def _walk(top: Path, found: FoundSeries) -> Iterator[tuple[Path, list[str]]]:
    """Directories from the top down, sorted, each once even where symbolic links make loops.

    Links that lead out of the visit are passed over.
    """
    seen: set[tuple[int, int]] = set()
    waiting = [top]
    while waiting:
        directory = waiting.pop()
        try:
            status = os.stat(directory)
            with os.scandir(directory) as listing:
                entries = [(entry.name, entry.is_dir()) for entry in listing if not entry.name.startswith(".")]
            out = {name for name, is_directory in entries if is_directory and link_leads_out(directory / name, top)}
        except OSError as error:
            found.problems.append(UnreadableFile(path=directory, reason=error.strerror or error))
            continue
        if (status.st_dev, status.st_ino) in seen:
            continue
        seen.add((status.st_dev, status.st_ino))
        yield directory, sorted(name for name, is_directory in entries if not is_directory)
        found.passed_over += [(directory / name, LEADS_OUT) for name in sorted(out)]
        inside = [name for name, is_directory in entries if is_directory and name not in out]
        waiting += [directory / name for name in sorted(inside, reverse=True)]


def _add_directory(directory: Path, names: list[str], found: FoundSeries) -> None:
    for template, files in grouped_by_template(n for n in names if IMAGE_NAME.search(n)).items():
        paths = {number: directory / name for number, name in files.items()}
        found.series.append(ImageSeries("cbf", directory / template, paths, expected=False))
    masters = [n for n in names if MASTER_NAME.search(n)]
    others = [n for n in names if OTHER_HDF5_NAME.search(n) and not MASTER_NAME.search(n)]
    plain = [n for n in others if not DATA_NAME.search(n)]
    orphans = [n for n in others if DATA_NAME.search(n)][:1] if not masters and not plain else []
    for name in (*masters, *plain, *orphans):
        path = directory / name
        found.series.append(ImageSeries("hdf5", path, {1: path}, expected=name in masters or name in orphans))


def _add_template(template: Path, found: FoundSeries) -> None:
    before, _, after = split_template(template.name)
    pattern = matches_template(template.name)
    try:
        names = os.listdir(template.parent)
    except OSError as error:
        raise UnreadableFile(path=template, reason=f"{template.parent}: {error.strerror or error}") from error
    matched = sorted((int(m.group(1)), m.group()) for m in map(pattern.match, names) if m)
    if not matched:
        raise NoImages(path=template)
    files = {number: template.parent / name for number, name in matched}
    width = len(template.name) - len(before) - len(after)
    found.series.append(ImageSeries("cbf", template.parent / f"{before}{'#' * width}{after}", files))


def _add_named_images(directory: Path, files: list[Path], found: FoundSeries) -> None:
    for template, members in grouped_by_template(dict.fromkeys(f.name for f in files)).items():
        if len(members) == 1 and "#" in template:
            try:
                _add_template(directory / _padded_template(directory, next(iter(members.values()))), found)
            except AutoprocError as error:
                found.problems.append(error)
            continue
        found.series.append(ImageSeries("cbf", directory / template, {n: directory / m for n, m in members.items()}))


def _padded_template(directory: Path, name: str) -> str:
    """The template that an image belongs to among the files beside it."""
    groups = grouped_by_template(n for n in os.listdir(directory) if _same_series(n, name))
    return next(template for template, files in groups.items() if name in files.values())


def _same_series(name: str, other: str) -> bool:
    a, b = counter_of(name), counter_of(other)
    return a is not None and b is not None and (a.before, a.after) == (b.before, b.after)


def _once_each(found: FoundSeries) -> list[ImageSeries]:
    """Series merged by template and sorted; those that another series holds as well are passed over."""
    merged: dict[Path, ImageSeries] = {}
    for series in found.series:
        known = merged.get(series.template)
        if known is not None:
            files = dict(sorted({**known.files, **series.files}.items()))
            series = ImageSeries(series.kind, series.template, files, known.expected or series.expected)  # noqa: PLW2901
        merged[series.template] = series
    result = []
    for series in sorted(merged.values(), key=lambda s: str(s.template)):
        twin = next((other for other in merged.values() if _is_twin(series, other)), None)
        if twin is None:
            result.append(series)
        else:
            found.passed_over.append((series.template, f"{twin.template.name} holds the same images"))
    return result


def _is_twin(series: ImageSeries, other: ImageSeries) -> bool:
    """The other is preferred: the .nxs to the master of the same name, plain CBF files to compressed ones."""
    if series is other or series.kind != other.kind or series.template.parent != other.template.parent:
        return False
    if series.kind == "hdf5":
        is_nxs = [s.template.suffix.lower() == ".nxs" for s in (series, other)]
        return is_nxs == [False, True] and series.stem == other.stem
    plain, compression = _without_compression(series.template.name)
    other_plain, other_compression = _without_compression(other.template.name)
    is_copy = plain == other_plain and series.files.keys() <= other.files.keys()
    return is_copy and (series.files.keys() != other.files.keys() or compression > other_compression)


def _without_compression(name: str) -> tuple[str, str]:
    plain = re.sub(r"\.(?:gz|bz2)$", "", name, flags=re.IGNORECASE)
    return plain, name[len(plain) :]
