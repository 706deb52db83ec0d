"""Names of sweeps and data sets for tables and files: after their images, and each another."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import takewhile
from pathlib import Path

from autoproc.models.experiment import Experiment

LATTICE = " lattice "
"""Between the name of a sweep and the number of one of its lattices."""
NAMELESS = "sweep"
"""Name of data whose images are not known."""


def sweep_name(experiment: Experiment) -> str:
    """After its template or master file."""
    if experiment.imageset is None:
        return NAMELESS
    word = Path(experiment.imageset.template).name.split(".")[0]
    return word.replace("#", "").replace("_master", "").strip("_ ") or NAMELESS


def lattice_name(sweep: str, number: int) -> str:
    """Of one of several lattices of a sweep, from 1."""
    return f"{sweep}{LATTICE}{number}"


def sweep_part(name: str) -> str:
    """The sweep's part of a data set's name."""
    return name.partition(LATTICE)[0]


def data_set_names(experiments: Sequence[Experiment]) -> list[str]:
    """One for each: the sweep's, with the folder, the images or the lattice where these tell it from others."""
    names = [sweep_name(e) if e.imageset is not None else e.identifier or NAMELESS for e in experiments]
    for further in (_folder, _images):
        names = _told_apart(names, [further(e, name) for e, name in zip(experiments, names, strict=True)])
    seen: Counter[str] = Counter()
    several = Counter(names)
    told = []
    for name in names:
        seen[name] += 1
        told.append(lattice_name(name, seen[name]) if several[name] > 1 else name)
    return told


def names_in_group(experiments: Sequence[Experiment]) -> list[str]:
    """The names of data sets of several sweeps; none for lattices of one sweep, which its name does not tell apart."""
    names = data_set_names(experiments)
    return names if len({sweep_part(name) for name in names}) > 1 else []


def name_of_all(experiments: Sequence[Experiment]) -> str:
    """Of what is made of all of them: the sweep's name; of several sweeps, what their names begin with."""
    names = list(dict.fromkeys(map(sweep_name, experiments)))
    if len(names) == 1:
        return names[0]
    alike = takewhile(lambda letters: len(set(letters)) == 1, zip(*names, strict=False))
    return "".join(letters[0] for letters in alike).rstrip("0123456789_-. ") or f"{names[0]}_and_{len(names) - 1}_more"


def _told_apart(names: Sequence[str], longer: Sequence[str]) -> list[str]:
    """The longer names of those that are not the only ones of their name, where these differ."""
    kinds: dict[str, set[str]] = {}
    for name, long in zip(names, longer, strict=True):
        kinds.setdefault(name, set()).add(long)
    return [long if len(kinds[name]) > 1 else name for name, long in zip(names, longer, strict=True)]


def _folder(experiment: Experiment, name: str) -> str:
    if experiment.imageset is None:
        return name
    return f"{Path(experiment.imageset.template).parent.name}/{name}"


def _images(experiment: Experiment, name: str) -> str:
    first, last = experiment.scan.image_range
    return f"{name} images {first} to {last}"
