"""Write a simulated sweep as a beamline would, with its truth beside it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal, get_args

import numpy as np

from autoproc.formats.hdf5.write_nexus import DEAD_BIT, GAP_BIT, NexusFacts, write_nexus
from autoproc.formats.images.write_ccd import ccd_facts, marccd_bytes, smv_bytes, smv_fields
from autoproc.formats.images.write_minicbf import MiniCbfFacts, minicbf_header, write_minicbf
from autoproc.simulation.detectors import detector_kind
from autoproc.simulation.sweep import SimulatedSweep, TruePassages
from autoproc.threads import map_in_order

STARTED = datetime(2026, 3, 2, 10, 42)  # a fixed moment: the same parameters write the same bytes

IMAGES_PER_FILE = 1000
ImageFormat = Literal["minicbf", "nxmx", "smv", "marccd"]
FORMATS: tuple[ImageFormat, ...] = get_args(ImageFormat)


@dataclass(frozen=True, slots=True, eq=False)
class WrittenSweep:
    """Files of a sweep: what to process (the first image or the master), all images or data files, the truth.

    observations : what is in the truth's obs_* arrays
    """

    start: Path
    images: tuple[Path, ...]
    truth: Path
    observations: TruePassages


def write_sweep(
    sweep: SimulatedSweep,
    directory: Path,
    name: str = "sweep",
    *,
    file_format: ImageFormat = "minicbf",
    gzip: bool = False,
    n_threads: int = 0,
) -> WrittenSweep:
    """Write the images of a sweep and NAME_truth.npz.

    Images are NAME_00001.cbf ... (.cbf.gz with gzip), .img (SMV), .mccd (MarCCD), or NAME_master.h5 and data files. The
    16 bits of SMV and MarCCD hold at most 65535 counts, and pixels without a value read 0.
    """
    directory.mkdir(parents=True, exist_ok=True)
    truth = directory / f"{name}_truth.npz"
    seen = write_truth(sweep, truth, n_threads)
    if file_format == "nxmx":
        master = directory / f"{name}_master.h5"
        return WrittenSweep(master, _write_nxmx(sweep, master, n_threads), truth, seen)
    if file_format in ("smv", "marccd"):
        images = _write_ccd(sweep, directory, name, file_format, n_threads)
        return WrittenSweep(images[0], images, truth, seen)
    images = _write_minicbf(sweep, directory, name, ".cbf.gz" if gzip else ".cbf", n_threads)
    return WrittenSweep(images[0], images, truth, seen)


def _write_minicbf(sweep: SimulatedSweep, directory: Path, name: str, suffix: str, n_threads: int) -> tuple[Path, ...]:
    write = minicbf_writer(sweep, directory, name, suffix)
    return tuple(map_in_order(write, range(sweep.n_frames), n_threads))


def minicbf_writer(
    sweep: SimulatedSweep, directory: Path, name: str, suffix: str = ".cbf", notes_number: bool = False
) -> Callable[[int], Path]:
    """Who makes and writes an image of a sweep when it is asked for: frame, from 0, to its path.

    notes_number : the headers say how many images the sweep has, as those of some beamlines do
    """
    experiment, numbers = sweep.header_experiment(), sweep.params.image_numbers
    facts = MiniCbfFacts(
        detector=detector_kind(sweep.params).name,
        exposure_time=sweep.params.exposure_time,
        started=STARTED,
        n_excluded=int((~sweep.mask).sum()),
        count_cutoff=sweep.params.saturation,
        two_theta=sweep.params.two_theta,
        n_images=sweep.n_frames if notes_number else None,
    )

    def write(frame: int) -> Path:
        path = directory / f"{name}_{numbers[frame]:05d}{suffix}"
        write_minicbf(path, sweep.read(frame), minicbf_header(experiment, facts, frame))
        return path

    return write


def _write_ccd(
    sweep: SimulatedSweep, directory: Path, name: str, file_format: ImageFormat, n_threads: int
) -> tuple[Path, ...]:
    experiment, params = sweep.header_experiment(), sweep.params

    def write(frame: int) -> Path:
        image = sweep.read(frame)
        facts = ccd_facts(experiment, frame, params.exposure_time, STARTED, params.saturation, params.two_theta)
        suffix = ".img" if file_format == "smv" else ".mccd"
        path = directory / f"{name}_{params.image_numbers[frame]:05d}{suffix}"
        if file_format == "smv":
            path.write_bytes(smv_bytes(image, smv_fields(facts, experiment.detector[0].image_size)))
        else:
            path.write_bytes(marccd_bytes(image, facts))
        return path

    return tuple(map_in_order(write, range(sweep.n_frames), n_threads))


def _write_nxmx(sweep: SimulatedSweep, master: Path, n_threads: int) -> tuple[Path, ...]:
    kind = detector_kind(sweep.params)
    mask = np.where(sweep.active, np.where(sweep.mask, 0, DEAD_BIT), GAP_BIT)
    facts = NexusFacts(
        detector=kind.name,
        exposure_time=sweep.params.exposure_time,
        started=STARTED,
        mask=mask,
        saturation=sweep.params.saturation,
        bit_depth=16 if sweep.params.saturation < 2**16 - 1 else 32,
        two_theta=sweep.params.two_theta,
        images_per_file=IMAGES_PER_FILE,
    )
    images = map_in_order(sweep.read, range(sweep.n_frames), n_threads)
    return write_nexus(master, sweep.header_experiment(), images, facts)


def write_truth(sweep: SimulatedSweep, path: Path, n_threads: int = 0) -> TruePassages:
    """Write the answer.

    hkl, ip, im : unique reflections of the true space group, true I(+) and I(-)
    U : (lattices, 3, 3) orientation at rest; A : (lattices, n_images + 1, 3, 3) setting matrices at every image's edge
    obs_* : one row for every passage of a reflection, see TruePassages; params : JSON of SimulateParams
    """
    seen = sweep.observations(n_threads)
    np.savez(
        path,
        hkl=sweep.truth.hkl,
        ip=sweep.truth.plus,
        im=sweep.truth.minus,
        U=sweep.motion.U,
        A=np.array([e.crystal.A_at_scan_points for e in sweep.experiments() if e.crystal]),
        params=sweep.params.model_dump_json(),
        **{f"obs_{name}": getattr(seen, name) for name in type(seen).__slots__},
    )
    return seen
