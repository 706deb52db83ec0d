"""Small whole files of every format, from which damaged ones are made."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from pathlib import Path

import gemmi
import h5py
import hdf5plugin
import numpy as np

from autoproc.config import Config, format_config
from autoproc.formats.dials.expt import write_expt
from autoproc.formats.dials.refl import write_refl
from autoproc.formats.observed.mtz import write_merged_mtz, write_unmerged_mtz
from autoproc.models.crystal import Crystal, b_matrix
from autoproc.models.experiment import Experiment, ProfileModel, Scan
from autoproc.models.reflections import Flag, Reflections
from autoproc.simulation import SimulateParams, simulate, write_sweep
from autoproc.stages.merge import MergeParams, merge
from fuzzing.frame_seeds import frame_seeds

SIZE = (40, 30)
N_IMAGES = 6
SCALED = Flag.INTEGRATED_SUM | Flag.SCALED
IMGCIF = """
loop_
_diffrn_radiation_wavelength.id
_diffrn_radiation_wavelength.wavelength
W1 0.9763
loop_
_diffrn_radiation.diffrn_id
_diffrn_radiation.polarizn_source_ratio
_diffrn_radiation.polarizn_source_norm
D1 0.98 0.0
loop_
_diffrn_scan_axis.scan_id
_diffrn_scan_axis.axis_id
_diffrn_scan_axis.angle_start
_diffrn_scan_axis.angle_range
_diffrn_scan_axis.angle_increment
_diffrn_scan_axis.displacement_start
SCAN1 OMEGA -10.0 0.5 0.5 0.0
SCAN1 KAPPA 30.0 0.0 0.0 0.0
SCAN1 DET_Z 0.0 0.0 0.0 100.0
loop_
_diffrn_scan_frame_axis.frame_id
_diffrn_scan_frame_axis.axis_id
_diffrn_scan_frame_axis.angle
_diffrn_scan_frame_axis.displacement
FRAME1 OMEGA -10.0 0.0
FRAME1 DET_Z 0.0 100.0
loop_
_axis.id
_axis.type
_axis.equipment
_axis.depends_on
_axis.vector[1] _axis.vector[2] _axis.vector[3]
_axis.offset[1] _axis.offset[2] _axis.offset[3]
OMEGA rotation goniometer . 1 0 0 . . .
KAPPA rotation goniometer OMEGA 0.642787609687 -0.766044443119 0 . . .
TTH rotation detector . 1 0 0 . . .
DET_Z translation detector TTH 0 0 -1 0 0 0
ELEMENT_Y translation detector DET_Z 0 -1 0 -1.2 2.5 0
ELEMENT_X translation detector ELEMENT_Y 1 0 0 0 0 0
loop_
_array_structure_list.array_id
_array_structure_list.index
_array_structure_list.dimension
_array_structure_list.precedence
_array_structure_list.direction
_array_structure_list.axis_set_id
A1 1 40 1 increasing ELEMENT_X
A1 2 30 2 increasing ELEMENT_Y
loop_
_array_structure_list_axis.axis_set_id
_array_structure_list_axis.axis_id
_array_structure_list_axis.displacement
_array_structure_list_axis.displacement_increment
ELEMENT_X ELEMENT_X 0.0 0.1
ELEMENT_Y ELEMENT_Y 0.0 0.1
loop_
_array_intensities.array_id
_array_intensities.gain
_array_intensities.overload
_array_intensities.undefined_value
A1 1.0 91795 -1
"""


@dataclass(frozen=True, slots=True)
class Seeds:
    """Contents of whole files: by format, then by name."""

    cbf: dict[str, bytes]
    nexus: dict[str, bytes]
    dectris: dict[str, bytes]
    frames: dict[str, bytes]
    expt: bytes
    refl: bytes
    mtz: tuple[bytes, ...]
    toml: bytes


def make_seeds(folder: Path) -> Seeds:
    """Write a sweep with the project's own writers, and read back what was written."""
    params = SimulateParams(detector="custom", detector_size=SIZE, n_images=N_IMAGES, hot_pixels=2, dead_pixels=2)
    sweep = simulate(params)
    write_sweep(sweep, folder / "cbf", "x")
    write_sweep(sweep, folder / "nexus", "x", file_format="nxmx")
    (folder / "dectris").mkdir()
    write_dectris(folder / "dectris" / "x_master.h5")
    cbf = [path.read_bytes() for path in sorted((folder / "cbf").glob("*.cbf"))]
    images = {f"x_{n:05d}.cbf": content for n, content in enumerate(cbf, 1)}
    full = cbf[0].replace(b"_array_data.data\r\n", IMGCIF.replace("\n", "\r\n").encode() + b"_array_data.data\r\n", 1)
    images |= {"full_00001.cbf": full, "packed_00001.cbf.gz": gzip.compress(cbf[0], 1)}
    experiment = sweep.header_experiment()
    crystal = Crystal(np.eye(3) @ b_matrix(params.cell), gemmi.SpaceGroup(params.space_group))
    expt, refl, mtz = _processed(folder, experiment, crystal)
    toml = "\n".join(f"{line}" for line in format_config(Config()).splitlines() if not line.startswith("# "))
    frames = frame_seeds(folder / "frames", SIZE)
    return Seeds(images, _files(folder / "nexus"), _files(folder / "dectris"), frames, expt, refl, mtz, toml.encode())


def _files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*.h5"))}


def _processed(folder: Path, experiment: Experiment, crystal: Crystal) -> tuple[bytes, bytes, tuple[bytes, ...]]:
    scan = Scan((1, N_IMAGES), (0.0, 0.5), np.full(N_IMAGES, 0.1), np.arange(N_IMAGES) * 0.1, excluded=(3,))
    whole = Experiment(
        experiment.beam, experiment.detector, experiment.goniometer, scan, experiment.imageset, crystal,
        ProfileModel(0.02, 0.1, 4.0), {"__id__": "physical", "a": [1.0]}, "an identifier", ("a remark",),
    )  # fmt: skip
    write_expt(folder / "x.expt", [whole, whole])
    table = _reflections(crystal)
    write_refl(folder / "x.refl", table)
    write_merged_mtz(folder / "merged.mtz", merge([whole], table, MergeParams()), "x")
    write_unmerged_mtz(folder / "unmerged.mtz", [whole], table, "x")
    mtz = tuple((folder / f"{name}.mtz").read_bytes() for name in ("merged", "unmerged"))
    return (folder / "x.expt").read_bytes(), (folder / "x.refl").read_bytes(), mtz


def _reflections(crystal: Crystal) -> Reflections:
    """A few scaled observations."""
    unique = np.asarray(gemmi.make_miller_array(crystal.unit_cell, crystal.space_group, 9.0), np.int32)
    hkl = np.repeat(unique, 4, axis=0)
    n, chance = len(hkl), np.random.default_rng(1)
    intensity = chance.exponential(100, n)
    position = chance.uniform(0, 30, (n, 3)) * (1, 1, N_IMAGES / 30)
    return Reflections(
        {
            "hkl": hkl, "experiment_id": np.zeros(n, np.int32), "flags": np.full(n, SCALED, np.uint64),
            "panel": np.zeros(n, np.uint64), "bbox": np.tile(np.array([0, 3, 0, 3, 0, 1], np.int32), (n, 1)),
            "xyz_obs_px": position, "xyz_cal_px": position, "xyz_cal_mm": position, "entering": np.ones(n, bool),
            "intensity_sum": intensity, "variance_sum": intensity + 1, "intensity_scale": intensity,
            "variance_scale": intensity + 1, "inverse_scale": np.ones(n), "partiality": np.ones(n), "lp": np.ones(n),
            "qe": np.ones(n), "d": crystal.unit_cell.calculate_d_array(hkl),
        },
        {0: "an identifier"},
    )  # fmt: skip


def write_dectris(master: Path) -> None:
    """A master as the file writer of an EIGER makes it, without transformations, and its data file."""
    fast, slow = SIZE
    frames = np.random.default_rng(2).poisson(3, (N_IMAGES, slow, fast)).astype(np.uint32)
    with h5py.File(master.with_name("x_data_000001.h5"), "w") as file:
        data = file.create_dataset(
            "entry/data/data", frames.shape, "u4", chunks=(1, slow, fast), **hdf5plugin.Bitshuffle(cname="lz4")
        )
        data[...] = frames
        data.attrs.update(image_nr_low=1, image_nr_high=N_IMAGES)
    with h5py.File(master, "w") as file:
        _dectris_entry(file)


def _dectris_entry(file: h5py.File) -> None:
    fast, slow = SIZE
    entry = file.create_group("entry")
    entry.attrs["NX_class"] = "NXentry"
    groups = {
        "data": "NXdata", "instrument": "NXinstrument", "instrument/beam": "NXbeam", "sample": "NXsample",
        "instrument/detector": "NXdetector", "instrument/detector/detectorSpecific": "NXcollection",
        "instrument/detector/goniometer": "NXtransformations", "sample/goniometer": "NXtransformations",
    }  # fmt: skip
    for name, kind in groups.items():
        entry.create_group(name).attrs["NX_class"] = kind
    entry["data/data_000001"] = h5py.ExternalLink("x_data_000001.h5", "/entry/data/data")
    detector = entry["instrument/detector"]
    values = {
        "x_pixel_size": (7.5e-5, "m"), "y_pixel_size": (7.5e-5, "m"), "detector_distance": (0.15, "m"),
        "beam_center_x": (20.5, "pixel"), "beam_center_y": (15.5, "pixel"), "sensor_thickness": (4.5e-4, "m"),
        "count_time": (0.01, "s"), "frame_time": (0.01, "s"), "sensor_material": ("Si", ""),
        "description": ("Dectris EIGER 1M", ""), "detector_number": ("E-01-0001", ""), "bit_depth_image": (32, ""),
        "countrate_correction_count_cutoff": (126634, ""), "goniometer/two_theta": (0.0, "degree"),
        "detectorSpecific/nimages": (N_IMAGES, ""), "detectorSpecific/ntrigger": (1, ""),
        "detectorSpecific/x_pixels_in_detector": (fast, ""), "detectorSpecific/y_pixels_in_detector": (slow, ""),
        "detectorSpecific/saturation_value": (33000, ""),
        "detectorSpecific/data_collection_date": ("2026-01-02T03:04:05", ""),
    }  # fmt: skip
    for name, (value, unit) in values.items():
        detector[name] = np.bytes_(value) if isinstance(value, str) else value
        if unit:
            detector[name].attrs["units"] = np.bytes_(unit)
    detector["detectorSpecific/pixel_mask"] = np.zeros((slow, fast), np.uint32)
    entry["instrument/beam/incident_wavelength"] = 0.9763
    entry["instrument/beam/incident_wavelength"].attrs["units"] = "angstrom"
    omega = 0.5 * np.arange(N_IMAGES)
    for name, angles in (("omega", omega), ("omega_end", omega + 0.5), ("omega_increment", 0.5), ("omega_start", 0.0)):
        entry[f"sample/goniometer/{name}"] = angles
        entry[f"sample/goniometer/{name}"].attrs["units"] = "degree"
