"""XDS_ASCII.HKL: observations of one sweep for XSCALE and other programs of XDS (Kabsch 2010, Acta D66, 125)."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from autoproc import __version__
from autoproc.formats.dials.image_numbers import to_file_frames
from autoproc.formats.export.export_params import ExportParams
from autoproc.formats.export.exported import Exported, intensities
from autoproc.formats.observed.xds_header import UNSCALED
from autoproc.geometry.asu import to_asu
from autoproc.geometry.corrections import lp_over_efficiency
from autoproc.geometry.rotation import lab_from_crystal
from autoproc.models.experiment import Experiment, Panel
from autoproc.models.reflections import Reflections

ITEMS = ("H", "K", "L", "IOBS", "SIGMA(IOBS)", "XD", "YD", "ZD", "RLP", "PEAK", "CORR", "PSI")
LAST_DIGIT = 1e-3
"""Images, as ZD is written. Some centres are calculated beyond the scan, in two simulated sweeps of 60 images
1.2% of them, up to 4 images away; readers would take the scan to be as long, and what is at the end of the last image
to be on the next."""
HALF_A_PIXEL = 0.5
"""XDS counts pixels from the middle of the first, which is 1; here the first one begins at 0."""


def write_xds_ascii(path: Path, exported: Exported, params: ExportParams) -> list[Path]:
    """Write a file for each sweep, NAME_1.HKL, NAME_2.HKL ... where there are several; returns their paths.

    Observations that scaling rejected are there with a negative sigma, as XDS marks its misfits.
    """
    experiments = exported.experiments
    good = to_file_frames(exported.observations, experiments)
    bad = to_file_frames(exported.rejected, experiments)
    paths = []
    for number, experiment in enumerate(experiments):
        own = path if len(experiments) == 1 else path.with_name(f"{path.stem}_{number + 1}{path.suffix}")
        rows = [_records(experiment, t[t["experiment_id"] == number], sign) for t, sign in ((good, 1), (bad, -1))]
        records = np.vstack(rows)
        group = experiment.crystal.space_group if experiment.crystal else None
        assert group is not None
        asu, _ = to_asu(records[:, :3].astype(np.int32), group)
        order = np.lexsort((records[:, 7], asu[:, 2], asu[:, 1], asu[:, 0]))
        with own.open("w", encoding="utf-8") as file:
            file.writelines(f"!{line}\n" for line in _header(experiment, params, exported.is_scaled))
            file.writelines(_line(row) for row in records[order].tolist())
            file.write("!END_OF_DATA\n")
        paths.append(own)
    return paths


def _line(row: list[float]) -> str:
    h, k, m, intensity, sigma, x, y, z, rlp, peak, corr, psi = row
    return (
        f"{h:6.0f}{k:6.0f}{m:6.0f} {intensity:12.5E} {sigma:11.4E} {x:8.2f} {y:8.2f} {z:9.3f} {rlp:9.6f} "
        f"{peak:4.0f} {corr:4.0f} {psi:7.2f}\n"
    )


def _records(experiment: Experiment, r: Reflections, sign: int) -> np.ndarray:
    """(N, 12) the items of observations, frames as files count them; sign -1 marks rejected ones."""
    value, sigma = intensities(r)
    correlation = r["profile_correlation"] if "profile_correlation" in r else np.ones(len(r))
    x, y, z = r["xyz_cal_px"].T
    first, last = experiment.scan.image_range
    z = np.clip(z, first - 1, last - LAST_DIGIT)
    return np.column_stack([
        r["hkl"], value, sign * sigma, x + HALF_A_PIXEL, y + HALF_A_PIXEL, z, lp_over_efficiency(r),
        np.clip(100 * r["partiality"], 0, 100), np.clip(100 * correlation, 0, 100), azimuths(experiment, r),
    ])  # fmt: skip


def azimuths(experiment: Experiment, r: Reflections) -> np.ndarray:
    """(N,) psi, degrees: the turn of each reflection about its normal, between -180 and 180.

    Of the angle between a fixed direction across the normal (k - l, l - h, h - k in the cell's axes) and s1 x s0.
    """
    crystal, gonio, s0 = experiment.crystal, experiment.goniometer, experiment.beam.s0
    assert crystal is not None
    hkl = r["hkl"].astype(float)
    h, k, m = hkl.T
    phi = r["xyz_cal_mm"][:, 2]
    s1 = lab_from_crystal(gonio, phi, hkl @ crystal.A.T) + s0
    across = np.column_stack([k - m, m - h, h - k])
    diagonal = (h == k) & (k == m)
    across[diagonal] = np.column_stack([h, -h, 0 * h])[diagonal]
    q = lab_from_crystal(gonio, phi, across @ crystal.real_space)
    g, e = np.cross(s1, s0), -(s1 + s0)
    lengths = np.maximum(np.linalg.norm(q, axis=1) * np.linalg.norm(g, axis=1), 1e-300)
    psi = np.degrees(np.arccos(np.clip(np.einsum("ni,ni->n", q, g) / lengths, -1, 1)))
    return np.where(np.einsum("ni,ni->n", q, e) < 0, -psi, psi)


def detector_frame(panel: Panel) -> np.ndarray:
    """(3, 3) from the laboratory to XDS's usual frame: x along the rows of the detector, y down its columns."""
    return np.array([panel.fast_axis, panel.slow_axis, np.cross(panel.fast_axis, panel.slow_axis)])


def _header(experiment: Experiment, params: ExportParams, is_scaled: bool) -> list[str]:
    panel, scan, beam, crystal = experiment.detector[0], experiment.scan, experiment.beam, experiment.crystal
    assert crystal is not None
    turn = detector_frame(panel)
    distance = float(panel.origin @ panel.normal)
    foot = -(turn @ panel.origin)[:2] / np.array(panel.pixel_size) + HALF_A_PIXEL
    template = experiment.imageset.template if experiment.imageset else ""
    axes = (turn @ experiment.goniometer.setting @ experiment.goniometer.fixed @ crystal.real_space.T).T
    return [
        f"FORMAT=XDS_ASCII    MERGE=FALSE    FRIEDEL'S_LAW={str(not params.anomalous).upper()}",
        # readers know the items by the name of CORRECT
        f"Generated by CORRECT   (written by autoproc {__version__}{'' if is_scaled else f', {UNSCALED}'})",
        f"NAME_TEMPLATE_OF_DATA_FRAMES={template.replace('#', '?').replace(chr(10), '_')}",
        f"DATA_RANGE= {scan.image_range[0]:7d} {scan.image_range[1]:7d}",
        f"ROTATION_AXIS= {_numbers(turn @ experiment.goniometer.lab_axis, '9.6f')}",
        f"OSCILLATION_RANGE= {scan.oscillation[1]:11.6f}",
        f"STARTING_ANGLE= {scan.oscillation[0]:11.4f}",
        f"STARTING_FRAME= {scan.image_range[0]:7d}",
        f"SPACE_GROUP_NUMBER= {crystal.space_group.number:5d}",
        f"UNIT_CELL_CONSTANTS= {_numbers(crystal.cell[:3], '10.4f')} {_numbers(crystal.cell[3:], '8.3f')}",
        *(f"UNIT_CELL_{name}-AXIS= {_numbers(axis, '10.4f')}" for name, axis in zip("ABC", axes, strict=True)),
        f"X-RAY_WAVELENGTH= {beam.wavelength:10.6f}",
        f"INCIDENT_BEAM_DIRECTION= {_numbers(turn @ beam.s0, '9.6f')}",
        f"FRACTION_OF_POLARIZATION= {beam.polarization_fraction:8.3f}",
        f"POLARIZATION_PLANE_NORMAL= {_numbers(turn @ beam.polarization_normal, '9.6f')}",
        f"NX= {panel.image_size[0]:5d}  NY= {panel.image_size[1]:5d}    QX= {panel.pixel_size[0]:9.6f}  "
        f"QY= {panel.pixel_size[1]:9.6f}",
        f"ORGX= {foot[0]:9.2f}  ORGY= {foot[1]:9.2f}",
        f"DETECTOR_DISTANCE= {distance:9.3f}",
        "DIRECTION_OF_DETECTOR_X-AXIS=   1.00000   0.00000   0.00000",
        "DIRECTION_OF_DETECTOR_Y-AXIS=   0.00000   1.00000   0.00000",
        "VARIANCE_MODEL=  1.000E+00  0.000E+00",
        f"NUMBER_OF_ITEMS_IN_EACH_DATA_RECORD={len(ITEMS)}",
        *(f"ITEM_{name}={number}" for number, name in enumerate(ITEMS, 1)),
        "END_OF_HEADER",
    ]


def _numbers(values: np.ndarray | tuple[float, ...], form: str) -> str:
    return " ".join(f"{value:{form}}" for value in values)
