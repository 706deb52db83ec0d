"""The record for a facility's database."""

from __future__ import annotations

from autoproc.reports.ispyb import RANGES, STATISTICS, ispyb_record

RANGE = {key: float(n) for n, key in enumerate(STATISTICS.values())}
SUMMARY = {
    "autoproc_version": "1", "status": "processed", "space_group": "P 1", "unit_cell": [1, 2, 3, 80, 90, 100],
    "d_min": 1.5, "warnings": ["w"], "merging_statistics": {"overall": RANGE, "inner": RANGE, "outer": RANGE},
}  # fmt: skip


def test_every_statistic_of_every_range_stands_under_its_column():
    rows = ispyb_record(SUMMARY, "/out/x")["AutoProcScalingContainer"]["AutoProcScalingStatistics"]
    assert [row["scalingStatisticsType"] for row in rows] == list(RANGES.values())
    for row in rows:
        assert {k: row[k] for k in STATISTICS} == {k: RANGE[v] for k, v in STATISTICS.items()}


def test_cell_and_files():
    record = ispyb_record(SUMMARY, "/out/x")
    assert record["AutoProc"]["refinedCell_b"] == 2
    assert record["AutoProc"]["refinedCell_gamma"] == 100
    names = [f["fileName"] for f in record["AutoProcProgramContainer"]["AutoProcProgramAttachment"]]
    assert names[:2] == ["merged.mtz", "unmerged.mtz"]


def test_a_failed_sweep_names_its_error_and_no_data():
    failed = {"autoproc_version": "1", "status": "failed", "error": "no spots", "merging_statistics": None}
    program = ispyb_record(failed, "/out/x")["AutoProcProgramContainer"]
    assert program["AutoProcProgram"]["processingStatus"] == 0
    assert program["AutoProcProgram"]["processingMessage"] == "no spots"
    assert not any(f["fileName"].endswith(".mtz") for f in program["AutoProcProgramAttachment"])
