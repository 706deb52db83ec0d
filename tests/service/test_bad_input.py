"""Bad input: a clear error, exit status 3, a folder that says why, and the other sweeps go on."""

from __future__ import annotations

import errno
import html
import json
import os
import re
import shutil
from pathlib import Path

import pytest
from forked_workers import no_new_programs
from processed import Silent
from simulated import simulated_sweep
from typer.testing import CliRunner

from autoproc.cli import app
from autoproc.config import Config, with_command_line
from autoproc.engine.plan import process_sensibly
from autoproc.stages.import_sweep import import_sweeps
from autoproc.stages.pipeline import Processing

FEW = {"n_images": 20, "d_min": 2.6, "hot_pixels": 0}


@pytest.fixture
def images(tmp_path, tmp_path_factory):
    """A copy of a good sweep of 20 images: images("name") gives its files, images("name", n) the first n."""

    def copied(name: str, n: int | None = None, **overrides) -> list[Path]:
        written = simulated_sweep(tmp_path_factory, **(FEW | overrides))
        folder = tmp_path / "images"
        folder.mkdir(exist_ok=True)
        return [Path(shutil.copy(f, folder / f.name.replace("small", name))) for f in written.images[:n]]

    return copied


@pytest.fixture
def master(tmp_path, tmp_path_factory):
    """A copy of a good NXmx sweep, its master file."""
    written = simulated_sweep(tmp_path_factory, file_format="nxmx", **FEW)
    folder = tmp_path / "images"
    shutil.copytree(written.start.parent, folder)
    return folder / written.start.name


@pytest.fixture
def run(tmp_path):
    """Run `autoproc run` on paths; gives the exit status, what was printed, and the folder of results."""

    def invoke(*arguments) -> tuple[int, str, Path]:
        output = tmp_path / "results"
        command = ["run", "--once", *map(str, arguments), "--output", str(output), "--threads", "1"]
        with no_new_programs():
            result = CliRunner().invoke(app, command)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result.exit_code, " ".join(result.output.split()), output

    return invoke


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    """A sweep of 20 images, processed; not through a folder."""
    written = simulated_sweep(tmp_path_factory, **FEW)
    (sweep,) = import_sweeps([written.start.parent]).experiments
    processing = Processing(sweep.experiment)
    process_sensibly(processing, with_command_line(Config(), {"run.n_threads": "1"}), Silent())
    return processing


@pytest.fixture
def at_once(good, monkeypatch):
    """Every sweep has this result at once: for what happens before and after the stages."""
    take_at_once(good, monkeypatch)


def take_at_once(good, patch):
    """In place of the stages."""

    def process(processing, config, observer):
        for name in good.__slots__:
            if name not in ("experiment", "warnings"):
                setattr(processing, name, getattr(good, name))
        processing.timings, processing.decisions = dict(good.timings), list(good.decisions)
        observer.keep("scaled", good.scaled.experiments, good.scaled.reflections)

    patch.setattr("autoproc.service.processing.process_sweep.process_sensibly", process)


def summary_of(folder: Path) -> dict:
    """summary.json of a failed sweep, checked against what a person finds beside it."""
    summary = json.loads((folder / "summary.json").read_text())
    text = " ".join((folder / "summary.txt").read_text().split())
    assert summary["status"] == "failed"
    assert "FAILED" in text
    assert " ".join(summary["error"].split()) in text
    assert summary["error_hint"]
    assert summary["error"].split()[-1] in html.unescape((folder / "report.html").read_text())
    assert not (folder / "merged.mtz").exists()
    assert not list(folder.glob(".*part"))
    return summary


def warnings_of(folder: Path, words: str) -> list[str]:
    """Those in summary.json that hold some words."""
    return [w for w in json.loads((folder / "summary.json").read_text())["warnings"] if words in w]


def keep_bytes(path: Path, fraction: float) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: int(fraction * len(content))])


def change_header(path: Path, pattern: bytes, replacement: bytes) -> None:
    content = path.read_bytes()
    changed, n = re.subn(pattern, replacement, content, count=1)
    assert n == 1
    path.write_bytes(changed)


def test_first_image_truncated(images, run):
    """Nothing is lost: a sweep is processed without the few images that are damaged."""
    files = images("cut")
    keep_bytes(files[0], 0.5)
    status, said, output = run(files[0].parent)
    assert status == 0, said
    (warning,) = warnings_of(output / "cut", "left out")
    assert "image 1 left out" in warning
    assert "cut_00001.cbf is damaged: it is truncated" in warning


def test_first_image_empty(images, run):
    files = images("cut")
    files[0].write_bytes(b"")
    status, said, output = run(files[0].parent)
    assert status == 0, said
    assert json.loads((output / "cut" / "summary.json").read_text())["n_images"] == 19
    assert warnings_of(output / "cut", "cut_00001.cbf is damaged: it is empty")


def test_truncated_image_in_the_middle(images, run):
    files = images("cut")
    keep_bytes(files[9], 0.6)
    status, said, output = run(files[0].parent)
    assert status == 0, said
    assert warnings_of(output / "cut", "image 10 left out")
    assert json.loads((output / "cut" / "summary.json").read_text())["laue_group"] == "P m m m"


def test_truncated_image_where_none_is_forgiven(images, run):
    files = images("cut")
    keep_bytes(files[9], 0.6)
    status, said, output = run(files[0].parent, "max_damaged_fraction=0")
    assert status == 3
    summary = summary_of(output / "cut")
    assert summary["error_stage"] == "find_spots"
    assert f"{files[9]} is damaged: it is truncated" in summary["error"]
    assert "image_range" in summary["error_hint"]
    assert "cut_00010.cbf is damaged" in said


def test_many_truncated_images(images, run):
    files = images("cut")
    for file in files[8:14]:
        keep_bytes(file, 0.6)
    status, _, output = run(files[0].parent)
    assert status == 3
    summary = summary_of(output / "cut")
    assert re.search(r"2 of the first \d+ images read cannot be used.*cut_00009.cbf", summary["error"])
    assert "import_sweep.image_range=FIRST,LAST" in summary["error_hint"]


def test_image_range_leaves_damaged_images_out(images, run):
    files = images("cut")
    for file in files[15:]:
        keep_bytes(file, 0.6)
    status, said, output = run(files[0].parent, "image_range=1,15")
    assert status == 0, said
    assert json.loads((output / "cut" / "summary.json").read_text())["n_images"] == 15


def test_excluded_images_are_left_out(images, run):
    """However many and however damaged they are."""
    files = images("cut")
    for file in files[8:11]:
        keep_bytes(file, 0.6)
    status, said, output = run(files[0].parent, "exclude_images=9-11")
    assert status == 0, said
    summary = json.loads((output / "cut" / "summary.json").read_text())
    assert "3 images left out as exclude_images says: 9-11" in summary["warnings"]
    assert not any("damaged" in warning or "hardly any spots" in warning for warning in summary["warnings"])
    assert "17 of 20 (1 to 20)" in (output / "cut" / "summary.txt").read_text()


def test_wrong_byte_count(images, run):
    files = images("count")
    for file in files:
        change_header(file, rb"X-Binary-Size: \d+", b"X-Binary-Size: 12345")
    status, _, output = run(files[0].parent)
    assert status == 3
    assert re.search(r"count_00001.cbf is damaged: .*pixels take 12345 bytes", summary_of(output / "count")["error"])


@pytest.mark.parametrize(
    ("pattern", "replacement", "field", "override"),
    [
        (rb"# Wavelength[^\r\n]*", b"#", "wavelength is missing", "wavelength=0.9795"),
        (rb"# Wavelength[^\r\n]*", b"# Wavelength none A", "wavelength is 'none A', which is no number", "wavelength="),
        (rb"# Wavelength[^\r\n]*", b"# Wavelength 976.3 A", "wavelength is 976.3 A", "wavelength="),
        (rb"# Detector_distance[^\r\n]*", b"#", "detector distance is missing", "distance=200"),
        (rb"# Detector_distance[^\r\n]*", b"# Detector_distance 0 m", "detector distance is 0 mm", "distance=200"),
    ],
)
def test_header_without_a_usable_value(images, run, pattern, replacement, field, override):
    files = images("header", 5)
    for file in files:
        change_header(file, pattern, replacement)
    status, said, output = run(files[0].parent)
    assert status == 3
    summary = summary_of(output / "header")
    assert summary["error_stage"] == "import"
    assert f"{files[0]}: the header's {field}" in summary["error"]
    assert override in summary["error_hint"]
    assert override in said


def test_one_image(images, run):
    files = images("single", 1)
    status, _, output = run(files[0].parent)
    assert status == 3
    assert "a single image (number 1) is not a sweep" in summary_of(output / "single")["error"]


def test_stills(images, run):
    files = images("still", n_images=5, width=0.0)
    status, _, output = run(files[0])
    assert status == 3
    summary = summary_of(output / "still")
    assert "stills" in summary["error"]
    assert "oscillation=start,width" in summary["error"]


def test_blank_sweep(images, run):
    files = images("blank", n_images=6, strength=0.0)
    status, _, output = run(files[0].parent)
    assert status == 3
    summary = summary_of(output / "blank")
    assert summary["error"] == "no spots were found on 6 images"
    assert (output / "blank" / "stages" / "imported.expt").exists()


def test_only_ice(images, run):
    files = images("ice", strength=0.0, ice=3.0, ice_spots=30.0)
    status, said, output = run(files[0].parent, "decisions.indexing=false")
    assert status == 3
    summary = summary_of(output / "ice")
    assert summary["error_stage"] == "index"
    assert summary["n_spots"] > 100
    assert "the crystal is iced" in summary["warnings"][0]
    assert "the crystal is iced" in said
    assert (output / "ice" / "stages" / "strong.refl").exists()


@pytest.mark.parametrize(("n_images", "strength", "stage"), [(3, 1.0, "index"), (4, 3.0, "refine")])
def test_too_few_spots(images, run, n_images, strength, stage):
    files = images("few", n_images=n_images, strength=strength)
    status, _, output = run(files[0].parent)
    assert status == 3
    summary = summary_of(output / "few")
    assert 0 < summary["n_spots"] < 45
    assert summary["error_stage"] == stage
    assert "too few" in summary["error"]


def test_data_file_in_place_of_its_master(master, run):
    data = master.with_name("small_data_000001.h5")
    status, said, output = run(data)
    assert status == 3
    summary = summary_of(output / "small_data_000001")
    assert f"{data} holds images but no description of the experiment" in summary["error"]
    assert "small_master.h5" in summary["error_hint"]
    assert "small_master.h5" in said


def test_master_without_its_data_files(master, run):
    master.with_name("small_data_000001.h5").unlink()
    status, _, output = run(master)
    assert status == 3
    summary = summary_of(output / "small")
    assert "small_data_000001.h5, which is missing" in summary["error"]
    assert "copy the data files beside their master" in summary["error_hint"]


def test_truncated_data_file(master, run):
    keep_bytes(master.with_name("small_data_000001.h5"), 0.5)
    status, _, output = run(master)
    assert status == 3
    assert re.search(r"small_(master|data_000001).h5", summary_of(output / "small")["error"])


def test_missing_filter_plugin(master, run, monkeypatch):
    import h5py

    monkeypatch.setattr(h5py.h5z, "filter_avail", lambda code: False)
    status, _, output = run(master)
    assert status == 3
    summary = summary_of(output / "small")
    assert "compressed by HDF5 filter" in summary["error"]
    assert "hdf5plugin" in summary["error_hint"]


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
    "refused", ["sweep_folder.write_refl", "process_sweep.write_merged_mtz", "process_sweep.write_unmerged_mtz"]
)
def test_no_space_left(images, run, monkeypatch, refused, at_once):
    files = images("full")
    monkeypatch.setattr(f"autoproc.service.processing.{refused}", full_disk)
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
