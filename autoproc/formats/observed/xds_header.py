"""Keywords of XDS's files, and the models that they describe (Kabsch 2010, Acta D66, 125).

XDS's frame is any in which its vectors are given, the beam running from the source; pixel (1, 1) has its centre at
1.0, 1.0, and image n its middle at z = n - 0.5. The models made of it are in the frame of models.experiment.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import gemmi
import numpy as np

from autoproc.formats.cell_and_group import cell_words, cells_apart
from autoproc.formats.dials.expt_checks import sound_model
from autoproc.formats.observed.foreign_data import BadKeyword, DamagedFile
from autoproc.geometry.rotation import nearest_rotation
from autoproc.models.crystal import Crystal, b_matrix, cell_from_real_matrix
from autoproc.models.experiment import Beam, Detector, Experiment, Goniometer, ImageSet, Panel, ProfileModel, Scan

KEYWORD = re.compile(r"([A-Z][A-Z0-9_'/.()-]{0,60})=")
TEMPLATE = "NAME_TEMPLATE_OF_DATA_FRAMES="
LONGEST_LINE = 1000
CORNER = 0.5
"""Position of the first pixel's corner, where pixels are counted from here, in XDS's counting."""
FLATTEST = 1e-4
"""Volume of a cell over the product of its edges below which it is none."""
SAME_CELL = 0.002
"""Of edges, or radians, by which a cell may differ from that of the axes, and be the same: axes of 5 Angstrom rounded
to 0.001 differ by 0.0003."""
SAME_WAVELENGTH = 1e-3
"""Relative, between the wavelength and the length of the beam's vector, which XDS gives to six decimals."""
PLANE_NORMAL = np.array([0.0, 1.0, 0.0])
"""Of the plane of polarisation, in the frame of the file, where XDS is told none."""
NOT_POLARISED = "the beam is not polarised, as XDS takes it where FRACTION_OF_POLARIZATION is not told"
PLANE_ASSUMED = "the normal of the plane of polarisation is 0 1 0, as XDS takes it where none is told"
UNSCALED = "not scaled"
"""Stands behind the name of the program where the intensities are only integrated, which XDS itself never writes so."""
Values = Mapping[str, list[str]]


def keywords(lines: Iterable[str]) -> dict[str, list[str]]:
    """What a file's lines, without the marks of comments, say for each keyword: its values of each time, one a line."""
    found: dict[str, list[str]] = {}
    for line in lines:
        if TEMPLATE in line:  # whose name may hold anything
            found.setdefault(TEMPLATE.rstrip("="), []).append(line.partition(TEMPLATE)[2].strip())
            continue
        parts = KEYWORD.split(line[:LONGEST_LINE])
        for name, value in zip(parts[1::2], parts[2::2], strict=True):
            found.setdefault(name, []).append(value.strip())
    return found


class XdsValues:
    """The values of keywords of one file, as numbers. Raises BadHeader for what is missing or no number."""

    def __init__(self, path: object, values: Values) -> None:
        self._path = path
        self._values = values

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def text(self, name: str, default: str = "") -> str:
        """The first word of the last value."""
        words = self._values.get(name, [""])[-1].split()
        return words[0] if words else default

    def all_of(self, name: str) -> list[str]:
        """The value of every time that the keyword stands in the file."""
        return self._values.get(name, [])

    def numbers(self, name: str, n: int) -> np.ndarray:
        """(n,) the first numbers of the last value."""
        said = self._values.get(name, [""])[-1]
        try:
            values = np.array([float(word.replace("D", "E")) for word in said.split()[:n]])
        except ValueError:
            values = np.empty(0)
        if len(values) < n or not np.isfinite(values).all():
            raise BadKeyword(path=self._path, field=name, value=said[:60] or "missing")
        return values

    def number(self, name: str, default: float | None = None) -> float:
        """One number; the default, if there is one, where the keyword is missing."""
        if default is not None and name not in self._values:
            return default
        return float(self.numbers(name, 1)[0])

    def vector(self, name: str) -> np.ndarray:
        """(3,) unit vector."""
        values = self.numbers(name, 3)
        length = float(np.linalg.norm(values))
        if not length > 0:
            raise BadKeyword(path=self._path, field=name, value="0 0 0")
        return values / length

    @property
    def path(self) -> object:
        """The file."""
        return self._path


def to_our_frame(axis: np.ndarray, beam: np.ndarray) -> np.ndarray:
    """(3, 3) rotation from XDS's frame: X along the axis of rotation, Z as nearly as may be against the beam."""
    z = -(beam - (beam @ axis) * axis)
    length = np.linalg.norm(z)
    z = z / length if length > 1e-6 else np.linalg.svd(axis[None])[2][1]
    return np.array([axis, np.cross(z, axis), z])


def has_geometry(values: XdsValues) -> bool:
    """Whether a header tells where beam, axis and detector are."""
    needed = ("ROTATION_AXIS", "INCIDENT_BEAM_DIRECTION", "OSCILLATION_RANGE", "ORGX", "ORGY", "QX", "QY", "NX", "NY")
    return all(name in values for name in (*needed, "DETECTOR_DISTANCE"))


def rotation_to_our_frame(values: XdsValues) -> np.ndarray:
    """(3, 3) from the frame of this file to ours."""
    return to_our_frame(values.vector("ROTATION_AXIS"), values.vector("INCIDENT_BEAM_DIRECTION"))


def beam_of(values: XdsValues, turn: np.ndarray) -> Beam:
    """The beam; turn : (3, 3) to our frame."""
    wavelength = values.number("X-RAY_WAVELENGTH", 0.0)
    if wavelength <= 0:
        wavelength = 1 / max(float(np.linalg.norm(values.numbers("INCIDENT_BEAM_DIRECTION", 3))), 1e-6)
    fraction, normal = values.number("FRACTION_OF_POLARIZATION", 0.5), PLANE_NORMAL
    if "POLARIZATION_PLANE_NORMAL" in values:
        normal = values.vector("POLARIZATION_PLANE_NORMAL")
    direction = -turn @ values.vector("INCIDENT_BEAM_DIRECTION")
    return Beam(wavelength, direction, turn @ normal, float(np.clip(fraction, 0, 1)))


def polarisation_assumed(values: XdsValues) -> list[str]:
    """How the beam is taken to be polarised where that is not told, in words."""
    if "FRACTION_OF_POLARIZATION" not in values:
        return [NOT_POLARISED]
    if "POLARIZATION_PLANE_NORMAL" not in values:
        return [PLANE_ASSUMED]
    return []


def goniometer_of(values: XdsValues, turn: np.ndarray) -> Goniometer:
    """The axis of rotation; turn : (3, 3) to our frame."""
    return Goniometer(axis=turn @ values.vector("ROTATION_AXIS"))


def detector_of(values: XdsValues, turn: np.ndarray) -> Detector:
    """The detector as one panel; turn : (3, 3) to our frame."""
    fast, slow = np.array([1.0, 0, 0]), np.array([0, 1.0, 0])
    if "DIRECTION_OF_DETECTOR_X-AXIS" in values:
        fast, slow = (values.vector(f"DIRECTION_OF_DETECTOR_{name}-AXIS") for name in "XY")
    slow = slow - (slow @ fast) * fast
    if not np.linalg.norm(slow) > FLATTEST:
        raise BadKeyword(path=values.path, field="DIRECTION_OF_DETECTOR_Y-AXIS", value="along its X-axis")
    slow /= np.linalg.norm(slow)
    size = values.number("QX"), values.number("QY")
    origin = (
        values.number("DETECTOR_DISTANCE") * np.cross(fast, slow)
        - (values.number("ORGX") - CORNER) * size[0] * fast
        - (values.number("ORGY") - CORNER) * size[1] * slow
    )
    n_fast, n_slow = int(values.number("NX")), int(values.number("NY"))
    low, high = values.number("MINIMUM_VALID_PIXEL_VALUE", 0.0), values.number("OVERLOAD", 1e9) + 1
    panel = Panel(
        turn @ fast, turn @ slow, turn @ origin, size, (n_fast, n_slow), (min(low, high), high),
        thickness=max(values.number("SENSOR_THICKNESS", 0.0), 0.0),
        mu=max(values.number("SILICON", 0.0), 0.0),
        mask=tuple(_rectangle(said) for said in values.all_of("UNTRUSTED_RECTANGLE") if len(said.split()) > 3),
    )  # fmt: skip
    return Detector((panel,))


def _rectangle(said: str) -> tuple[int, int, int, int]:
    """Pixels x1 < x < x2, y1 < y < y2 in XDS's counting, as a half-open rectangle in ours."""
    x1, x2, y1, y2 = (int(float(word)) for word in said.split()[:4])
    return x1, y1, x2 - 1, y2 - 1


def crystal_of(values: XdsValues, turn: np.ndarray | None) -> Crystal | None:
    """The crystal, oriented where the file tells that and `turn` (3, 3) to our frame is known; None without a cell."""
    if turn is not None and all(f"UNIT_CELL_{name}-AXIS" in values for name in "ABC"):
        real = np.array([values.numbers(f"UNIT_CELL_{name}-AXIS", 3) for name in "ABC"]) @ turn.T
        edges = float(np.prod(np.linalg.norm(real, axis=1)))
        if not abs(np.linalg.det(real)) > FLATTEST * max(edges, 1e-9):
            raise BadKeyword(path=values.path, field="UNIT_CELL_A-AXIS", value="in one plane with the two others")
        return Crystal(_with_told_cell(values, np.linalg.inv(real)), _space_group(values))
    if "UNIT_CELL_CONSTANTS" not in values:
        return None
    return Crystal(b_matrix(require_cell(values.path, values.numbers("UNIT_CELL_CONSTANTS", 6))), _space_group(values))


def _with_told_cell(values: XdsValues, A: np.ndarray) -> np.ndarray:
    """The setting matrix with the cell that the file tells apart, whose angles are not rounded with the axes."""
    if "UNIT_CELL_CONSTANTS" not in values:
        return A
    B = b_matrix(require_cell(values.path, values.numbers("UNIT_CELL_CONSTANTS", 6)))
    cell = cell_from_real_matrix(np.linalg.inv(A))
    if cells_apart(cell, cell_from_real_matrix(np.linalg.inv(B))) > SAME_CELL:
        return A
    return nearest_rotation(A @ np.linalg.inv(b_matrix(cell))) @ B


def header_doubts(values: XdsValues) -> list[str]:
    """What a header says twice, and not alike; what is taken, a sentence each."""
    doubts = []
    names = [f"UNIT_CELL_{name}-AXIS" for name in "ABC"]
    if "UNIT_CELL_CONSTANTS" in values and all(name in values for name in names) and has_geometry(values):
        told = values.numbers("UNIT_CELL_CONSTANTS", 6)
        cell = cell_from_real_matrix(np.array([values.numbers(name, 3) for name in names]))
        if cells_apart(cell, told) > SAME_CELL:
            doubts.append(
                f"UNIT_CELL_CONSTANTS are {cell_words(told)}, and the axes in the same header make {cell_words(cell)}: "
                "the axes are taken"
            )
    wavelength = values.number("X-RAY_WAVELENGTH", 0.0)
    if wavelength > 0 and "INCIDENT_BEAM_DIRECTION" in values:
        length = float(np.linalg.norm(values.numbers("INCIDENT_BEAM_DIRECTION", 3)))
        is_direction_only = abs(length - 1) < SAME_WAVELENGTH
        if not is_direction_only and abs(length * wavelength - 1) > SAME_WAVELENGTH:
            doubts.append(
                f"X-RAY_WAVELENGTH is {wavelength:.5f} A, and the vector INCIDENT_BEAM_DIRECTION is as long as for "
                f"{1 / max(length, 1e-9):.5f} A: X-RAY_WAVELENGTH is taken"
            )
    return doubts


def require_cell(path: object, cell: np.ndarray) -> tuple[float, ...]:
    """A cell (6,) that is one. Raises BadHeader."""
    a, b, c, *angles = map(float, cell)
    is_cell = bool(np.isfinite(cell).all()) and min(a, b, c, *angles) > 0 and max(angles) < 180 and max(a, b, c) < 1e5
    if not (is_cell and gemmi.UnitCell(a, b, c, *angles).volume > FLATTEST * a * b * c):
        said = " ".join(f"{x:g}" for x in cell)
        raise BadKeyword(path=path, field="unit cell", value=said)
    return tuple(map(float, cell))


def _space_group(values: XdsValues) -> gemmi.SpaceGroup:
    number = int(values.number("SPACE_GROUP_NUMBER", 1.0))
    if not 0 <= number <= 230:
        raise BadKeyword(path=values.path, field="SPACE_GROUP_NUMBER", value=number)
    return gemmi.find_spacegroup_by_number(max(number, 1))


def profile_of(values: XdsValues) -> ProfileModel | None:
    """Widths of spots, where the file tells them."""
    names = ("BEAM_DIVERGENCE_E.S.D.", "REFLECTING_RANGE_E.S.D.")
    if not all(name in values for name in names):
        return None
    sigma_b, sigma_m = (values.number(name) for name in names)
    return ProfileModel(sigma_b, sigma_m) if sigma_b > 0 and sigma_m > 0 else None


def imageset_of(path: Path, values: XdsValues, scan: Scan) -> ImageSet | None:
    """The images, whose names may be relative to the folder of the file."""
    told = values.all_of("NAME_TEMPLATE_OF_DATA_FRAMES")
    if not told or not told[-1]:
        return None
    template, _, word = told[-1].rpartition(" ")
    if "?" in word or "." in word or not template:  # behind the name may stand how images are stored: CBF
        template = told[-1]
    template = template.strip()
    where = path.absolute().parent / template
    if where.suffix == ".h5":
        stem = where.name.removesuffix(".h5").rstrip("?").rstrip("_")
        first, last = scan.image_range
        return ImageSet("hdf5", str(where.with_name(f"{stem}_master.h5")), tuple(range(first - 1, last)))
    return ImageSet("cbf", str(where.with_name(where.name.replace("?", "#"))))


def require_possible(path: object, experiment: Experiment) -> Experiment:
    """The same. Raises CorruptFile for models that nothing can be calculated with."""
    try:
        return sound_model(experiment)
    except ValueError as error:
        raise DamagedFile(path=path, reason=str(error)) from error
