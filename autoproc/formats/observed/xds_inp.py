"""XDS.INP and (G)XPARM.XDS, the files that tell XDS the geometry of a sweep: written and read.

Vectors are written in the frame whose x and y are the detector's fast and slow axes, as XDS's own templates have them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from autoproc.formats.boundary import reads_file
from autoproc.formats.cell_and_group import doubts_of_cells
from autoproc.formats.compressed import read_whole
from autoproc.formats.dials.expt import identifier_for
from autoproc.formats.images.sensors import attenuation
from autoproc.formats.observed.foreign_data import ASSUMED, BadKeyword, DamagedFile, whole_image_range
from autoproc.formats.observed.xds_header import (
    CORNER,
    XdsValues,
    beam_of,
    crystal_of,
    detector_of,
    goniometer_of,
    header_doubts,
    imageset_of,
    keywords,
    polarisation_assumed,
    require_possible,
    to_our_frame,
)
from autoproc.models.experiment import Detector, Experiment, Scan

XPARM_MARK = b"XPARM.XDS"
INP_KEYWORDS = (b"NAME_TEMPLATE_OF_DATA_FRAMES=", b"DATA_RANGE=", b"DETECTOR=", b"ORGX=")
"""Of these, two or more make a text an XDS.INP."""
LONGEST = 1 << 20
JOBS = "XYCORR INIT COLSPOT IDXREF DEFPIX INTEGRATE CORRECT"
NAMES = {".cbf": "PILATUS", ".h5": "EIGER", ".nxs": "EIGER", ".img": "ADSC", ".mccd": "CCDCHESS", ".mar2300": "MAR345",
         ".mar3450": "MAR345", ".osc": "RAXIS", ".sfrm": "BRUKER", ".edf": "PILATUS"}  # fmt: skip
"""What XDS calls the detectors that write files of these endings; it goes by this how they are read."""
EIGER_PIXEL = 0.0751
"""mm: smaller pixels in CBF files are an EIGER's."""
DEFAULTS: Mapping[str, list[str]] = {
    "INCIDENT_BEAM_DIRECTION": ["0 0 1"],
    "ROTATION_AXIS": ["1 0 0"],
    "STARTING_ANGLE": ["0"],
    "DIRECTION_OF_DETECTOR_X-AXIS": ["1 0 0"],
    "DIRECTION_OF_DETECTOR_Y-AXIS": ["0 1 0"],
}
"""What XDS takes where its input says nothing."""
OF_OTHER_FILE = ("NAME_TEMPLATE_OF_DATA_FRAMES", "DATA_RANGE", "SENSOR_THICKNESS", "SILICON", "OVERLOAD",
                 "MINIMUM_VALID_PIXEL_VALUE", "UNTRUSTED_RECTANGLE", "EXCLUDE_DATA_RANGE", "FRACTION_OF_POLARIZATION",
                 "POLARIZATION_PLANE_NORMAL")  # fmt: skip
"""What XPARM.XDS lacks, and XDS.INP beside it tells."""


def is_xds_geometry(start: bytes) -> bool:
    """Whether a file that starts like this is XDS.INP or XPARM.XDS."""
    if start.lstrip().startswith(XPARM_MARK):
        return True
    text = b"\n".join(line.partition(b"!")[0] for line in start.splitlines())
    return b"\0" not in start and sum(name in text for name in INP_KEYWORDS) >= 2


def write_xds_inp(path: str | Path, experiment: Experiment) -> None:
    """Write XDS.INP for the images of an experiment, with its crystal where it has one."""
    Path(path).write_text("\n".join(xds_inp_lines(experiment)) + "\n", encoding="utf-8", errors="surrogateescape")


def xds_inp_lines(experiment: Experiment) -> Iterator[str]:
    """The lines of XDS.INP."""
    panel, scan, beam = experiment.detector[0], experiment.scan, experiment.beam
    turn = np.array([panel.fast_axis, panel.slow_axis, panel.normal])
    yield f"JOB= {JOBS}"
    yield from _images(experiment)
    yield f"STARTING_ANGLE= {_first_angle(scan):.6f}"
    yield f"OSCILLATION_RANGE= {scan.oscillation[1]:.6f}"
    yield f"ROTATION_AXIS= {_vector(turn @ experiment.goniometer.lab_axis)}"
    yield f"X-RAY_WAVELENGTH= {beam.wavelength:.6f}"
    yield f"INCIDENT_BEAM_DIRECTION= {_vector(turn @ beam.s0)}"
    yield f"FRACTION_OF_POLARIZATION= {beam.polarization_fraction:.4f}"
    yield f"POLARIZATION_PLANE_NORMAL= {_vector(turn @ beam.polarization_normal)}"
    yield from _detector(experiment, turn)
    crystal = experiment.crystal
    if crystal is not None:
        real = crystal.real_space @ (turn @ experiment.goniometer.setting @ experiment.goniometer.fixed).T
        yield f"SPACE_GROUP_NUMBER= {crystal.space_group.number}"
        yield "UNIT_CELL_CONSTANTS= " + " ".join(f"{x:.4f}" for x in crystal.cell)
        for name, axis in zip("ABC", real, strict=True):
            yield f"UNIT_CELL_{name}-AXIS= {_vector(axis)}"


def _first_image(scan: Scan) -> int:
    """XDS counts images from 1: one of number 0 is left out."""
    return max(1, scan.image_range[0])


def _first_angle(scan: Scan) -> float:
    return scan.oscillation[0] + scan.oscillation[1] * (_first_image(scan) - scan.image_range[0])


def _images(experiment: Experiment) -> Iterator[str]:
    scan = experiment.scan
    first, last = _first_image(scan), scan.image_range[1]
    template = experiment.imageset.template if experiment.imageset else "FRAMES_?????.cbf"
    if experiment.imageset is not None and experiment.imageset.kind == "hdf5":
        template = template.replace("_master.h5", "_??????.h5")
        yield "!LIB= of a plug-in that reads HDF5, such as dectris-neggia.so or durin-plugin.so, is needed"
    yield f"NAME_TEMPLATE_OF_DATA_FRAMES= {template.replace('#', '?')}"
    if first != scan.image_range[0]:
        yield f"! image {scan.image_range[0]} is left out: XDS counts from 1"
    yield f"DATA_RANGE= {first} {last}"
    yield f"SPOT_RANGE= {first} {last}"
    yield f"STARTING_FRAME= {first}"
    for begin, end in _runs(scan.excluded):
        yield f"EXCLUDE_DATA_RANGE= {begin} {end}"


def _runs(numbers: tuple[int, ...]) -> list[list[int]]:
    """The first and last of each run of ascending numbers."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return runs


def _detector(experiment: Experiment, turn: np.ndarray) -> Iterator[str]:
    panel = experiment.detector[0]
    origin = turn @ panel.origin
    n_fast, n_slow = panel.image_size
    yield (
        f"DETECTOR= {_name(experiment)} MINIMUM_VALID_PIXEL_VALUE= {panel.min_trusted} "
        f"OVERLOAD= {max(int(panel.trusted_range[1]) - 1, 1)}"
    )
    yield f"NX= {n_fast} NY= {n_slow} QX= {panel.pixel_size[0]:.6f} QY= {panel.pixel_size[1]:.6f}"
    yield f"ORGX= {CORNER - origin[0] / panel.pixel_size[0]:.4f} ORGY= {CORNER - origin[1] / panel.pixel_size[1]:.4f}"
    yield f"DETECTOR_DISTANCE= {origin[2]:.5f}"
    yield f"DIRECTION_OF_DETECTOR_X-AXIS= {_vector(turn @ panel.fast_axis)}"
    yield f"DIRECTION_OF_DETECTOR_Y-AXIS= {_vector(turn @ panel.slow_axis)}"
    if panel.has_parallax:
        yield f"SENSOR_THICKNESS= {panel.thickness:.4f}"
        yield f"SILICON= {panel.mu:.6f}"
    yield "TRUSTED_REGION= 0.0 1.41"
    for x0, y0, x1, y1 in panel.mask:
        yield f"UNTRUSTED_RECTANGLE= {x0} {x1 + 1} {y0} {y1 + 1}"


def _name(experiment: Experiment) -> str:
    """What XDS calls the detector."""
    template = experiment.imageset.template.lower() if experiment.imageset else ".cbf"
    for suffix in (".gz", ".bz2"):
        template = template.removesuffix(suffix)
    name = NAMES.get(Path(template).suffix, "ADSC")
    return "EIGER" if name == "PILATUS" and experiment.detector[0].pixel_size[0] < EIGER_PIXEL else name


def _vector(values: np.ndarray) -> str:
    return " ".join(f"{x:.8f}" for x in values + 0.0)


@reads_file
def read_xds_inp(path: str | Path) -> Experiment:
    """The experiment that XDS.INP, XPARM.XDS or GXPARM.XDS describes. Raises CorruptFile or BadHeader.

    XPARM.XDS tells neither images nor mask: XDS.INP beside it does.
    """
    path = Path(path)
    content = read_whole(path)
    if len(content) > LONGEST:
        raise DamagedFile(path=path, reason=f"its {len(content)} bytes are more than such a file has")
    if content.lstrip().startswith(XPARM_MARK):
        found = _of_xparm(path, content.decode("utf-8", "surrogateescape").splitlines())
        beside = path.with_name("XDS.INP")
        own = _of_inp(read_whole(beside)) if beside.is_file() and beside != path else {}
        found = {**{name: own[name] for name in OF_OTHER_FILE if name in own}, **found}
    else:
        found = _of_inp(content)
    untold = {name: said for name, said in DEFAULTS.items() if name not in found}
    assumed = [f"{name} is {said[0]}, as XDS takes it where it is not told" for name, said in untold.items()]
    return _experiment(path, XdsValues(path, {**untold, **found}), assumed)


def _of_inp(content: bytes) -> dict[str, list[str]]:
    text = content.decode("utf-8", "surrogateescape")
    return keywords(line.partition("!")[0] for line in text.splitlines())


def _of_xparm(path: Path, lines: list[str]) -> dict[str, list[str]]:
    """The numbers of XPARM.XDS under the keywords that XDS has for them."""
    try:
        rows = [[float(word) for word in line.split()] for line in lines[1:12]]
        start, beam, cell, a, b, c, size, place, x, y, _ = rows
        listed = {
            "STARTING_FRAME": start[:1], "STARTING_ANGLE": start[1:2], "OSCILLATION_RANGE": start[2:3],
            "ROTATION_AXIS": start[3:6], "X-RAY_WAVELENGTH": beam[:1], "INCIDENT_BEAM_DIRECTION": beam[1:4],
            "SPACE_GROUP_NUMBER": cell[:1], "UNIT_CELL_CONSTANTS": cell[1:7], "UNIT_CELL_A-AXIS": a,
            "UNIT_CELL_B-AXIS": b, "UNIT_CELL_C-AXIS": c, "NX": size[1:2], "NY": size[2:3], "QX": size[3:4],
            "QY": size[4:5], "ORGX": place[:1], "ORGY": place[1:2], "DETECTOR_DISTANCE": place[2:3],
            "DIRECTION_OF_DETECTOR_X-AXIS": x, "DIRECTION_OF_DETECTOR_Y-AXIS": y,
        }  # fmt: skip
    except ValueError as error:
        raise DamagedFile(path=path, reason="it does not hold the eleven lines of numbers that it should") from error
    return {name: [" ".join(f"{value!r}" for value in values)] for name, values in listed.items()}


def _experiment(path: Path, values: XdsValues, assumed: Sequence[str]) -> Experiment:
    """Assumed : what the file does not tell and is taken to be so, a sentence each."""
    turn = to_our_frame(values.vector("ROTATION_AXIS"), values.vector("INCIDENT_BEAM_DIRECTION"))
    start = values.number("STARTING_FRAME", values.number("DATA_RANGE", 1.0))
    said = values.numbers("DATA_RANGE", 2) if "DATA_RANGE" in values else np.array([start, start])
    first, last = whole_image_range(path, *map(float, said))
    width = values.number("OSCILLATION_RANGE")
    scan = Scan((first, last), (values.number("STARTING_ANGLE") + width * (first - start), width))
    scan = replace(scan, excluded=_excluded(values, first, last))
    beam = beam_of(values, turn)
    imageset, crystal = imageset_of(path, values, scan), crystal_of(values, turn)
    made = Experiment(
        beam, _with_sensor(detector_of(values, turn), beam.wavelength), goniometer_of(values, turn), scan, imageset,
        crystal, identifier=identifier_for(imageset, scan) if imageset else "",
        remarks=(
            *(f"{ASSUMED}{sentence}" for sentence in (*assumed, *polarisation_assumed(values))),
            *header_doubts(values), *doubts_of_cells(path, [crystal]),
        ),
    )  # fmt: skip
    return require_possible(path, made)


def _with_sensor(detector: Detector, wavelength: float) -> Detector:
    """A sensor of silicon where a thickness is told, with the attenuation of the tables where that is not."""
    (panel,) = detector.panels
    if panel.thickness <= 0:
        return detector
    mu = panel.mu or attenuation("Si", wavelength)[1]
    return Detector((replace(panel, mu=mu, material="Si"),))


def _excluded(values: XdsValues, first: int, last: int) -> tuple[int, ...]:
    found: set[int] = set()
    for said in values.all_of("EXCLUDE_DATA_RANGE"):
        words = said.split()
        if len(words) < 2 or not all(word.lstrip("-").isdigit() for word in words[:2]):
            raise BadKeyword(path=values.path, field="EXCLUDE_DATA_RANGE", value=said[:60])
        found |= set(range(max(first, int(words[0])), min(last, int(words[1])) + 1))
    return tuple(sorted(found))
