"""A group of two wavelengths: the headline is that of merged.mtz, each has figures of its own, and names its file."""

from __future__ import annotations

from dataclasses import replace

import gemmi
import pytest
from quiet_observer import Quiet
from wedges_for_tests import wedges_of

from autoproc.config import Config
from autoproc.engine.combination import combine_sensibly
from autoproc.reports.ispyb import ispyb_record
from autoproc.reports.report_html import report_of, report_page
from autoproc.reports.summary import format_summary, summarise
from autoproc.service.processing.process_sweep import write_data
from autoproc.stages.pipeline import Processing

PEAK, REMOTE = 0.9795, 0.9184
NAMES = ("remote_1", "peak_1", "peak_2")


@pytest.fixture(scope="module")
def processing() -> Processing:
    wedges = wedges_of("P 21 21 21", 3, 0, seed=2, degrees=(60, 80), d_min=3.5)
    experiments = [
        replace(e, beam=replace(e.beam, wavelength=wavelength))
        for e, wavelength in zip(wedges.experiments, (REMOTE, PEAK, PEAK), strict=True)
    ]
    made = Processing(experiments[0])
    combine_sensibly(made, NAMES, (experiments, wedges.reflections), Config(), Quiet())
    return made


@pytest.fixture(scope="module")
def summary(processing):
    return summarise("combined/mad", processing, None)


def test_headline_figures_are_those_of_the_merged_data(processing, summary):
    overall = summary["merging_statistics"]["overall"]
    assert overall["n_observations"] == int(processing.merged.n.sum())
    assert overall["n_unique"] == len(processing.merged)
    assert overall["n_observations"] < processing.scaled.statistics.overall.n_observations
    assert summary["wavelength"] == PEAK


def test_each_wavelength_has_its_figures_and_files(summary):
    remote, peak = summary["wavelengths"]
    assert (remote["files"], peak["files"]) == (["merged_0.9184A.mtz"], ["merged.mtz", "merged_0.9795A.mtz"])
    assert (remote["data_sets"], peak["data_sets"]) == (["remote_1"], ["peak_1", "peak_2"])
    assert peak["overall"]["n_observations"] == summary["merging_statistics"]["overall"]["n_observations"]
    assert 0 < remote["overall"]["n_observations"] < peak["overall"]["n_observations"]


def test_the_summary_says_whose_figures_these_are(processing, summary):
    text = " ".join(format_summary(summary, processing).split())
    assert "of 0.9795 A, as merged.mtz; each of the 2 wavelengths is told below" in text
    assert "0.9184 A (remote_1): " in text
    assert "; merged_0.9184A.mtz" in text
    n_observations = summary["merging_statistics"]["overall"]["n_observations"]
    assert f"Total observations {n_observations} " in text
    assert "complete with those of its wavelength above" in text


def test_the_page_has_a_table_of_wavelengths(processing, summary):
    page = report_page(summary, report_of(summary, processing))
    assert "The figures are of <b>0.9795" in page
    section = next(s for s in report_of(summary, processing).sections if s.title == "Data sets")
    wavelengths, data_sets = section.tables
    assert wavelengths.strong == 1
    assert [row[-1] for row in wavelengths.rows] == ["merged_0.9184A.mtz", "merged.mtz"]
    assert [row[2] for row in data_sets.rows] == ["0.9184", "0.9795", "0.9795"]


def test_several_wavelengths_are_nothing_to_worry_about(summary):
    assert not [warning for warning in summary["warnings"] if "wavelengths" in warning]


def test_the_database_is_told_the_wavelength_and_the_files(summary):
    record = ispyb_record(summary, "/results")
    assert record["AutoProc"]["wavelength"] == PEAK
    files = [one["fileName"] for one in record["AutoProcProgramContainer"]["AutoProcProgramAttachment"]]
    assert {"merged_0.9184A.mtz", "merged_0.9795A.mtz", "merged.mtz"} <= set(files)
    assert len(files) == len(set(files))


def test_files_name_crystal_and_wavelength(processing, tmp_path):
    write_data("combined/mad", tmp_path, processing)
    for file, wavelength in (("merged", PEAK), ("merged_0.9795A", PEAK), ("merged_0.9184A", REMOTE)):
        dataset = gemmi.read_mtz_file(str(tmp_path / f"{file}.mtz")).dataset(1)
        assert dataset.wavelength == pytest.approx(wavelength)
        assert (dataset.crystal_name, dataset.dataset_name) == ("combined_mad", f"combined_mad_{wavelength:.4f}A")
