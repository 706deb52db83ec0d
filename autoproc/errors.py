"""Every error a stage can raise: what happened, with which file, and what to do about it.

A stage that cannot do its job raises one of these. The message is written for a person; the facts
are kept as attributes for the log and the decision engine.
"""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from numbers import Integral
from pathlib import Path
from typing import Any, ClassVar

from autoproc.legible import legible, legible_lines


class AutoprocError(Exception):
    """Base of all errors that autoproc raises on purpose.

    Subclasses give `what` and `hint`, two templates filled from the keyword facts, and say with
    `retryable` whether the same input may succeed later (a file still being written, a full disk).
    """

    what: ClassVar[str] = "{message}"
    hint: ClassVar[str] = ""
    retryable: ClassVar[bool] = False

    def __init__(self, **facts: Any) -> None:
        self.facts = facts
        super().__init__(self.message)

    @property
    def message(self) -> str:
        """What happened, in one sentence."""
        return self.what.format(**_shown(self.facts))

    @property
    def advice(self) -> str:
        """What to do about it, as what is behind it says, if that does; empty where there is nothing useful to say."""
        cause: BaseException | None = self.__cause__
        while cause is not None and not isinstance(cause, AutoprocError):
            if hasattr(cause, "advice"):
                return str(cause.advice)
            cause = cause.__cause__
        return self.hint.format(**_shown(self.facts))

    def __str__(self) -> str:
        return f"{self.message}: {self.advice}" if self.advice else self.message


def details_of(error: BaseException) -> str:
    """For the log: the traceback of what lies behind an error that nobody foresaw; empty where its message says all.

    What the system says (no such file, no room) is foreseen; what a reader or a library trips over is not.
    """
    cause: BaseException | None = error
    while isinstance(cause, AutoprocError):
        cause = cause.__cause__
    if cause is None or (cause is not error and isinstance(cause, OSError) and cause.errno):
        return ""
    return "".join(traceback.format_exception(cause))


class _Number(int):
    """A number of a template, with its noun where that says one: {n:spot} is 1 spot, or 3 spots."""

    def __format__(self, spec: str) -> str:
        if len(spec) < 2 or not spec.isalpha():
            return super().__format__(spec)
        return f"{int(self)} {spec}{'' if self == 1 else 's'}"


def _shown(facts: Mapping[str, Any]) -> dict[str, Any]:
    """The facts as they may be read: names of files are whatever strangers call them."""

    def shown(key: str, value: Any) -> Any:
        if key == "path" or isinstance(value, Path):
            return legible(value)
        if isinstance(value, Integral) and not isinstance(value, bool):
            return _Number(value)
        return legible_lines(value) if isinstance(value, (str, bytes, Exception, tuple, list)) else value

    return {key: shown(key, value) for key, value in facts.items()}


class InputError(AutoprocError):
    """The input cannot be used as it is: images, headers, file names."""


class ProcessingError(AutoprocError):
    """The input is readable, but a stage cannot get its result from it."""


class ConfigurationError(AutoprocError):
    """A parameter or a configuration file is wrong."""


class WrongArguments(ConfigurationError):
    """The arguments do not fit the command."""

    what = "{what_is_wrong}"
    hint = "see `autoproc {command} --help`"


class UnreadableFile(InputError):
    """A file cannot be opened or read at all."""

    what = "{path} cannot be read ({reason})"
    hint = "check that the file exists and that this user may read it"


class CorruptFile(InputError):
    """A file was opened but what it holds contradicts its own format."""

    what = "{path} is damaged: {reason}"
    hint = (
        "copy the file again from its source; if the source is damaged too, leave an image out with "
        "import_sweep.exclude_images=NUMBER, or keep a part of the sweep with import_sweep.image_range=FIRST,LAST"
    )


class TruncatedFile(CorruptFile):
    """A file that is shorter than it says."""

    hint = "wait until it is written or copied to its end; if nobody does that any more, copy it again from its source"
    retryable = True


class UnsupportedFile(InputError):
    """A file is of a kind that no reader understands."""

    what = "{path} is not a diffraction image or a file that autoproc knows ({reason})"
    hint = (
        "give CBF files (.cbf, .cbf.gz, .cbf.bz2), a NeXus/DECTRIS master (.nxs, _master.h5) or SMV, MarCCD, "
        "EDF or TIFF images"
    )


UNREADABLE = (CorruptFile, UnreadableFile, UnsupportedFile)
"""What may be wrong with one image of a sweep whose other images are good."""


class BadHeader(InputError):
    """An image header lacks something or says something impossible."""

    what = "{path}: the header's {field} is {value}"
    hint = "{to_do}"

    def __init__(self, override: str = "", **facts: Any) -> None:
        to_do = "no parameter replaces it: have the images written with a right header, and tell the beamline"
        if override:
            to_do = f"give the right value, for example {override}"
        super().__init__(override=override, to_do=to_do, **facts)


class MissingColumn(ProcessingError):
    """Reflections lack a column that a stage needs."""

    what = "the reflections lack a column, {name} ({meaning})"
    hint = "give the file that `autoproc {step}` writes, {step_file}, or one of a later step"


class NoSpots(ProcessingError):
    """Spot finding found nothing to work with."""

    what = "no spots were found on {n_images:image}"
    hint = (
        "look at an image: if there is no diffraction, centre the crystal or mount another, and see that the shutter "
        "opens; if there are weak spots, find_spots.n_sigma_strong=2 finds more"
    )


class TooFewSpots(ProcessingError):
    """Too few spots for a stage."""

    what = "only {n_spots:spot} for {stage}, which needs at least {needed}"
    hint = (
        "look at an image: if there are more spots, find_spots.n_sigma_strong=2 finds weaker ones; if there are not, "
        "collect more images or mount another crystal"
    )


class NoCrystal(ProcessingError):
    """Experiments without a crystal."""

    what = "no crystal in {n:experiment}"
    hint = "give files that `autoproc index` or a later step has written"


class IndexingFailed(ProcessingError):
    """No lattice explains the spots."""

    what = "no lattice was found that explains the {n_spots:spot}: {reason}"
    hint = (
        "look at an image: several crystals, ice or salt cannot be indexed, mount another; if the spots are good, "
        "compare the header with the beamline's log and give what is wrong: import_sweep.beam_centre=FAST,SLOW (px; "
        "`autoproc search-beam-position` looks for it), import_sweep.distance=MM, import_sweep.wavelength=ANGSTROM, "
        "import_sweep.oscillation=START,WIDTH; a known index.unit_cell=A,B,C,ALPHA,BETA,GAMMA helps where spots are few"
    )


class KnownCellNotFound(IndexingFailed):
    """No lattice with the cell or space group that was given explains the spots."""

    hint = (
        "this may be another crystal: process it without the known cell, index.unit_cell=none index.space_group=none, "
        "and compare; if nothing is found then either, the header's beam centre, distance or rotation may be wrong"
    )


class RefinementFailed(ProcessingError):
    """The model could not be refined against the spots."""

    what = "refinement failed: {reason}"
    hint = (
        "if few of the spots were indexed, try index.max_lattices=2, or mount a single crystal; if the geometry is "
        "doubted above, give the right import_sweep.beam_centre=FAST,SLOW (px) and import_sweep.distance=MM; "
        "refine.scan_varying=false asks less of few spots"
    )


class TooFewToRefine(RefinementFailed):
    """Fewer indexed spots than the least number of parameters asks for."""

    hint = (
        "collect more rotation: so few spots do not tell the parameters apart; without it, "
        "find_spots.n_sigma_strong=2 finds weaker spots, and a known index.space_group=NAME leaves fewer parameters"
    )


class NoReflections(ProcessingError):
    """Nothing is left to work with."""

    what = "no reflections are left for {stage} ({reason})"
    hint = "{to_do}"
    usual = (
        "give no narrower limits than the data have (d_min, d_max of this stage); without any, the lattice is wrong or "
        "the crystal diffracts too weakly: look at the fraction of spots indexed, and at an image"
    )

    def __init__(self, to_do: str = usual, **facts: Any) -> None:
        super().__init__(to_do=to_do, **facts)
