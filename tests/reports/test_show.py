from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import gemmi
import numpy as np
import pytest
from models_for_tests import crystal, experiment, panel, scaled
from shared_data import shared
from simulated import simulated_sweep

from autoproc.errors import AutoprocError
from autoproc.formats.dials.expt import write_expt
from autoproc.formats.dials.refl import write_refl
from autoproc.formats.observed.mtz import write_merged_mtz, write_unmerged_mtz
from autoproc.models.experiment import Detector
from autoproc.models.reflections import Flag
from autoproc.reports.show import describe
from autoproc.reports.show_models import format_cell, format_detector, format_experiments
from autoproc.reports.show_reflections import number
from autoproc.stages.merge import MergeParams, merge


def test_experiments_show_every_model():
    text = format_experiments([experiment()])
    for words in ("wavelength: 0.9763 A", "px: (250.00,", "image range:   {1,40}", "oscillation:   {10,0.5} deg",
                  "Rotation axis:   {1,0,0}", "Space group: P 43 21 2", "/data/a visit/x_#####.cbf", "U matrix",
                  "Max resolution (at corners)", "Max resolution (inscribed)"):  # fmt: skip
        assert words in text


def test_models_that_experiments_share_are_printed_once():
    made = experiment()
    text = format_experiments([made, replace(made, crystal=crystal(seed=3))])
    assert "Detector: as in experiment 0" in text
    assert text.count("wavelength:") == 1
    assert text.count("Unit cell:") == 2


def test_a_detector_of_many_panels_is_cut_short():
    text = format_detector(Detector((panel(),) * 120), experiment().beam)
    assert "116 panels more" in text
    assert text.count("\n") < 100


def test_cells_carry_their_uncertainties():
    known = replace(crystal(), cell_esd=(0.0014, 0.002, 0.03, 0.0, 0.0, 0.0))
    assert format_cell(known).startswith("77.6000(14), 77.600(2), 37.40(3), 90.0000")
    assert format_cell(replace(known, cell_esd=(np.nan,) * 6)).startswith("77.6000, ")


def test_a_crystal_that_varies_says_by_how_much():
    made = experiment(n_images=4)
    points = np.stack([made.crystal.A * f for f in (1.0, 0.999, 0.998, 0.997, 0.996)])
    text = format_experiments([replace(made, crystal=replace(made.crystal, A_at_scan_points=points))])
    assert "A sampled at 5 scan points" in text
    assert "Average unit cell: 77.7" in text


def test_experiments_in_a_file(tmp_path: Path):
    write_expt(tmp_path / "x.expt", [experiment()])
    assert "Space group: P 43 21 2" in describe(tmp_path / "x.expt")


def test_reflections_show_columns_units_flags_and_experiments(tmp_path: Path):
    table = scaled(crystal())
    table = table.with_flag(Flag.OUTLIER_IN_SCALING, np.arange(len(table)) < 10)
    write_refl(tmp_path / "x.refl", table)
    text = describe(tmp_path / "x.refl")
    assert f"contains {len(table)} reflections" in text
    assert f"experiment 0: {len(table)} 11111111-2222-3333-4444-555555555555" in text
    assert "| outlier_in_scaling |      10 |" in text
    assert "px, px, frame" in text
    assert "overloaded" not in text
    lowest, highest = table["hkl"].min(axis=0), table["hkl"].max(axis=0)
    assert ", ".join(map(str, lowest)) in text
    assert ", ".join(map(str, highest)) in text


def test_reflections_without_rows_or_with_what_is_not_a_number(tmp_path: Path):
    table = scaled(crystal())
    write_refl(tmp_path / "none.refl", table[:0])
    assert "contains 0 reflections" in describe(tmp_path / "none.refl")
    write_refl(tmp_path / "nan.refl", table.replace(partiality=np.full(len(table), np.nan)))
    assert "nan" in describe(tmp_path / "nan.refl")


def test_spots_that_are_not_indexed_are_counted(tmp_path: Path):
    table = scaled(crystal())
    ids = np.where(np.arange(len(table)) < 7, -1, 0)
    write_refl(tmp_path / "x.refl", table.replace(experiment_id=ids))
    assert "not indexed: 7" in describe(tmp_path / "x.refl")


def test_merged_and_unmerged_mtz(tmp_path: Path):
    made = experiment()
    table = scaled(made.crystal)
    write_merged_mtz(tmp_path / "merged.mtz", merge([made], table, MergeParams()), "lyso")
    text = describe(tmp_path / "merged.mtz")
    assert "P 43 21 2 (No. 96)" in text
    assert "100.0% complete" in text
    assert "autoproc/lyso/lyso, wavelength 0.9763" in text
    assert "FreeR_flag" in text
    assert "assumed" not in text
    write_unmerged_mtz(tmp_path / "unmerged.mtz", [made], table, "lyso")
    text = describe(tmp_path / "unmerged.mtz")
    assert "Batches: 40 (1 to 40)" in text
    assert "Warning" not in text
    assert "\n\nassumed: intensities are corrected for the polarisation of the beam" in text
    content = gemmi.read_mtz_file(str(tmp_path / "unmerged.mtz"))
    content.column_with_label("M/ISYM").array[:3] = 99
    content.write_to_file(str(tmp_path / "unmerged.mtz"))
    assert "Warning: 3 records have an M/ISYM (99)" in describe(tmp_path / "unmerged.mtz")


@pytest.mark.parametrize("name", ["nothing.mtz", "nothing.cbf", "nothing.refl", "nothing.expt"])
def test_files_that_are_not_there_or_hold_something_else(tmp_path: Path, name: str):
    with pytest.raises(AutoprocError):
        describe(tmp_path / name)
    (tmp_path / name).write_bytes(b"not what the name says" * 10)
    with pytest.raises(AutoprocError):
        describe(tmp_path / name)


@pytest.mark.parametrize("file_format", ["minicbf", "nxmx"])
def test_images_and_masters_show_header_and_pixels(tmp_path_factory: pytest.TempPathFactory, file_format: str):
    written = simulated_sweep(tmp_path_factory, file_format)
    text = describe(written.start)
    assert "image_size: {250,300} px" in text
    assert "Pixels of image 1:" in text
    assert "overloaded:  0" in text


def test_numbers_are_short_and_exact_enough():
    assert [number(x) for x in (0.0, 1.0, 0.123456, 12345.678, 1e-9, 3.2e12, -77.6)] == [
        "0", "1.000", "0.1235", "12346", "1e-09", "3.2e+12", "-77.60",
    ]  # fmt: skip


def test_real_frames_are_shown():
    folder = shared("real/frames")
    text = describe(folder / "DLS_I03_smargon_0001.cbf.gz")
    assert "GON_OMEGA: 45 deg (scanned)" in text
    assert "counts:      0 to 336" in text
    assert "Max resolution (inscribed)" in text


def refusal(path: Path) -> str:
    with pytest.raises(AutoprocError) as raised:
        describe(path)
    return str(raised.value)


def test_reports_and_folders_say_where_to_look(tmp_path: Path):
    assert "autoproc run" in refusal(tmp_path)
    (tmp_path / "summary.txt").write_text("PROCESSED")
    (tmp_path / "summary.json").write_text('{"autoproc_version": "1", "sweep": "x"}')
    assert "is a folder: look at summary.txt in it" in refusal(tmp_path)
    assert "is a report for programs: look at" in refusal(tmp_path / "summary.json")
    assert "is text: open it" in refusal(tmp_path / "summary.txt")


def test_foreign_and_empty_files_are_not_called_damaged_experiments(tmp_path: Path):
    (tmp_path / "x.json").write_text("[1, 2]")
    assert "no list of experiments" in refusal(tmp_path / "x.json")
    for name in ("x.cbf", "x.mtz", "x.expt", "x.txt"):
        (tmp_path / name).write_bytes(b"")
        assert "it is empty" in refusal(tmp_path / name)


def test_experiments_of_any_name_are_shown(tmp_path: Path):
    write_expt(tmp_path / "x.json", [experiment()])
    assert "Space group: P 43 21 2" in describe(tmp_path / "x.json")


def test_a_truncated_image_shows_its_header_and_that_it_is_damaged(tmp_path_factory: pytest.TempPathFactory):
    written = simulated_sweep(tmp_path_factory)
    whole = Path(written.start).read_bytes()
    cut = tmp_path_factory.mktemp("cut") / "x_00001.cbf"
    cut.write_bytes(whole[: len(whole) // 2])
    text = describe(cut)
    assert "image_size: {250,300} px" in text
    assert "is damaged: it is truncated" in text
