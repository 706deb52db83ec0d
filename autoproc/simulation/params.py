"""What a simulated sweep is made of: SimulateParams, and the sets of it that tests and the demonstration use."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from autoproc.params import Params

Cell = tuple[float, float, float, float, float, float]
Vector = tuple[float, float, float]
Matrix = tuple[float, float, float, float, float, float, float, float, float]


class SimulateParams(Params):
    """A rotation sweep with a known answer. The defaults are a good crystal on a PILATUS 300K."""

    cell: Cell = (77.6, 77.6, 37.4, 90.0, 90.0, 90.0)
    """Unit cell at the start of the sweep, Angstrom and degrees; the default is that of tetragonal lysozyme."""
    space_group: str = "P 43 21 2"
    """True space group, Hermann-Mauguin."""
    orientation: Matrix | None = None
    """U, row by row; none takes a random orientation from orientation_seed."""
    orientation_seed: int | None = Field(None, ge=0)
    """Seed of the orientation; none uses seed. Give it to turn the same crystal differently."""
    structure_seed: int | None = Field(None, ge=0)
    """Seed of the true intensities; none uses seed. Give it for several sweeps of one structure."""
    seed: int = Field(1, ge=0)
    """Seed of all that is random. The same parameters give the same pixels on any number of threads."""

    wavelength: float = Field(0.9763, gt=0)
    """Wavelength, Angstrom; the default is 12.7 keV, the commonest at synchrotrons."""
    polarization_fraction: float = Field(0.99, ge=0, le=1)
    """Part of the beam polarised in the horizontal plane; 0.99 is what synchrotrons have, 0.5 a laboratory."""
    detector: Literal[
        "pilatus100k", "pilatus300k", "pilatus2m", "pilatus6m", "eiger1m", "eiger4m", "eiger9m", "eiger16m", "custom"
    ] = "pilatus300k"
    """Pixels and module gaps; custom has no gaps and the size of detector_size."""
    detector_size: tuple[int, int] = (250, 300)
    """Pixels (fast, slow) of a custom detector."""
    pixel_size: float = Field(0.172, gt=0)
    """Pixel of a custom detector, mm; the default is that of a PILATUS."""
    sensor_thickness: float | None = Field(None, ge=0)
    """Silicon, mm; none takes the detector's own (PILATUS 0.32, EIGER 0.45). 0 detects all and shifts nothing."""
    distance: float = Field(85.0, gt=0)
    """Sample to detector, mm."""
    beam_centre: tuple[float, float] | None = None
    """Where the beam meets the detector at two_theta = 0, px (fast, slow); none is near the middle."""
    two_theta: float = 0.0
    """Swing of the detector about the rotation axis, degrees. Readers of miniCBF headers ignore it; use NXmx."""
    detector_tilt: tuple[float, float] = (0.0, 0.0)
    """Misalignment about the laboratory's X and Y through the beam centre, degrees; headers do not know of it."""
    beam_centre_error: tuple[float, float] = (0.0, 0.0)
    """What the header's beam centre is wrong by, px (fast, slow)."""
    distance_error: float = 0.0
    """What the header's distance is wrong by, mm."""

    n_images: int = Field(160, ge=1)
    """Number of images."""
    rotation_axis: Vector = (1.0, 0.0, 0.0)
    """Axis of rotation in the laboratory (X along the usual axis, Z to the source). Readers of miniCBF headers
    presume the default; use NXmx for others."""
    first_image: int = Field(1, ge=0)
    """Number of the first image in the file names."""
    start: float = 0.0
    """Rotation angle at which the first image starts, degrees."""
    width: float = Field(0.5, ge=0)
    """Rotation of an image, degrees; 0 makes stills."""
    exposure_time: float = Field(0.02, gt=0)
    """Time of an image as the headers tell it, s; it does not change the counts."""

    d_min: float = Field(1.9, gt=0)
    """Nothing diffracts beyond it, Angstrom."""
    strength: float = Field(2500.0, ge=0)
    """Mean true intensity at zero scattering angle before wilson_b: photons at LP = 1 and full efficiency."""
    wilson_b: float = 25.0
    """Overall B of the true intensities, Angstrom**2; 25 is usual at 1.9 Angstrom."""
    anisotropic_b: Vector = (0.0, 0.0, 0.0)
    """B added along a*, b* and c* (where these are not square to each other: along x, y and z with a along x and b in
    the plane of x and y), Angstrom**2; 0 25 70 is a crystal that diffracts far better along a* than along c*."""
    anomalous: float = Field(0.03, ge=0)
    """Rms of (I(+) - I(-)) / (I(+) + I(-)) of acentric reflections; 0.03 is that of sulphur atoms."""
    pseudo_symmetry: str | None = None
    """Space group of higher symmetry that the true intensities nearly have, or by whose operations the crystal is
    twinned, in the axes of `cell`; none leaves them as they are."""
    pseudo_strength: float = Field(0.9, ge=0, le=1)
    """How nearly: 0 not at all, 1 entirely. Where it adds one operation, a twin of fraction a has 2 a."""
    mosaicity: float = Field(0.12, gt=0)
    """Standard deviation of the mosaic blocks' orientations, degrees."""
    divergence: float = Field(0.025, gt=0)
    """Standard deviation of the diffracted rays' directions, degrees."""
    absorption: float = Field(0.05, ge=0)
    """Rms of the logarithm of the crystal's transmission over all directions; 0.05 is a crystal in a thin loop."""
    volume_variation: float = Field(0.1, ge=0, lt=1)
    """Amplitude of the illuminated volume over a full turn."""
    decay_b: float = 0.0
    """Radiation damage: B added from the first to the last image, Angstrom**2."""
    structural_damage: float = Field(0.0, ge=0)
    """Radiation damage: rms change of structure factors from the first to the last image, as a part of their rms; each
    reflection's own, as where bonds break. What the truth holds is the structure before it."""
    cell_drift: float = 0.0005
    """Relative growth of the cell from the first to the last image."""
    wobble: float = Field(0.04, ge=0)
    """Amplitude of the smooth movement of the crystal's orientation over the sweep, degrees."""
    flicker: float = Field(0.01, ge=0)
    """Rms relative variation of the beam's intensity from image to image."""
    observation_error: float = Field(0.025, ge=0)
    """Rms relative error of every observation, whatever its cause: what limits I/sigma of strong reflections."""

    second_lattice: Vector | None = None
    """Rotation vector (laboratory, degrees) that turns the crystal into a second lattice; none is one lattice."""
    second_intensity: float = Field(0.5, ge=0)
    """Intensity of the second lattice relative to the first."""

    background: float = Field(0.35, ge=0)
    """Mean background at the beam centre, photons a pixel."""
    solvent_ring: float = Field(0.8, ge=0)
    """Height of the diffuse solvent ring (3.4 Angstrom) relative to the background."""
    ice: float = Field(0.0, ge=0)
    """Height of the strongest ice ring relative to the background."""
    ice_spots: float = Field(0.0, ge=0)
    """Mean number of spots of ice crystallites an image."""
    beam_stop: float = Field(3.0, ge=0)
    """Radius of the shadow of the beam stop on the detector, mm; its arm points up. 0 leaves it out."""
    hot_pixels: int = Field(10, ge=0)
    """Pixels that count much too much and that nobody has masked."""
    dead_pixels: int = Field(20, ge=0)
    """Pixels marked as bad in the images (-2) and in the pixel mask."""
    saturation: int = Field(1_000_000, gt=0)
    """Counts at which a pixel stays; the header's count cut-off."""
    blank_images: tuple[tuple[int, int], ...] = ()
    """Ranges (first, last) of image numbers without beam, for example ((10, 12), (40, 40))."""

    @property
    def n_lattices(self) -> int:
        """1, or 2 with a second lattice."""
        return 1 if self.second_lattice is None else 2

    @property
    def image_numbers(self) -> range:
        """The numbers of the images, as in file names."""
        return range(self.first_image, self.first_image + self.n_images)


def small_params(**overrides: Any) -> SimulateParams:
    """A sweep that is written in well under a second and indexes with ease: 60 images of 250 x 300 pixels."""
    small: dict[str, Any] = {
        "cell": (37.0, 43.0, 49.0, 90.0, 90.0, 90.0), "space_group": "P 21 21 21", "detector": "custom",
        "distance": 45.0, "n_images": 60, "width": 1.0, "d_min": 2.0, "beam_stop": 1.5,
        "mosaicity": 0.15, "divergence": 0.05, "strength": 4000.0,
    }  # fmt: skip
    return SimulateParams(**(small | overrides))


def demo_params(**overrides: Any) -> SimulateParams:
    """The demonstration: good data of a lysozyme-like crystal, 90 degrees on a PILATUS 300K."""
    demo: dict[str, Any] = {"n_images": 120, "width": 0.75, "mosaicity": 0.1, "strength": 4000.0, "d_min": 1.8}
    return SimulateParams(**(demo | overrides))
