"""Every error a stage can raise: what happened, with which file, and what to do about it.

A stage that cannot do its job raises one of these. The message is written for a person; the facts
are kept as attributes for the log and the decision engine.
"""

from __future__ import annotations

import traceback
from collections.abc import Mapping
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
        """What to do about it; empty where there is nothing useful to say."""
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


def _shown(facts: Mapping[str, Any]) -> dict[str, Any]:
    """The facts as they may be read: names of files are whatever strangers call them."""

    def shown(key: str, value: Any) -> Any:
        if key == "path" or isinstance(value, Path):
            return legible(value)
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
        "copy the file again from its source; if the source is damaged too, leave images out with exclude_images= "
        "or image_range="
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
    hint = "give the right value on the command line, for example {override}"


class MissingColumn(ProcessingError):
    """Reflections lack a column that a stage needs."""

    what = "the reflections lack a column, {name} ({meaning})"
    hint = "give the file that `autoproc {step}` writes, {step_file}, or one of a later step"


class NoSpots(ProcessingError):
    """Spot finding found nothing to work with."""

    what = "no spots were found on {n_images} images"
    hint = "look at an image: is there diffraction, is the beam on, is the crystal in it?"


class TooFewSpots(ProcessingError):
    """Too few spots for a stage."""

    what = "{n_spots} spots are too few for {stage}, which needs at least {needed}"
    hint = "lower find_spots.n_sigma_strong, or use more images"


class NoCrystal(ProcessingError):
    """Experiments without a crystal."""

    what = "none of the {n} experiments has a crystal"
    hint = "index the spots first"


class IndexingFailed(ProcessingError):
    """No lattice explains the spots."""

    what = "no lattice was found that explains the {n_spots} spots: {reason}"
    hint = (
        "check beam centre (`autoproc search-beam-position` looks for it), distance, wavelength and the direction "
        "and width of the rotation; a known unit_cell= and space_group= may help"
    )


class KnownCellNotFound(IndexingFailed):
    """No lattice with the cell or space group that was given explains the spots."""

    hint = (
        "check unit_cell= and space_group= first: index without them and compare; then the beam centre "
        "(`autoproc search-beam-position` looks for it), distance, wavelength and the rotation"
    )


class RefinementFailed(ProcessingError):
    """The model could not be refined against the spots."""

    what = "refinement failed: {reason}"
    hint = "look at the fraction of spots indexed; a second lattice or a wrong geometry is the usual cause"


class TooFewToRefine(RefinementFailed):
    """Fewer indexed spots than the least number of parameters asks for."""

    hint = (
        "use more images: so narrow a rotation range or so few spots do not tell the parameters apart; "
        "or lower find_spots.n_sigma_strong, or index with a known space_group=, which leaves fewer parameters"
    )


class NoReflections(ProcessingError):
    """Nothing is left to work with."""

    what = "no reflections are left for {stage} ({reason})"
    hint = "check the resolution limits and the stage before"
