"""Models that DIALS files may hold and the stages do not know: refused by name, for they would be obeyed in part."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from autoproc.errors import UnsupportedFile
from autoproc.formats.header_values import quoted
from autoproc.models.experiment import Experiment, ImageSet

OF_PIXELS = {
    "mask": ("a mask", "name what it masks by rectangles, import_sweep.mask=x0,y0,x1,y1"),
    "gain": ("a map of the gain", "give the mean of it, import_sweep.gain="),
    "pedestal": ("a map of pedestals", "take them off the images beforehand"),
}
"""Files that change what pixels count, and what to do instead of them."""
OF_POSITIONS = ("dx", "dy")
"""Files that move spots on the detector."""


class MapNotRead(UnsupportedFile):
    """A file with a value for every pixel."""

    what = "the images of {path} are not read: {reason}"
    hint = "import the images by `autoproc import`, which has their own masks, and {instead}"


class PanelsNotRead(UnsupportedFile):
    """Images that are to be read as those of several panels."""

    what = "the images of {path} are not read: the .expt file gives them a detector of {n} panels"
    hint = "import the images by `autoproc import`, which makes one panel of each image"


def require_known_models(path: str | Path, experiments: Sequence[Experiment]) -> None:
    """Raise UnsupportedFile for detectors of several panels, a pedestal and maps of distortion."""
    for number, experiment in enumerate(experiments):
        reason = _unknown(number, experiment)
        if reason:
            raise UnsupportedFile(path=path, reason=reason)


def require_no_maps(imageset: ImageSet) -> None:
    """Raise MapNotRead where images are to be read with a mask, a gain or a pedestal for every pixel."""
    for name, (what, instead) in OF_PIXELS.items():
        if imageset.extra.get(name):
            reason = (
                f"the .expt file gives them {what}, {quoted(Path(imageset.extra[name]).name)}, which would be left out"
            )
            raise MapNotRead(path=imageset.template, reason=reason, instead=instead)


def require_one_panel(experiment: Experiment, imageset: ImageSet) -> None:
    """Raise PanelsNotRead where an image would have to be divided among panels."""
    if len(experiment.detector) != 1:
        raise PanelsNotRead(path=imageset.template, n=len(experiment.detector))


def maps_in_words(imageset: ImageSet) -> list[str]:
    """The files of this kind that an image set names, for the user."""
    words = {name: what for name, (what, _) in OF_PIXELS.items()} | dict.fromkeys(OF_POSITIONS, "a map of distortion")
    return [
        f"{words[n]} for the images, {quoted(Path(file).name)}: not read"
        for n, file in imageset.extra.items()
        if n in words
    ]


def _unknown(number: int, experiment: Experiment) -> str:
    n_panels = len(experiment.detector)
    if n_panels != 1:
        return f"the detector of experiment {number} has {n_panels} panels, and only those of one are processed"
    pedestal = experiment.detector[0].pedestal
    if pedestal:
        return f"the panel of experiment {number} has a pedestal of {pedestal:g} counts, which is not taken off them"
    named = [] if experiment.imageset is None else [n for n in OF_POSITIONS if experiment.imageset.extra.get(n)]
    if named:
        return f"the images of experiment {number} have a map of distortion ({' and '.join(named)}), which is not read"
    return ""
