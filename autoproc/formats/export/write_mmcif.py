"""PDBx/mmCIF files for deposition: a block of merged data with their statistics, and one of all observations.

Items as in the PDBx/mmCIF dictionary, https://mmcif.wwpdb.org/dictionaries/mmcif_pdbx_v5_next.dic/Index/.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from autoproc import __version__
from autoproc.formats.export.cif_text import pairs, rows, table
from autoproc.formats.export.export_params import ExportParams
from autoproc.formats.export.exported import Exported, one_line
from autoproc.formats.export.write_mmcif_unmerged import CELL_NAMES, unmerged_block, wavelengths_of
from autoproc.formats.export.write_shelx import cell_sigmas
from autoproc.models.experiment import Experiment, shared_cell
from autoproc.models.merged import Merged
from autoproc.models.shell_statistics import MergingStatistics, ShellStatistics

MERGED, UNMERGED = "merged", "unmerged"
"""Identifiers of the two data sections."""
SOFTWARE_NAMES = ("pdbx_ordinal", "name", "version", "type", "classification")
SOFTWARE = (
    (1, "autoproc", __version__, "package", "data reduction"),
    (2, "autoproc", __version__, "package", "data scaling"),
)


def write_mmcif(path: Path, exported: Exported, params: ExportParams) -> list[Path]:
    """Write the file; returns its path. Integrated data have a block of observations only."""
    with path.open("w", encoding="ascii") as file:
        if exported.merged is not None and exported.statistics is not None:
            file.writelines(merged_block(exported, exported.merged, exported.statistics, params))
        file.write(_head(exported, UNMERGED, params))
        file.writelines(unmerged_block(exported, params))
    return [path]


def entry_id(name: str) -> str:
    """A name of characters that identifiers may have."""
    return "".join(c if c.isalnum() and c.isascii() else "_" for c in one_line(name, 60)) or "autoproc"


def _head(exported: Exported, section: str, params: ExportParams) -> str:
    """What both blocks say of the crystal, the beam and the program."""
    name = entry_id(exported.name)
    experiments = exported.experiments
    group = next(e.crystal for e in experiments if e.crystal is not None).space_group
    wavelengths = wavelengths_of(experiments)
    parts = [
        f"data_{name}_{section}\n#\n",
        pairs("_entry.", {"id": name}),
        pairs("_audit.", {
            "revision_id": 1,
            "creation_method": f"autoproc {__version__}",
            "creation_date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        }),
        rows("_software.", SOFTWARE_NAMES, SOFTWARE[: 1 + exported.is_scaled]),
        _section(section, exported, params),
        pairs("_exptl_crystal.", {"id": 1}),
        pairs("_diffrn.", {"id": 1, "crystal_id": 1}),
        pairs("_diffrn_radiation.", {
            "diffrn_id": 1, "wavelength_id": 1, "pdbx_scattering_type": "x-ray", "pdbx_monochromatic_or_laue_m_l": "M",
        }),
        rows("_diffrn_radiation_wavelength.", ("id", "wavelength", "wt"),
             [(n, f"{w:.5f}", "1.0") for n, w in enumerate(wavelengths, 1)]),
        pairs("_diffrn_source.", {"diffrn_id": 1, "pdbx_wavelength_list": ", ".join(f"{w:.5f}" for w in wavelengths)}),
        pairs("_diffrn_detector.", {"diffrn_id": 1, "pdbx_collection_date": collection_date(experiments)}),
        pairs("_cell.", {"entry_id": name, **_cell(experiments)}),
        pairs("_symmetry.", {
            "entry_id": name, "Int_Tables_number": group.number, "space_group_name_H-M": group.hm,
        }),
    ]  # fmt: skip
    return "".join(parts)


def _section(section: str, exported: Exported, params: ExportParams) -> str:
    if params.pdb_version == "v5":
        return ""
    said = pairs("_pdbx_diffrn_data_section.", {
        "id": section,
        "type_scattering": "x-ray",
        "type_merged": str(section == MERGED).lower(),
        "type_scaled": str(exported.is_scaled).lower(),
    })  # fmt: skip
    if section == MERGED:
        parts = {"data_section_id": MERGED, "parent_data_section_id": UNMERGED}
        said += pairs("_pdbx_diffrn_data_section_index.", parts)
    return said


def collection_date(experiments: Sequence[Experiment]) -> str | None:
    """The day on which the first image was measured, 2026-11-29; None where the images do not tell."""
    known = [float(e.scan.epochs[0]) for e in experiments if e.scan.epochs is not None and len(e.scan.epochs)]
    days = [datetime.datetime.fromtimestamp(t, datetime.UTC).date() for t in known if EARLIEST < t < LATEST]
    return min(days).isoformat() if days else None


EARLIEST, LATEST = 315532800.0, 4102444800.0
"""Seconds since 1970 of 1980 and 2100: what is not between them is no date, but seconds since the first image."""


def _cell(experiments: Sequence[Experiment]) -> dict[str, str]:
    known = [e.crystal.cell_esd for e in experiments if e.crystal is not None and e.crystal.cell_esd is not None]
    cell = shared_cell(experiments)
    values = {item: f"{value:.4f}" for item, value in zip(CELL_NAMES, cell.parameters, strict=True)}
    values["volume"] = f"{cell.volume:.1f}"
    if known:
        values |= {f"{item}_esd": f"{esd:.4f}" for item, esd in zip(CELL_NAMES, cell_sigmas(known), strict=True)}
    return values


def merged_block(
    exported: Exported, merged: Merged, statistics: MergingStatistics, params: ExportParams
) -> Iterator[str]:
    """The block of merged data."""
    name = entry_id(exported.name)
    yield _head(exported, MERGED, params)
    yield pairs("_reflns.", _reflns(name, merged, statistics))
    shells = [_shell(n, shell) for n, shell in enumerate(statistics.shells, 1)]
    yield rows("_reflns_shell.", list(shells[0]), [list(shell.values()) for shell in shells])
    yield pairs("_reflns_scale.", {"group_code": 1})
    yield from table("_refln.", refln_columns(merged))


def _reflns(name: str, merged: Merged, statistics: MergingStatistics) -> dict[str, Any]:
    overall = statistics.overall
    low, high = np.min(merged.hkl, axis=0), np.max(merged.hkl, axis=0)
    sides = (("max", high), ("min", low))
    limits = {f"limit_{axis}_{side}": int(value[n]) for n, axis in enumerate("hkl") for side, value in sides}
    return {
        "entry_id": name,
        "pdbx_ordinal": 1,
        "pdbx_diffrn_id": 1,
        "B_iso_Wilson_estimate": merged.wilson_b,
        "d_resolution_high": round(overall.d_min, 3),
        "d_resolution_low": round(overall.d_max, 3),
        **limits,
        "number_all": len(merged),
        "number_obs": len(merged),
        "observed_criterion_sigma_I": None,
        "percent_possible_obs": _percentage(overall.completeness),
        "pdbx_number_measured_all": overall.n_observations,
        "pdbx_redundancy": overall.multiplicity,
        "pdbx_netI_over_sigmaI": overall.i_over_sigma,
        "pdbx_Rmerge_I_obs": overall.r_merge,
        "pdbx_Rrim_I_all": overall.r_meas,
        "pdbx_Rpim_I_all": overall.r_pim,
        "pdbx_Rmerge_I_anomalous": overall.r_merge_anom,
        "pdbx_Rrim_I_all_anomalous": overall.r_meas_anom,
        "pdbx_Rpim_I_all_anomalous": overall.r_pim_anom,
        "pdbx_CC_half": overall.cc_half,
        "pdbx_CC_half_anomalous": overall.cc_anom,
        "pdbx_percent_possible_anomalous": _percentage(overall.anomalous_completeness),
        "pdbx_redundancy_anomalous": overall.anomalous_multiplicity,
        "pdbx_absDiff_over_sigma_anomalous": statistics.di_over_sigma_di,
        "pdbx_CC_split_method": "by_observation",
    }


def _shell(number: int, shell: ShellStatistics) -> dict[str, Any]:
    return {
        "pdbx_ordinal": number,
        "pdbx_diffrn_id": 1,
        "d_res_high": round(shell.d_min, 3),
        "d_res_low": round(shell.d_max, 3),
        "number_measured_all": shell.n_observations,
        "number_unique_all": shell.n_unique,
        "number_unique_obs": shell.n_unique,
        "percent_possible_all": _percentage(shell.completeness),
        "percent_possible_obs": _percentage(shell.completeness),
        "pdbx_redundancy": shell.multiplicity,
        "meanI_over_sigI_obs": shell.i_over_sigma,
        "pdbx_netI_over_sigmaI_obs": shell.i_over_sigma,
        "Rmerge_I_obs": shell.r_merge,
        "pdbx_Rrim_I_all": shell.r_meas,
        "pdbx_Rpim_I_all": shell.r_pim,
        "pdbx_CC_half": shell.cc_half,
        "pdbx_CC_half_anomalous": shell.cc_anom,
        "pdbx_percent_possible_anomalous": _percentage(shell.anomalous_completeness),
        "pdbx_redundancy_anomalous": shell.anomalous_multiplicity,
    }


def _percentage(value: float) -> float:
    """Rounded, so that 100 is not less."""
    return round(value, 2)


def refln_columns(merged: Merged) -> dict[str, tuple[np.ndarray, str]]:
    """Columns of _refln by item, with formats; what was not measured is NaN."""
    m = merged
    ones = np.ones(len(m), np.int64)
    with np.errstate(invalid="ignore"):
        difference = np.where(m.is_centric, np.nan, m.amplitude_plus - m.amplitude_minus)
    sigma = np.where(np.isfinite(difference), np.hypot(m.sigma_amplitude_plus, m.sigma_amplitude_minus), np.nan)
    measured = {
        "F_meas_au": m.amplitude,
        "F_meas_sigma_au": m.sigma_amplitude,
        "pdbx_F_plus": m.amplitude_plus,
        "pdbx_F_plus_sigma": m.sigma_amplitude_plus,
        "pdbx_F_minus": m.amplitude_minus,
        "pdbx_F_minus_sigma": m.sigma_amplitude_minus,
        "pdbx_anom_difference": difference,
        "pdbx_anom_difference_sigma": sigma,
        "intensity_meas": m.intensity,
        "intensity_sigma": m.sigma,
        "pdbx_I_plus": m.intensity_plus,
        "pdbx_I_plus_sigma": m.sigma_plus,
        "pdbx_I_minus": m.intensity_minus,
        "pdbx_I_minus_sigma": m.sigma_minus,
    }
    return {
        "crystal_id": (ones, "d"),
        "wavelength_id": (ones, "d"),
        "scale_group_code": (ones, "d"),
        **{f"index_{axis}": (m.hkl[:, n], "d") for n, axis in enumerate("hkl")},
        "status": (np.where(m.free_r == 0, "f", "o"), "s"),
        "pdbx_r_free_flag": (m.free_r, "d"),
        **{item: (values, ".7g") for item, values in measured.items()},
    }
