"""ispyb.json: a sweep's results under the names of the ISPyB database's tables, for a facility to load."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

STATISTICS = {
    "resolutionLimitLow": "d_max", "resolutionLimitHigh": "d_min", "rMerge": "r_merge", "rMeasAllIPlusIMinus": "r_meas",
    "rPimAllIPlusIMinus": "r_pim", "completeness": "completeness", "multiplicity": "multiplicity",
    "meanIOverSigI": "i_over_sigma", "ccHalf": "cc_half", "ccAnomalous": "cc_anom",
    "anomalousCompleteness": "anomalous_completeness", "anomalousMultiplicity": "anomalous_multiplicity",
    "nTotalObservations": "n_observations", "nTotalUniqueObservations": "n_unique",
}  # fmt: skip
"""Column of AutoProcScalingStatistics, and the key of our statistics."""
RANGES = {"overall": "overall", "inner": "innerShell", "outer": "outerShell"}
ATTACHMENTS = (
    ("merged.mtz", "Result"), ("unmerged.mtz", "Result"), ("summary.json", "Result"), ("report.html", "Log"),
    ("summary.txt", "Log"), ("autoproc.log", "Log"),
)  # fmt: skip
AXES = ("a", "b", "c", "alpha", "beta", "gamma")


def ispyb_record(summary: Mapping[str, Any], folder: str) -> dict[str, Any]:
    """What an AutoProcContainer holds.

    summary : what summary.json holds; folder : of the results, an absolute path
    """
    cell = summary.get("unit_cell") or [None] * 6
    is_processed = summary["status"] == "processed"
    scaling = {
        "AutoProcScaling": {"resolutionLimitHigh": summary.get("d_min")},
        "AutoProcScalingStatistics": _statistics(summary.get("merging_statistics") or {}),
        "AutoProcIntegrationContainer": {
            "AutoProcIntegration": {f"cell_{axis}": value for axis, value in zip(AXES, cell, strict=True)}
        },
    }
    apart = [file for one in summary.get("wavelengths") or () for file in one["files"] if file != "merged.mtz"]
    attached = (*ATTACHMENTS, *((file, "Result") for file in apart)) if is_processed else ATTACHMENTS[2:]
    return {
        "AutoProc": {
            "spaceGroup": summary.get("space_group"),
            "wavelength": summary.get("wavelength"),
            **{f"refinedCell_{axis}": value for axis, value in zip(AXES, cell, strict=True)},
        },
        "AutoProcScalingContainer": scaling,
        "AutoProcProgramContainer": {
            "AutoProcProgram": {
                "processingPrograms": f"autoproc {summary['autoproc_version']}",
                "processingStatus": int(is_processed),
                "processingMessage": "processing successful" if is_processed else summary.get("error"),
                "processingWarnings": list(summary.get("warnings") or ()),
            },
            "AutoProcProgramAttachment": [
                {"fileType": kind, "fileName": name, "filePath": folder} for name, kind in attached
            ],
        },
    }


def _statistics(ranges: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """One row for all, the inner and the outer shell; anomalous : 0, statistics are over I(+) and I(-) together."""
    return [
        {"scalingStatisticsType": kind, "anomalous": 0, **{name: ranges[key].get(k) for name, k in STATISTICS.items()}}
        for key, kind in RANGES.items()
        if key in ranges
    ]
