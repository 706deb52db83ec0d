"""Beam, Detector, Goniometer, Scan and what joins them: Experiment.

The frame is that of imgCIF and dxtbx: X along the primary rotation axis, Z from the sample to the
source, lengths in mm, wavelengths in Angstrom. Positions on a panel are (fast, slow), pixel (0, 0)
spans 0..1. z (frame) is 0 at the start of the first image of the scan.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import gemmi
import numpy as np

from autoproc.models.crystal import Crystal


@dataclass(frozen=True, slots=True, eq=False)
class Beam:
    """wavelength in Angstrom; direction: unit vector from sample to source; polarisation."""

    wavelength: float
    direction: np.ndarray = field(default_factory=lambda: np.array([0.0, 0.0, 1.0]))
    polarization_normal: np.ndarray = field(default_factory=lambda: np.array([0.0, 1.0, 0.0]))
    polarization_fraction: float = 0.999
    divergence: float = 0.0
    sigma_divergence: float = 0.0
    flux: float = 0.0
    transmission: float = 1.0

    @property
    def s0(self) -> np.ndarray:
        """(3,) incident wave vector, 1/Angstrom, from source to sample."""
        return -np.asarray(self.direction) / (np.linalg.norm(self.direction) * self.wavelength)


@dataclass(frozen=True, slots=True, eq=False)
class Panel:
    """A flat rectangle of pixels.

    origin : (3,) mm, laboratory position of the corner of pixel (0, 0)
    fast_axis, slow_axis : (3,) unit vectors
    pixel_size : (fast, slow) mm; image_size : (fast, slow) pixels
    trusted_range : (min, max) counts: a pixel is good where min <= value < max, and overloaded at or above max; a
        min of -1, or between it and 0, means 0, as DIALS before 3.12 had it
    thickness : sensor, mm; mu : its linear attenuation at this wavelength, 1/mm; 0 means no parallax
    mask : rectangles (x0, y0, x1, y1), half-open, never trusted
    """

    fast_axis: np.ndarray
    slow_axis: np.ndarray
    origin: np.ndarray
    pixel_size: tuple[float, float]
    image_size: tuple[int, int]
    trusted_range: tuple[float, float] = (-1.0, 1e9)
    thickness: float = 0.0
    mu: float = 0.0
    material: str = ""
    gain: float = 1.0
    pedestal: float = 0.0
    name: str = "Panel"
    type: str = "SENSOR_PAD"
    identifier: str = ""
    mask: tuple[tuple[int, int, int, int], ...] = ()

    @property
    def normal(self) -> np.ndarray:
        """(3,) unit vector, fast x slow."""
        (a, b, c), (x, y, z) = self.fast_axis, self.slow_axis
        return np.array([b * z - c * y, c * x - a * z, a * y - b * x])

    @property
    def d_matrix(self) -> np.ndarray:
        """(3, 3) columns fast, slow, origin: laboratory = d (x_mm, y_mm, 1)."""
        return np.column_stack([self.fast_axis, self.slow_axis, self.origin])

    @property
    def min_trusted(self) -> int:
        """The least count that is one; what is below it marks bad pixels."""
        low = self.trusted_range[0]
        return 0 if -1 <= low <= 0 else math.ceil(low)

    @property
    def has_parallax(self) -> bool:
        """The sensor's thickness and attenuation are known."""
        return self.thickness > 0 and self.mu > 0

    @property
    def distance(self) -> float:
        """Distance from the sample along the panel's normal, mm, positive."""
        return abs(float(np.dot(self.origin, self.normal)))


@dataclass(frozen=True, slots=True, eq=False)
class Detector:
    """One or more panels. Readers of images make one panel; DIALS files may hold more."""

    panels: tuple[Panel, ...]

    def __len__(self) -> int:
        return len(self.panels)

    def __getitem__(self, index: int) -> Panel:
        return self.panels[index]


@dataclass(frozen=True, slots=True, eq=False)
class Goniometer:
    """A rotation about one axis: laboratory = setting R(axis, phi) fixed.

    axis : (3,) unit vector of the scanned rotation with the axes outside it at zero (the datum)
    fixed : (3, 3) of the axes between crystal and scanned axis; setting : (3, 3) of those outside it
    axes, names, angles, scan_axis : the axes from the crystal outwards, degrees, where they are known
    """

    axis: np.ndarray = field(default_factory=lambda: np.array([1.0, 0.0, 0.0]))
    fixed: np.ndarray = field(default_factory=lambda: np.eye(3))
    setting: np.ndarray = field(default_factory=lambda: np.eye(3))
    axes: np.ndarray | None = None
    names: tuple[str, ...] = ()
    angles: tuple[float, ...] = ()
    scan_axis: int = 0

    @property
    def lab_axis(self) -> np.ndarray:
        """(3,) the scanned axis in the laboratory, m2 of Kabsch."""
        return self.setting @ self.axis


@dataclass(frozen=True, slots=True, eq=False)
class Scan:
    """Which images, and the rotation of each.

    image_range : (first, last), inclusive, as in the file names
    oscillation : (start of the first image, width of an image), degrees
    excluded : numbers of images within the range that the user wants left out, ascending
    """

    image_range: tuple[int, int]
    oscillation: tuple[float, float]
    exposure_times: np.ndarray | None = None
    epochs: np.ndarray | None = None
    batch_offset: int = 0
    excluded: tuple[int, ...] = ()

    @property
    def n_images(self) -> int:
        """Number of images."""
        return self.image_range[1] - self.image_range[0] + 1

    def part(self, first: int, last: int) -> Scan:
        """The same rotation on these images, which are numbered as before; what is known of each one is left out."""
        start, width = self.oscillation
        start += (first - self.image_range[0]) * width
        excluded = tuple(number for number in self.excluded if first <= number <= last)
        return Scan((first, last), (start, width), batch_offset=self.batch_offset, excluded=excluded)

    @property
    def is_still(self) -> bool:
        """No rotation."""
        return self.oscillation[1] == 0.0

    def phi_at(self, frame: np.ndarray | float) -> np.ndarray:
        """Rotation angle, radians, at array index `frame` (0 = start of the first image)."""
        return np.radians(self.oscillation[0] + self.oscillation[1] * np.asarray(frame, float))

    def frame_at(self, phi: np.ndarray | float) -> np.ndarray:
        """Array index at rotation angle phi, radians."""
        return (np.degrees(np.asarray(phi, float)) - self.oscillation[0]) / self.oscillation[1]


@dataclass(frozen=True, slots=True, eq=False)
class ImageSet:
    """Where the images are.

    kind : "cbf" (one file an image) or "hdf5" (a master file)
    template : path with # for the counter's digits ("/data/x_#####.cbf.gz"), or the master file
    indices : for hdf5, the 0-based index in the file of each image; empty for cbf
    """

    kind: str
    template: str
    indices: tuple[int, ...] = ()
    extra: dict[str, Any] = field(default_factory=dict)

    def path(self, image: int) -> Path:
        """The file of image number `image` (as in image_range)."""
        template = Path(self.template)
        if self.kind == "hdf5":
            return template
        return template.with_name(re.sub(r"(?<!#)#+(?=[^#]*$)", lambda m: f"{image:0{len(m[0])}d}", template.name))


@dataclass(frozen=True, slots=True)
class ProfileModel:
    """Spot widths of the Kabsch model, degrees: sigma_b (divergence), sigma_m (mosaicity).

    spread : mosaic spread that widens spots along e1 (integration.kabsch.mosaic_lever)
    """

    sigma_b: float
    sigma_m: float
    n_sigma: float = 3.0
    spread: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Experiment:
    """One lattice on one sweep: the models that predict its reflections.

    Two lattices on one sweep are two experiments that share beam, detector, goniometer, scan and
    imageset (the same objects). `scaling` holds a DIALS scaling model as it stood in its file.
    remarks : what the images' header says of the detector or the beam and is not used, or what it lacks and is
        assumed, a sentence each; nothing to worry about, but to be told
    """

    beam: Beam
    detector: Detector
    goniometer: Goniometer
    scan: Scan
    imageset: ImageSet | None = None
    crystal: Crystal | None = None
    profile: ProfileModel | None = None
    scaling: dict[str, Any] | None = None
    identifier: str = ""
    remarks: tuple[str, ...] = ()


def shared_cell(experiments: Sequence[Experiment]) -> gemmi.UnitCell:
    """The median of the crystals' cells: one that is out does not move it."""
    return gemmi.UnitCell(*np.median([e.crystal.cell for e in experiments if e.crystal is not None], axis=0))
