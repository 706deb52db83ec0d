"""What is looked at: the models and tables of one sweep, stage by stage, or files that a user has named."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from autoproc.errors import ConfigurationError, InputError
from autoproc.formats.dials.expt import read_expt
from autoproc.formats.dials.fitted_profiles import NAME as PROFILES
from autoproc.formats.dials.image_numbers import to_scan_frames
from autoproc.formats.dials.refl import read_refl
from autoproc.formats.dials.untrusted_pixels import NAME as UNTRUSTED
from autoproc.formats.registry import read_experiment
from autoproc.models.experiment import Experiment
from autoproc.models.reflections import Reflections
from autoproc.stages.import_sweep import import_sweeps
from autoproc.viewing.file_stamp import Stamp, stamp

STAGES = ("imported", "strong", "indexed", "refined", "integrated", "symmetrized", "combined", "scaled")
"""Names of files that the stages leave, in their order."""
IMAGES = "images"
"""In place of a stage: the models that images tell of themselves."""
KEPT = 3
"""Tables kept in memory: what one person looks at in turn. A table of a large sweep has 0.5 GB."""


class NothingToSee(InputError):
    """A stage of which a sweep has no files."""

    what = "{title} has no {kind} of the stage {stage!r}"
    hint = "it has {there}"


class NoSuchReflection(InputError):
    """A row that a table does not have."""

    what = "{title} has no reflection {row} in {stage}"
    hint = "it has {n}, counted from 0; the table may be another than it was"


class FileGone(InputError):
    """A file that was named, or was there a moment ago."""

    what = "{path} cannot be read: {reason}"
    hint = "look whether the name is right and the file is still there"


class ImagesElsewhere(InputError):
    """Models that name images which are not those of the sweep: somebody has edited them."""

    what = "the models of {title} name images in {folder}, which is not where the images of this sweep lie"
    hint = "process the sweep again, or look at them with `autoproc view`"


class NotOneSubject(ConfigurationError):
    """Files that are not of one kind."""

    what = (
        "a .expt file with its .refl file, several of both in the same order, or images can be looked at, and these "
        "were given: {given}"
    )
    hint = "for example: autoproc view refined.expt refined.refl"


@dataclass(frozen=True, slots=True)
class Subject:
    """Something to look at.

    models, tables : .expt and .refl files by stage (STAGES, or the stem of a user's file); images : where there is no
    .expt, files of the sweep, or one of them; untrusted : of pixels found so (formats.dials.untrusted_pixels)
    profiles : of those that integration fitted (formats.dials.fitted_profiles)
    folders : in which the images lie that models may name, or below; None where whoever looks has named the models
    """

    title: str
    models: Mapping[str, Path] = field(default_factory=dict)
    tables: Mapping[str, Path] = field(default_factory=dict)
    images: tuple[Path, ...] = ()
    untrusted: Path | None = None
    profiles: Path | None = None
    folders: tuple[Path, ...] | None = None

    @property
    def stages(self) -> tuple[str, ...]:
        """The stages that have models, from the first."""
        return (*self.models, *((IMAGES,) if self.images else ()))

    def experiments(self, stage: str) -> Sequence[Experiment]:
        """The models of a stage. Raises NothingToSee, and what reading raises."""
        if stage == IMAGES and self.images:
            return _experiments_of_images(self.images, _stamp_of(self.images[0]))
        path = self._file(self.models, "models", stage)
        return _experiments(path, _stamp_of(path))

    def reflections(self, stage: str) -> Reflections:
        """The table of a stage, frames counted from the start of each scan. Raises NothingToSee."""
        path = self._file(self.tables, "reflections", stage)
        return _reflections(path, _stamp_of(path), tuple(self.experiments_of_table(stage)))

    def experiments_of_table(self, stage: str) -> Sequence[Experiment]:
        """The models that the table of a stage is of: the last that there are where the stage has none of its own."""
        return self.experiments(stage if stage in self.models else next(reversed(self.stages), stage))

    def version(self, stage: str) -> str:
        """Another one when the files of a stage are others. Raises NothingToSee, and FileGone."""
        table = self._file(self.tables, "reflections", stage)
        return "-".join(f"{n:x}" for path in (table, *self.models.values()) for n in _stamp_of(path))

    def require_own_images(self, experiment: Experiment) -> None:
        """Raises ImagesElsewhere where models name images that are not to be opened for them."""
        if self.folders is None or experiment.imageset is None:
            return
        folder = Path(os.path.realpath(os.path.dirname(experiment.imageset.template)))
        if not any(folder.is_relative_to(os.path.realpath(own)) for own in self.folders):
            raise ImagesElsewhere(title=self.title, folder=folder)

    def _file(self, files: Mapping[str, Path], kind: str, stage: str) -> Path:
        if stage not in files:
            raise NothingToSee(title=self.title, kind=kind, stage=stage, there=", ".join(files) or "none")
        return files[stage]


def subject_of_results(title: str, folder: Path) -> Subject:
    """A sweep's folder of results: the files that lie in it, not what links in it lead to."""
    stages = Path(os.path.realpath(folder), "stages")
    models = {stage: path for stage in STAGES if _is_in_place(path := stages / f"{stage}.expt")}
    tables = {stage: path for stage in STAGES if _is_in_place(path := stages / f"{stage}.refl")}
    untrusted, profiles = (path if _is_in_place(path := stages / name) else None for name in (UNTRUSTED, PROFILES))
    return Subject(title, models, tables, untrusted=untrusted, profiles=profiles)


def _is_in_place(path: Path) -> bool:
    return path.is_file() and os.path.realpath(path) == str(path)


def subject_of_files(files: Sequence[Path]) -> Subject:
    """What a user has named: models with their reflections, or images. Raises NotOneSubject.

    Several .expt files, each with its .refl in the same order, are as many stages.
    """
    models = [path for path in files if path.suffix in (".expt", ".json")]
    tables = [path for path in files if path.suffix == ".refl"]
    images = [path for path in files if path not in models and path not in tables]
    are_pairs = len(models) == len(tables) or (len(models) == 1 and not tables)
    if bool(images) == bool(models) or (models and not are_pairs) or (tables and not models):
        raise NotOneSubject(given=", ".join(map(str, files)) or "none")
    if images:
        return Subject(images[0].name, images=tuple(images))
    names = _told_apart(models)
    title = ", ".join(path.name for path in files)
    return Subject(title, dict(zip(names, models, strict=True)), dict(zip(names, tables, strict=False)))


def _told_apart(paths: Sequence[Path]) -> list[str]:
    """A name for each: its own, with its folder's or all of its path before it where others are called so too."""
    for names in ([p.stem for p in paths], [f"{p.absolute().parent.name}/{p.stem}" for p in paths]):
        if len(set(names)) == len(names):
            return names
    return [f"{n}: {path}" for n, path in enumerate(paths, start=1)]


def _stamp_of(path: Path) -> Stamp:
    """Raises FileGone."""
    try:
        return stamp(path)
    except OSError as error:
        raise FileGone(path=path, reason=error.strerror) from error


@lru_cache(maxsize=16)
def _experiments(path: Path, _stamp: Stamp) -> tuple[Experiment, ...]:
    return tuple(read_expt(path))


@lru_cache(maxsize=KEPT)
def _reflections(path: Path, _stamp: Stamp, experiments: tuple[Experiment, ...]) -> Reflections:
    return to_scan_frames(read_refl(path), experiments)


@lru_cache(maxsize=4)
def _experiments_of_images(paths: tuple[Path, ...], _stamp: Stamp) -> tuple[Experiment, ...]:
    """Of the sweeps that they belong to, or of the first alone where it is none: any image can be looked at."""
    result = import_sweeps(paths)
    if result.experiments:
        return tuple(sweep.experiment for sweep in result.experiments)
    return (read_experiment(paths[0]),)
