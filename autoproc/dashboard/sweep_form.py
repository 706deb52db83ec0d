"""The form that has a sweep processed again: few parameters, those that matter at the stage where it stands.

Values are checked by the same models as those of the command line; what is wrong is said beside its field.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args, get_origin

from autoproc.config import Config, with_command_line
from autoproc.dashboard.wishes import as_lines, changes_in
from autoproc.errors import AutoprocError
from autoproc.models.space_group import symbols_by_system
from autoproc.overrides import value_in_words
from autoproc.params import meanings
from autoproc.service.job_queue.job import Job, JobState
from autoproc.symmetry.absences import not_told_apart

Choices: TypeAlias = tuple[tuple[str, tuple[tuple[str, str], ...]], ...]
LABELS = {
    "import_sweep.beam_centre": ("beam centre (px)", "fast,slow: 1023.5,1100.2"),
    "import_sweep.distance": ("distance (mm)", "250"),
    "import_sweep.wavelength": ("wavelength (\u00c5)", "0.9763"),
    "import_sweep.image_range": ("images", "first,last: 1,900"),
    "import_sweep.exclude_images": ("images to leave out", "12,40-45"),
    "find_spots.n_sigma_strong": ("spots: sigmas above background", "3"),
    "find_spots.min_spot_size": ("spots: least pixels", "3"),
    "find_spots.d_min": ("spots: high-resolution limit (\u00c5)", "2.5"),
    "find_spots.exclude_ice_rings": ("spots: leave out ice rings", "true"),
    "index.space_group": ("space group, where it is known", "P 21 21 21"),
    "index.unit_cell": ("unit cell, where it is known (\u00c5, degrees)", "40,50,60,90,90,90"),
    "index.method": ("indexing by", "fft3d, fft1d or real_space_grid_search"),
    "index.max_lattices": ("lattices at most", "1"),
    "symmetry.space_group": ("space group to merge in", "P 43 21 2"),
    "refine.fix": ("not refined", "detector"),
    "scale.d_min": ("high-resolution limit (\u00c5)", "1.8"),
    "scale.keep_first": ("part of the images kept, before damage", "0.7"),
    "estimate_resolution.cc_half": ("CC\u00bd at the resolution limit", "0.3"),
}  # fmt: skip
"""Of a parameter in few words, and what a value looks like."""
STAGES = {
    "import": ("import_sweep.beam_centre", "import_sweep.distance", "import_sweep.wavelength",
               "import_sweep.image_range", "import_sweep.exclude_images"),
    "find_spots": ("find_spots.n_sigma_strong", "find_spots.min_spot_size", "find_spots.d_min",
                   "find_spots.exclude_ice_rings", "import_sweep.image_range"),
    "index": ("import_sweep.beam_centre", "import_sweep.distance", "index.unit_cell", "index.space_group",
              "index.method", "index.max_lattices", "find_spots.d_min", "import_sweep.image_range"),
    "refine": ("refine.fix", "index.max_lattices", "index.space_group", "import_sweep.image_range"),
    "integrate": ("import_sweep.image_range", "index.max_lattices", "index.space_group", "index.unit_cell"),
    "symmetry": ("symmetry.space_group", "index.unit_cell", "import_sweep.image_range"),
    "scale": ("scale.d_min", "scale.keep_first", "symmetry.space_group", "import_sweep.exclude_images"),
}  # fmt: skip
"""Which matter where a stage has failed."""
USUAL = (
    "symmetry.space_group", "index.unit_cell", "scale.d_min", "estimate_resolution.cc_half", "scale.keep_first",
    "import_sweep.image_range", "import_sweep.exclude_images", "index.max_lattices",
)  # fmt: skip
"""Which people change of a sweep that has results, or that failed at any other stage."""
NAMED = re.compile(r"\b([a-z_]+\.[a-z_0-9]+)\b")
"""A parameter that an error or its advice speaks of."""
PREFIX = "set "
"""Before the name of a parameter in what is posted."""
OTHERS = "parameters"
"""The field for all other parameters."""


@dataclass(frozen=True, slots=True)
class Field:
    """One parameter as the form shows it; error : what is wrong with the value; choices : those that it can have.

    choices are in groups: (label, ((value, words), ...)); none where it is typed.
    """

    name: str
    label: str
    example: str
    meaning: str
    value: str = ""
    error: str = ""
    choices: Choices = ()

    @property
    def is_offered(self) -> bool:
        """Its value is among the choices."""
        return not self.value or any(self.value == value for _, group in self.choices for value, _ in group)


@dataclass(frozen=True, slots=True)
class SweepForm:
    """The form; others : the parameters that have no field, a line each; error : what is wrong with those."""

    fields: tuple[Field, ...]
    others: str
    error: str = ""

    @property
    def is_good(self) -> bool:
        """Nothing is wrong."""
        return not self.error and not any(field.error for field in self.fields)


def form_for(job: Job) -> SweepForm:
    """The form for a sweep as it stands, with the values that were given for it."""
    names = names_for(job)
    others = {key: value for key, value in job.parameters.items() if key not in names}
    fields = tuple(_field(name, job.parameters.get(name, "")) for name in names)
    return SweepForm(fields, as_lines(others))


def names_for(job: Job) -> tuple[str, ...]:
    """The parameters that matter: those that its error speaks of, then those of the stage."""
    if job.state is JobState.processed:
        return USUAL
    told = " ".join((job.error, job.hint, str(job.result.get("hint") or "")))
    known = [name for name in NAMED.findall(told) if _is_parameter(name)]
    stage = str(job.result.get("error_stage") or "")
    return tuple(dict.fromkeys([*known, *STAGES.get(stage, USUAL)]))


def answered(job: Job, posted: Mapping[str, str]) -> tuple[SweepForm, dict[str, str]]:
    """The form as it was filled in, and the parameters that it changes; these are to be used where it is good."""
    changes: dict[str, str] = {}
    fields = []
    for name in names_for(job):
        value = posted.get(PREFIX + name, "").strip()
        error = ""
        if value != job.parameters.get(name, ""):
            changes[name] = value or _default(name)
            error = why_not_possible({name: changes[name]})
        fields.append(_field(name, value, error))
    lines = posted.get(OTHERS, "")
    try:
        others = changes_in(lines)
        wrong = why_not_possible(others)
    except AutoprocError as error_of_lines:
        others, wrong = {}, error_of_lines.message
    return SweepForm(tuple(fields), lines, wrong), changes | others


def why_not_possible(changes: Mapping[str, str]) -> str:
    """Why parameters are not possible, in words; nothing where they are."""
    try:
        with_command_line(Config(), dict(changes))
    except AutoprocError as error:
        return error.message
    return ""


def _field(name: str, value: str, error: str = "") -> Field:
    table, _, key = name.partition(".")
    label, example = LABELS.get(name, (key.replace("_", " "), ""))
    meaning = meanings(type(getattr(Config(), table))).get(key, "")
    return Field(name, label, example or _default(name), meaning, value, error, choices_of(name))


def choices_of(name: str) -> Choices:
    """What a parameter can be, where that is one of a few things or a space group; none for others."""
    table, _, key = name.partition(".")
    annotation = type(getattr(Config(), table)).model_fields[key].annotation
    if annotation is bool:
        return (("", (("true", "yes"), ("false", "no"))),)
    if get_origin(annotation) is Literal:
        return (("", tuple((str(value), str(value)) for value in get_args(annotation))),)
    if key == "space_group":
        groups = symbols_by_system().items()
        return tuple((system, tuple((one, _with_twins(one)) for one in symbols)) for system, symbols in groups)
    return ()


def _with_twins(name: str) -> str:
    """A space group, and those that intensities cannot tell from it."""
    twins = not_told_apart().get(name)
    return f"{name}: data cannot tell it from {', '.join(twins)}" if twins else name


def _is_parameter(name: str) -> bool:
    table, _, key = name.partition(".")
    return table in Config.model_fields and key in type(getattr(Config(), table)).model_fields


def _default(name: str) -> str:
    table, _, key = name.partition(".")
    return value_in_words(getattr(Config(), table).model_dump(mode="json")[key])
