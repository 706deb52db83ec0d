"""SimulatedSweep: frames of a rotation sweep made on demand, and the truth behind them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import gemmi
import numpy as np
from scipy.spatial.transform import Rotation

from autoproc.kernels.simulate_spots import add_spots
from autoproc.models.crystal import Crystal
from autoproc.models.experiment import Beam, Detector, Experiment, Goniometer, Panel, Scan
from autoproc.simulation.absorption import AbsorptionSurface
from autoproc.simulation.background import ice_rays
from autoproc.simulation.detectors import header_panel
from autoproc.simulation.intensities import TrueIntensities
from autoproc.simulation.motion import Motion, unit_axis
from autoproc.simulation.params import SimulateParams
from autoproc.simulation.passages import ImageIndex, Passages
from autoproc.simulation.spots import Footprint, Rays, diffract, land, polarization, sensor_efficiency
from autoproc.threads import map_in_order

GAP, BAD = -1, -2
LARGEST_PART = np.radians(0.15)


@dataclass(frozen=True, slots=True, eq=False)
class SimulatedLattice:
    """Reflections of one lattice: hkl (N, 3), intensity (N,) photons, 1/d^2 (N,), when they cross the sphere.

    change : (2, N) structure factors that damage adds by the end of the sweep, along and across those at its start
    error : (M,) relative factor of every passage; first_passage : number of its first passage in the sweep
    """

    number: int
    hkl: np.ndarray
    intensity: np.ndarray
    change: np.ndarray
    inverse_d2: np.ndarray
    passages: Passages
    images: ImageIndex
    error: np.ndarray
    first_passage: int

    def intensity_at(self, dose: float, reflection: np.ndarray) -> np.ndarray:
        """(n,) intensities of some reflections at a part of the sweep's dose, 0..1, before the decay of all alike."""
        along, across = dose * self.change[:, reflection]
        return (np.sqrt(self.intensity[reflection]) + along) ** 2 + across**2


@dataclass(frozen=True, slots=True, eq=False)
class ImageSpots:
    """Spots of one image: passage (N,), centre and shape, photons (N,), and how they came about."""

    passage: np.ndarray
    footprint: Footprint
    counts: np.ndarray
    rays: Rays


@dataclass(frozen=True, slots=True, eq=False)
class TruePassages:
    """What every passage of a reflection put on the detector, had it no gaps and no beam stop.

    hkl (N, 3); lattice (N,); xyz (N, 3) px, px, frame, weighted by photons; counts (N,) expected photons;
    partiality (N,) part of the rocking curve within the sweep; lorentz, polarization, efficiency (N,) as at the
    passage's centre
    """

    hkl: np.ndarray
    lattice: np.ndarray
    xyz: np.ndarray
    counts: np.ndarray
    partiality: np.ndarray
    lorentz: np.ndarray
    polarization: np.ndarray
    efficiency: np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class SimulatedSweep:
    """A sweep with a known answer. Frames are computed when asked for, the same ones on any thread.

    It is an ImageReader. truth : intensities of the asymmetric unit; background : (slow, fast) photons;
    beam_factor : (n_images,) relative intensity of the beam, 0 on blank images; shadow : (slow, fast) or None;
    mask : (slow, fast) False in gaps and on dead pixels; hot : (2, K) rows and columns of hot pixels
    """

    params: SimulateParams
    space_group: gemmi.SpaceGroup
    truth: TrueIntensities
    motion: Motion
    panel: Panel
    lattices: tuple[SimulatedLattice, ...]
    absorption: AbsorptionSurface
    beam_factor: np.ndarray
    background: np.ndarray
    shadow: np.ndarray | None
    active: np.ndarray
    mask: np.ndarray
    hot: np.ndarray

    @property
    def n_frames(self) -> int:
        """Number of images."""
        return self.params.n_images

    @property
    def shape(self) -> tuple[int, int]:
        """(slow, fast) pixels."""
        return self.background.shape[0], self.background.shape[1]

    @property
    def min_trusted(self) -> int:
        """The least count; bad pixels have less."""
        return 0

    @property
    def max_trusted(self) -> float:
        """Counts at which pixels are overloaded."""
        return float(self.params.saturation)

    @property
    def beam(self) -> Beam:
        """The beam."""
        return Beam(self.params.wavelength, polarization_fraction=self.params.polarization_fraction)

    @property
    def axis(self) -> np.ndarray:
        """(3,) unit vector of the rotation axis."""
        return unit_axis(self.params)

    @property
    def scan(self) -> Scan:
        """The scan."""
        numbers = self.params.image_numbers
        return Scan((numbers[0], numbers[-1]), (self.params.start, self.params.width))

    def path(self, frame: int) -> Path:
        """A name for messages: the frames are not on a disk."""
        return Path(f"simulated_{self.params.image_numbers[frame]:05d}")

    def experiments(self) -> tuple[Experiment, ...]:
        """The true models, one experiment a lattice, with the crystal at every image's edge."""
        beam, detector, goniometer, scan = self.beam, Detector((self.panel,)), Goniometer(self.axis), self.scan
        edges = np.arange(self.n_frames + 1)
        crystals = [
            Crystal(self.motion.U[n] @ self.motion.B, self.space_group, self.motion.A_at(n, edges))
            for n in range(self.params.n_lattices)
        ]
        return tuple(Experiment(beam, detector, goniometer, scan, crystal=crystal) for crystal in crystals)

    def header_experiment(self) -> Experiment:
        """The models as the image headers have them, without a crystal."""
        return Experiment(self.beam, Detector((header_panel(self.params),)), Goniometer(self.axis), self.scan)

    def read(self, frame: int) -> np.ndarray:
        """(slow, fast) int32 counts of frame `frame`, from 0: gaps are -1, dead pixels -2."""
        rng = np.random.Generator(np.random.SFC64([self.params.seed, 7, frame]))
        counts = np.minimum(rng.poisson(self.expected(frame)), self.params.saturation).astype(np.int32)
        counts[self.hot[0], self.hot[1]] += rng.poisson(np.full(self.hot.shape[1], 2000.0)).astype(np.int32)
        counts[~self.mask] = BAD
        counts[~self.active] = GAP
        return counts

    def expected(self, frame: int) -> np.ndarray:
        """(slow, fast) mean photons of frame `frame`."""
        image = self.background * self.beam_factor[frame] + 1e-4
        for lattice in self.lattices:
            spots = self.spots(lattice, frame)
            add_spots(image, spots.footprint.centre, spots.footprint.covariance, spots.counts)
        if self.params.ice_spots > 0 and self.beam_factor[frame] > 0:
            rays, photons = ice_rays(
                self.params, -self.beam.direction, np.random.default_rng([self.params.seed, 8, frame])
            )
            footprint = land(rays, self.panel, np.radians(self.params.divergence))
            here = np.isfinite(footprint.centre).all(axis=1)
            add_spots(image, footprint.centre[here], footprint.covariance[here], photons[here])
        if self.shadow is not None:
            image *= self.shadow
        return image

    def spots(self, lattice: SimulatedLattice, frame: int) -> ImageSpots:
        """Spots of one lattice on frame `frame`."""
        params = self.params
        passage = lattice.images.on(frame)
        reflection = lattice.passages.reflection[passage]
        n_parts = int(np.clip(np.ceil(np.radians(params.width) / LARGEST_PART), 2, 8))
        edges = frame + np.linspace(0, 1, n_parts + 1)
        angles = np.radians(params.start + params.width * edges)
        turn = Rotation.from_rotvec(angles[:, None] * self.axis).as_matrix()
        settings = turn @ self.motion.A_at(lattice.number, edges)
        rays = diffract(
            lattice.hkl[reflection],
            settings,
            angles,
            self.beam.s0,
            axis=self.axis,
            mosaicity=np.radians(params.mosaicity),
        )
        middle = Rotation.from_rotvec(-angles.mean() * self.axis).as_matrix()
        counts = self._counts(lattice, reflection, rays, frame) * lattice.error[passage]
        counts *= self.absorption.transmission(rays.s1 @ middle.T, middle @ self.beam.direction)
        footprint = land(rays, self.panel, np.radians(params.divergence))
        hit = self._near_panel(footprint) & (rays.recorded > 1e-7)
        return ImageSpots(
            passage[hit] + lattice.first_passage,
            Footprint(footprint.centre[hit], footprint.covariance[hit]),
            counts[hit],
            Rays(*(getattr(rays, name)[hit] for name in Rays.__slots__)),
        )

    def _counts(self, lattice: SimulatedLattice, reflection: np.ndarray, rays: Rays, frame: int) -> np.ndarray:
        params = self.params
        dose = (frame + 0.5) / params.n_images
        decay = np.exp(-0.5 * params.decay_b * dose * lattice.inverse_d2[reflection])
        turned = np.radians(params.start + params.width * (frame + 0.5))
        volume = 1 + params.volume_variation * np.cos(turned + 0.7)
        optics = polarization(rays.s1, -self.beam.direction, params.polarization_fraction)
        optics *= sensor_efficiency(self.panel, np.abs(rays.s1 @ self.panel.normal)) / rays.sin_two_theta
        relative = params.second_intensity if lattice.number else 1.0
        fluence = self.beam_factor[frame] * volume * relative
        return fluence * lattice.intensity_at(dose, reflection) * optics * rays.recorded * decay

    def _near_panel(self, footprint: Footprint) -> np.ndarray:
        margin = 4.5 * np.sqrt(footprint.covariance[:, [0, 2]]) + 1
        with np.errstate(invalid="ignore"):
            near = (footprint.centre > -margin) & (footprint.centre < np.asarray(self.panel.image_size) + margin)
        return near.all(axis=1)

    def observations(self, n_threads: int = 0) -> TruePassages:
        """Every passage of every reflection that reaches the detector."""
        n = sum(len(lattice.passages) for lattice in self.lattices)
        rows = map_in_order(self._frame_sums, range(self.n_frames), n_threads)
        passage, values = (np.concatenate(parts) for parts in zip(*rows, strict=True))
        total = np.stack([np.bincount(passage, column, minlength=n) for column in values.T], axis=1)
        seen = total[:, 0] > 1e-9
        weight, total = total[seen, :1], total[seen]
        hkl = np.concatenate([lattice.hkl[lattice.passages.reflection] for lattice in self.lattices])
        number = np.concatenate([np.full(len(lattice.passages), lattice.number) for lattice in self.lattices])
        mean = total / weight
        return TruePassages(hkl[seen], number[seen], mean[:, 3:6], total[:, 1], total[:, 2], *mean[:, 6:9].T)

    def _frame_sums(self, frame: int) -> tuple[np.ndarray, np.ndarray]:
        """Passages on a frame and what is to be summed: weight, counts, partiality, then weighted quantities."""
        parts = [self.spots(lattice, frame) for lattice in self.lattices]
        return np.concatenate([p.passage for p in parts]), np.concatenate([self._sums(p, frame) for p in parts])

    def _sums(self, spots: ImageSpots, frame: int) -> np.ndarray:
        rays, weight = spots.rays, spots.rays.recorded
        zeta = np.abs(rays.zeta)
        efficiency = sensor_efficiency(self.panel, np.abs(rays.s1 @ self.panel.normal))
        polarized = polarization(rays.s1, -self.beam.direction, self.params.polarization_fraction)
        weighted = (
            *spots.footprint.centre.T,
            frame + rays.moment,
            1 / (zeta * rays.sin_two_theta),
            polarized,
            efficiency,
        )
        return np.stack([weight, spots.counts, weight * zeta, *(weight * column for column in weighted)], axis=1)
