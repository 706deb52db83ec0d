"""autoproc run: from images to merged intensities, whatever the format and the number of threads."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import gemmi
import numpy as np
import pytest
from forked_workers import no_new_programs
from simulated import simulated_sweep
from typer.testing import CliRunner

from autoproc import kernels
from autoproc.cli import app

CELL = (37.0, 43.0, 49.0, 90.0, 90.0, 90.0)
FEW = {"n_images": 20, "d_min": 2.4}
TREE = Path(kernels.__file__).parents[2]
"""Where the package that is tested lies, installed or not."""
RANGE_KEYS = {
    "d_max": float, "d_min": float, "completeness": float, "multiplicity": float, "i_over_sigma": float,
    "r_merge": float, "r_meas": float, "r_pim": float, "cc_half": float, "anomalous_completeness": float,
    "anomalous_multiplicity": float, "cc_anom": float, "cc_anom_significant": bool,
    "n_observations": int, "n_unique": int,
}  # fmt: skip


def invoke(*arguments):
    with no_new_programs():
        result = CliRunner().invoke(app, ["run", *map(str, arguments)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def autoproc(*arguments, **keywords):
    """The command itself, in a process of its own."""
    environment = os.environ | {"PYTHONPATH": str(TREE), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "autoproc", *map(str, arguments)]
    return subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **keywords
    )


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    return simulated_sweep(tmp_path_factory, **FEW)


@pytest.fixture(scope="module")
def processed(images, tmp_path_factory):
    """The folder of the sweep, processed on one thread; and what was printed."""
    output = tmp_path_factory.mktemp("results of one thread")
    result = invoke(images.start.parent, "--output", output, "--threads", 1, "--once")
    assert result.exit_code == 0, result.output
    return output / "small", result.output


@pytest.fixture(scope="module")
def summary(processed):
    return json.loads((processed[0] / "summary.json").read_text())


def correlation_with_truth(merged: Path, truth_file: Path) -> float:
    mtz = gemmi.read_mtz_file(str(merged))
    with np.load(truth_file) as truth:
        true = dict(zip(map(tuple, truth["hkl"].tolist()), 0.5 * (truth["ip"] + truth["im"]), strict=True))
    mean = mtz.column_with_label("IMEAN").array
    pairs = [(true[h], i) for h, i in zip(map(tuple, mtz.make_miller_array().tolist()), mean, strict=True) if h in true]
    assert len(pairs) > 0.9 * len(mean)
    return float(np.corrcoef(np.array(pairs).T)[0, 1])


def test_the_result_is_the_truth(processed, images, summary):
    folder, _ = processed
    assert summary["status"] == "processed"
    np.testing.assert_allclose(summary["unit_cell"], CELL, rtol=2e-3)
    assert summary["laue_group"] == "P m m m"
    assert summary["space_group"] == "P 21 21 21"
    assert summary["fraction_indexed"] > 0.95
    assert summary["d_min"] == pytest.approx(2.4, abs=0.07)
    assert correlation_with_truth(folder / "merged.mtz", images.truth) > 0.98


def test_the_folder_is_complete(processed):
    folder, _ = processed
    names = sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())
    stages = ["imported", "strong", "indexed", "refined", "integrated", "symmetrized", "scaled"]
    expected = [
        "autoproc.log",
        "ispyb.json",
        "merged.mtz",
        "parameters.json",
        "plots.json",
        "report.html",
        "summary.json",
        "summary.txt",
        "unmerged.mtz",
    ]
    expected += [f"stages/{s}.expt" for s in stages] + [f"stages/{s}.refl" for s in stages[1:]]
    expected += ["stages/untrusted.npz", "stages/profiles.npz"]
    assert names == sorted(expected)


def test_what_is_printed_is_short(processed):
    folder, said = processed
    assert "1 processed, 0 failed" in said
    assert str(folder / "merged.mtz") in said.replace("\n", "")
    assert len(said.splitlines()) < 12


def test_the_log_holds_every_table(processed):
    log = (processed[0] / "autoproc.log").read_text()
    for words in (
        "num images: 20", "Histogram of per-image spot count", "% indexed", "RMSDs by experiment", "I/sig prf",
        "Laue group probability", "Summary of merging statistics", "CC1/2", "Free-R test set",
    ):  # fmt: skip
        assert words in log, words


def test_summary_json_has_every_key(summary):
    """Every key that programs rely on, of the right type."""
    types = {
        "sweep": str, "status": str, "error": type(None), "space_group": str, "laue_group": str, "unit_cell": list,
        "n_lattices": int, "n_images": int, "n_spots": int, "fraction_indexed": float, "rmsd": dict, "d_min": float,
        "isa": float, "wilson_b": float, "merging_statistics": dict, "warnings": list, "timings": dict,
    }  # fmt: skip
    assert {key: type(summary[key]) for key in types} == types
    assert summary["sweep"] == "small"
    assert [type(x) for x in summary["unit_cell"]] == [float] * 6
    assert {key: type(value) for key, value in summary["rmsd"].items()} == dict.fromkeys(
        ("x_px", "y_px", "z_images"), float
    )
    for name in ("overall", "inner", "outer"):
        statistics = summary["merging_statistics"][name]
        types = {key: type(statistics[key]) for key in RANGE_KEYS}
        if statistics["cc_anom"] is None:  # too few pairs to tell
            types["cc_anom"] = float
        assert types == RANGE_KEYS, name
    assert all(isinstance(w, str) for w in summary["warnings"])
    assert all(isinstance(s, float) and s >= 0 for s in summary["timings"].values())
    assert {"find_spots", "index", "refine", "integrate", "symmetry", "scale", "merge"} <= set(summary["timings"])


def test_summary_json_of_a_failure_has_the_same_keys(summary, tmp_path, tmp_path_factory):
    blank = simulated_sweep(tmp_path_factory, n_images=6, strength=0.0, hot_pixels=0)
    assert invoke(blank.start, "-o", tmp_path).exit_code == 3
    failed = json.loads((tmp_path / "small" / "summary.json").read_text())
    assert set(failed) == set(summary)
    assert (failed["status"], failed["n_images"], failed["n_spots"]) == ("failed", 6, 0)
    assert isinstance(failed["error"], str)
    for key in ("space_group", "unit_cell", "rmsd", "d_min", "isa", "merging_statistics"):
        assert failed[key] is None


def test_what_a_program_has_left_that_is_gone_is_removed_by_any_run(tmp_path, tmp_path_factory):
    blank = simulated_sweep(tmp_path_factory, n_images=6, strength=0.0, hot_pixels=0)
    (tmp_path / ".autoproc" / "ahead" / "gone" / "key").mkdir(parents=True)
    assert invoke(blank.start, "-o", tmp_path, "--once").exit_code == 3
    assert list((tmp_path / ".autoproc" / "ahead").iterdir()) == []


def test_same_bytes_on_two_threads(processed, images, tmp_path):
    """And so in a second run, into a folder that holds the results of another one."""
    folder, _ = processed
    for name in ("merged.mtz", "unmerged.mtz"):
        (tmp_path / "small").mkdir(exist_ok=True)
        (tmp_path / "small" / name).write_bytes(b"of another run")
    assert invoke(images.start, "-o", tmp_path, "-j", 2).exit_code == 0
    for name in ("merged.mtz", "unmerged.mtz", "stages/integrated.refl", "stages/scaled.refl"):
        assert (tmp_path / "small" / name).read_bytes() == (folder / name).read_bytes(), name


def test_nxmx_gives_the_same_intensities(processed, images, tmp_path, tmp_path_factory):
    written = simulated_sweep(tmp_path_factory, file_format="nxmx", **FEW)
    result = invoke(written.start, "-o", tmp_path, "-j", 1)
    assert result.exit_code == 0, result.output
    assert correlation_with_truth(tmp_path / "small" / "merged.mtz", written.truth) > 0.98
    here, there = (gemmi.read_mtz_file(str(f / "merged.mtz")) for f in (tmp_path / "small", processed[0]))
    np.testing.assert_allclose(here.cell.parameters, there.cell.parameters, rtol=1e-4)
    assert abs(here.nreflections - there.nreflections) < 0.02 * there.nreflections


def test_known_symmetry_and_resolution_are_obeyed(images, tmp_path):
    given = ("scale.d_min=3.0", "symmetry.space_group=P 2 2 2", "decisions.enabled=false")
    result = invoke(images.start, "-o", tmp_path, "-j", 1, *given)
    assert result.exit_code == 0, result.output
    mtz = gemmi.read_mtz_file(str(tmp_path / "small" / "merged.mtz"))
    assert mtz.resolution_high() == pytest.approx(3.0, abs=0.02)
    assert mtz.spacegroup.hm == "P 2 2 2"


def test_parameters_from_a_file(images, tmp_path):
    (tmp_path / "beamline.toml").write_text("[import_sweep]\nimage_range = [1, 3]\n[find_spots]\nmin_spot_size = 900\n")
    result = invoke(images.start, "-o", tmp_path, "-c", tmp_path / "beamline.toml")
    assert result.exit_code == 3
    summary = json.loads((tmp_path / "small" / "summary.json").read_text())
    assert (summary["n_images"], summary["error"]) == (3, "no spots were found on 3 images")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "Missing argument"),
        (["scale.d_min=2"], "no path of images was given"),
        (["IMAGES", "max_latices=2"], "did you mean index.max_lattices"),
        (["IMAGES", "scale.d_mim=2"], "did you mean scale.d_min"),
        (["IMAGES", "scal.d_min=2"], "did you mean scale"),
        (["IMAGES", "wavelength=blue"], "import_sweep.wavelength=blue is not possible"),
        (["IMAGES", "--thread=2"], "--thread"),
        (["IMAGES", "--threads", "0"], "--threads"),
        (["IMAGES", "-c", "gone.toml"], "gone.toml cannot be read"),
    ],
)
def test_wrong_usage_leaves_with_2(images, tmp_path, arguments, said):
    output = tmp_path / "results"
    result = CliRunner().invoke(
        app, ["run", "-o", str(output), *[a.replace("IMAGES", str(images.start)) for a in arguments]]
    )
    assert result.exit_code == 2
    assert said in " ".join(result.output.split())
    assert not output.exists()


def test_no_arguments_are_wrong_usage():
    result = CliRunner().invoke(app, [])
    assert result.exit_code == 2
    assert "autoproc run PATH" in result.output


def test_ctrl_c_leaves_quietly(images, tmp_path):
    """With the status of shells, without a traceback, and without a result that is none."""
    for attempt in range(5):
        # On a busy machine the run may end before the signal reaches it; then it is tried anew.
        folder = tmp_path / str(attempt)
        running = autoproc("run", images.start, "-o", folder)
        deadline = time.monotonic() + 60
        while not list(folder.glob(".autoproc/work/small.*/autoproc.log")) and time.monotonic() < deadline:
            time.sleep(0.02)
        running.send_signal(signal.SIGINT)
        printed, errors = running.communicate(timeout=60)
        if running.returncode != 0:
            break
    assert running.returncode == 130
    assert "Traceback" not in printed + errors
    assert "stopped" in errors
    assert not (folder / "small" / "summary.json").exists()
    assert not (folder / "small" / "merged.mtz").exists()


def test_help_loads_no_stage():
    """Help comes at once: neither numpy nor a stage is loaded for it."""
    code = (
        "import sys\nfrom typer.testing import CliRunner\nfrom autoproc.cli import app\n"
        "for words in (['--help'], ['run', '--help'], ['index', '--help'], ['--version']):\n"
        "    assert CliRunner().invoke(app, words).exit_code == 0\n"
        "print(sorted({'numpy', 'scipy', 'h5py', 'matplotlib', 'gemmi'} & set(sys.modules)))"
    )
    environment = os.environ | {"PYTHONPATH": str(TREE)}
    printed = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert printed.stdout.strip() == "[]"


def test_run_begins_without_what_stages_work_with():
    """The program hands sweeps to workers: what it loads itself, every sweep at the beginning waits for."""
    code = "import sys, autoproc.commands.run\nprint(sorted({'scipy', 'matplotlib', 'fabio'} & set(sys.modules)))"
    environment = os.environ | {"PYTHONPATH": str(TREE)}
    printed = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert printed.stdout.strip() == "[]"
