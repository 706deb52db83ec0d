"""Bad paths, disks and names: a clear error, and the other sweeps go on."""

from __future__ import annotations

import errno
import json
import os
import shutil
from pathlib import Path

import pytest
from bad_input_for_tests import change_header, keep_bytes, summary_of, take_at_once
from typer.testing import CliRunner

from autoproc.cli import app


def test_no_images(tmp_path, run):
    (tmp_path / "notes.txt").write_text("no image")
    status, said, output = run(tmp_path)
    assert status == 3
    assert f"no sweep of images was found in {tmp_path}" in said
    assert "give a folder of images" in said
    assert not list(output.glob("*/*"))


@pytest.mark.parametrize("name", ["gone", "gone/x_00001.cbf", "gone_####.cbf", "gone_*.cbf"])
def test_paths_that_do_not_exist(tmp_path, run, name):
    status, said, _ = run(tmp_path / name)
    assert status == 3
    assert "gone" in said


def test_unreadable_directory(images, tmp_path, run, monkeypatch, at_once):
    files = images("good")
    (tmp_path / "images" / "private").mkdir()
    scandir = os.scandir

    def refuse(path="."):
        if Path(os.fspath(path)).name == "private":
            raise PermissionError(errno.EACCES, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    status, said, output = run(files[0].parent)
    assert status == 3
    assert f"{tmp_path}/images/private cannot be read (Permission denied)" in said
    assert "1 processed, 1 failed" in said
    assert (output / "good" / "merged.mtz").exists()


def test_the_other_sweeps_go_on(images, run):
    """One good sweep, with a space in its name, among bad ones."""
    good = images("a good one")
    images("single", 1)
    for file in images("dark", 5):
        change_header(file, rb"# Wavelength[^\r\n]*", b"#")
    for file in images("broken", 10):
        keep_bytes(file, 0.5)
    status, said, output = run(good[0].parent)
    assert status == 3
    assert "1 processed, 3 failed" in said
    states = {p.parent.name: json.loads(p.read_text())["status"] for p in output.glob("*/summary.json")}
    assert states == {"a good one": "processed", "broken": "failed", "dark": "failed", "single": "failed"}
    assert (output / "a good one" / "unmerged.mtz").exists()


def test_same_names_in_different_folders_are_kept_apart(images, tmp_path, run):
    files = images("x", 2)
    for folder in ("monday", "tuesday"):
        (tmp_path / "days" / folder).mkdir(parents=True)
        for file in files:
            shutil.copy(file, tmp_path / "days" / folder)
    status, said, output = run(tmp_path / "days")
    assert status == 3
    assert "0 processed, 2 failed" in said
    assert sorted(p.name for p in output.glob("[!.]*") if p.is_dir()) == ["monday_x", "tuesday_x"]


def test_a_failed_run_leaves_nothing_of_an_earlier_one(images, tmp_path, run, good):
    files = images("x")
    with pytest.MonkeyPatch.context() as patch:
        take_at_once(good, patch)
        assert run(files[0].parent)[0] == 0
    for file in files:
        keep_bytes(file, 0.5)
    (tmp_path / "results" / "x" / ".merged.mtz.part").write_bytes(b"of a run that was killed")
    status, _, output = run(files[0].parent, "max_damaged_fraction=0.01")
    assert status == 3
    summary_of(output / "x")
    assert sorted(p.name for p in (output / "x").rglob("*.*")) == [
        "autoproc.log", "imported.expt", "ispyb.json", "parameters.json", "plots.json", "report.html",
        "summary.json", "summary.txt",
    ]  # fmt: skip


def full_disk(*_, **__):
    raise OSError(errno.ENOSPC, "No space left on device", "/results/file")


@pytest.mark.parametrize(
    "refused",
    [
        "results.sweep_folder.write_refl",
        "processing.process_sweep.write_merged_mtz",
        "processing.process_sweep.write_unmerged_mtz",
    ],
)
def test_no_space_left(images, run, monkeypatch, refused, at_once):
    files = images("full")
    monkeypatch.setattr(f"autoproc.service.{refused}", full_disk)
    status, said, output = run(files[0].parent)
    assert status == 3
    assert summary_of(output / "full")["error_stage"] == "output"
    assert "No space left on device" in summary_of(output / "full")["error"]
    assert "make room" in said
    assert not list((output / "full").glob("*.mtz"))


def test_no_space_left_for_the_summary(images, run, monkeypatch, at_once):
    files = images("full")
    monkeypatch.setattr("autoproc.service.processing.process_sweep.write_report", full_disk)
    status, said, output = run(files[0].parent)
    assert status == 3
    assert "full: FAILED at output: No space left on device" in said
    assert not (output / "full" / "summary.json").exists()


def test_a_report_that_cannot_be_drawn_costs_nothing_else(images, run, monkeypatch, at_once):
    def wrong(*_, **__):
        raise ValueError("no such plot")

    monkeypatch.setattr("autoproc.service.processing.process_sweep.write_report", wrong)
    files = images("plain")
    status, said, output = run(files[0].parent)
    assert status == 0
    assert "the report could not be drawn: no such plot" in said
    assert json.loads((output / "plain" / "summary.json").read_text())["status"] == "processed"
    assert (output / "plain" / "stages" / "untrusted.npz").exists()


@pytest.mark.parametrize("broken", ["format_summary", "quality_checks"])
def test_a_summary_that_cannot_be_made_costs_no_data(images, run, monkeypatch, broken, at_once):
    def wrong(p, *_):
        if p is not None:
            raise ValueError("no such number")
        return ()

    module = "autoproc.reports.summary" if broken == "quality_checks" else "autoproc.service.processing.process_sweep"
    monkeypatch.setattr(f"{module}.{broken}", wrong)
    files = images("plain")
    status, _, output = run(files[0].parent)
    assert status == 0
    assert json.loads((output / "plain" / "summary.json").read_text())["status"] == "processed"
    assert "no such number" in (output / "plain" / "summary.txt").read_text()
    assert (output / "plain" / "merged.mtz").exists()


def test_a_bug_costs_one_sweep_only(images, run, monkeypatch):
    def broken(*_, **__):
        raise IndexError("index 7 is out of bounds")

    monkeypatch.setattr("autoproc.stages.pipeline.index", broken)
    files = images("one")
    images("two")
    status, said, output = run(files[0].parent)
    assert status == 3
    assert "0 processed, 2 failed" in said
    assert "unforeseen IndexError" in summary_of(output / "two")["error"]
    assert "Traceback" in (output / "two" / "autoproc.log").read_text()
    assert "Traceback" not in said


def test_output_that_is_a_file(images, tmp_path, run):
    files = images("x")
    (tmp_path / "results").write_text("in the way")
    status, said, _ = run(files[0])
    assert status == 2
    assert "results is a file's name" in said


def test_a_name_that_is_no_utf_8(images, tmp_path, run, at_once):
    """Its results have a name that everybody can read; images are found under their own."""
    files = images("plain")
    folder = tmp_path / os.fsdecode(b"caf\xe9")
    folder.mkdir()
    for file in files:
        file.rename(folder / os.fsdecode(b"od\xe9_" + file.name[-9:].encode()))
    for said_also in ("processed, 0 failed", "already processed"):
        status, said, output = run(folder)
        assert status == 0, said
        assert said_also in said
    assert json.loads((output / "od_" / "summary.json").read_text())["status"] == "processed"
    assert "could not be drawn" not in (output / ".autoproc" / "queue.log").read_text()
    assert "caf\\udce9" in (output / ".autoproc" / "queue.jsonl").read_text()
    for words in (["status"], ["status", "od_"], ["status", "--json"]):
        result = CliRunner().invoke(app, [*words, "-o", str(output)])
        assert result.exit_code == 0, result.output
        assert "od_" in result.output


@pytest.mark.parametrize("name", ["lone.cbf", "lone_00001.cbf"])
def test_one_image_that_is_damaged(images, run, name):
    """That it is alone is no news: it was to be a sweep, and did not come through."""
    (file,) = images("x", 1)
    file = file.rename(file.with_name(name))
    keep_bytes(file, 0.5)
    status, _, output = run(file.parent)
    assert status == 3
    assert f"{file} is damaged: it is truncated" in summary_of(output / "lone")["error"]


def test_odd_names(images, tmp_path, run, at_once):
    files = images("lyso #2 50% \u00e9=x")
    folder = tmp_path / "run #1 (\u03c6 = 30\u00b0)"
    files[0].parent.rename(folder)
    status, said, output = run(folder)
    assert "20 images" in said
    assert (output / "lyso #2 50% \u00e9=x" / "summary.json").exists()
    assert status == 0, said
