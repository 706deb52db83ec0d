"""Small inputs that an earlier version got wrong: what came out then, what comes out now, and what is right."""

from __future__ import annotations

import gzip
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import gemmi
import numpy as np

from validation.programs import autoproc, dials, dials_is_installed
from validation.report import Report
from validation.truth import NotTheLattice, compare, read_truth

LYSOZYME = (77.6, 77.6, 37.4, 90.0, 90.0, 90.0)
SAME_CELL = 0.004
"""Relative difference of axes: beyond what distance and wavelength of these small sweeps leave open (0.001)."""
PATIENCE = 120.0
"""Seconds that a hostile file may take beside a good sweep, start and end of the program included."""
SECRET = "not-for-your-eyes"

Result = Mapping[str, Any]
Judge = Callable[[Path, Result], tuple[str, bool]]


@dataclass(frozen=True, slots=True)
class Input:
    """An input that make.py writes. before : what came out; right : in words; judge : of the folder and its summary."""

    folder: str
    before: str
    right: str
    judge: Judge
    variant: str = ""
    parameters: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SpotList:
    """Files of a real crystal and the step to run on them."""

    step: str
    files: tuple[str, ...]
    before: str
    right: str
    judge: Callable[[Path, int, str], tuple[str, bool]]
    parameters: tuple[str, ...] = field(default=())


def validate_cases(cases: Path, output: Path, report: Report) -> None:
    """Print the table of all cases."""
    report.section("Inputs that were read wrongly")
    _told(
        ("input", "before", "now", "right", ""),
        (_of_input(case, cases / "inputs", output / "inputs") for case in INPUTS),
        report,
    )
    report.section("Spot lists and tables of real crystals")
    _told(
        ("step", "before", "now", "right", ""),
        (_of_list(case, cases / "real", output / "real") for case in LISTS),
        report,
    )
    report.section("Hostile files beside a good sweep")
    _told(
        ("file", "before", "now", "right", ""),
        (_of_hostile(path, output / "hostile") for path in sorted((cases / "hostile").iterdir())),
        report,
    )


def _told(head: Sequence[str], rows: Iterable[Sequence[str]], report: Report) -> None:
    for row in rows:
        report.check(
            row[-1] == "ok", "  |  ".join(f"{name} {cell}".strip() for name, cell in zip(head, row[:-1], strict=False))
        )


def _of_input(case: Input, inputs: Path, output: Path) -> tuple[str, ...]:
    name = " ".join(filter(None, (case.folder, case.variant, *case.parameters)))
    folder = output / name.replace(" ", "_").replace("=", "_")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    words = [case.variant] if case.variant else []
    subprocess.run(
        [sys.executable, inputs / case.folder / "make.py", *words], cwd=folder, check=True, capture_output=True
    )
    autoproc("run", "images", "--once", "--output", "processed", *case.parameters, folder=folder)
    found = sorted((folder / "processed").glob("*/summary.json"))
    if not found:
        return name, case.before, "no result", case.right, "wrong"
    summary = json.loads(found[0].read_text())
    if summary["status"] != "processed":
        return name, case.before, f"failed: {summary['error']}"[:90], case.right, "wrong"
    now, is_right = case.judge(found[0].parent, summary)
    return name, case.before, now, case.right, "ok" if is_right else "wrong"


def _words(summary: Result) -> str:
    return f"{summary['space_group']} " + " ".join(f"{x:.2f}" for x in summary["unit_cell"])


def _cell(expected: Sequence[float], n_images: int = 40, group: str = "") -> Judge:
    """The cell in this order of axes, all images in one sweep, and the space group where one is named."""

    def judge(folder: Path, summary: Result) -> tuple[str, bool]:
        cell = summary["unit_cell"]
        close = all(abs(a / b - 1) < SAME_CELL for a, b in zip(cell, expected, strict=True))
        n_sweeps = len(list(folder.parent.glob("*/summary.json")))
        is_whole = summary["n_images"] == n_images and n_sweeps == 1
        return f"{_words(summary)}, {summary['n_images']} images in {n_sweeps}", close and is_whole and (
            not group or summary["space_group"] == group
        )

    return judge


def _truth(cc: float) -> Judge:
    """The correlation of merged with true intensities."""

    def judge(folder: Path, _: Result) -> tuple[str, bool]:
        try:
            found = compare(read_truth(folder.parents[1] / "truth.npz"), folder / "merged.mtz")
        except NotTheLattice as error:
            return str(error), False
        return f"CC with the truth {found.cc:.4f}", found.cc >= cc

    return judge


def _spots(least: int) -> Judge:
    def judge(_: Path, summary: Result) -> tuple[str, bool]:
        return f"{summary['n_spots']} spots, {_words(summary)}", summary["n_spots"] >= least

    return judge


def _batches(folder: Path, _: Result) -> tuple[str, bool]:
    numbers = [batch.number for batch in gemmi.read_mtz_file(str(folder / "unmerged.mtz")).batches]
    return f"batches {min(numbers)} to {max(numbers)}", numbers == list(range(1, 41))


def _warned(word: str) -> Judge:
    """A warning about it, no green light, and the right cell all the same."""

    def judge(folder: Path, summary: Result) -> tuple[str, bool]:
        said = [w for w in summary["warnings"] if word in w]
        verdict = summary["quality"]["verdict"]
        _, is_close = _cell(LYSOZYME)(folder, summary)
        return f"{_words(summary)}; {verdict}; {(said or ['no warning'])[0][:60]}", bool(
            said
        ) and verdict != "good" and is_close

    return judge


def _exported(folder: Path, _: Result) -> tuple[str, bool]:
    if not dials_is_installed():
        return "(needs DIALS)", True
    stages = folder / "stages"
    done = dials("dials.export", stages / "scaled.expt", stages / "scaled.refl", folder=folder)
    return (done.output.strip().splitlines() or [""])[-1][:80], done.status == 0 and (folder / "scaled.mtz").exists()


INPUTS = (
    Input("01_given_space_group_axis", "P 21 21 2 41.3 96.2 58.7", "58.7 96.2 41.3",
          _cell((58.7, 96.2, 41.3, 90, 90, 90), 60, "P 21 21 2"), "", ("symmetry.space_group=P21212",)),
    Input("01_given_space_group_axis", "P 21 21 2 41.3 96.2 58.7", "96.2 58.7 41.3 P 21 21 2",
          _cell((96.2, 58.7, 41.3, 90, 90, 90), 60, "P 21 21 2"), "",
          ("symmetry.space_group=P21212", "index.unit_cell=96.2,58.7,41.3,90,90,90", "index.space_group=P21212")),
    Input("01_given_space_group_axis", "P 21 21 2 41.3 96.2 58.7", "P 2 21 21 41.3 96.2 58.7",
          _cell((41.3, 96.2, 58.7, 90, 90, 90), 60, "P 2 21 21"), "",
          ("symmetry.space_group=P22121", "index.unit_cell=41.3,96.2,58.7,90,90,90", "index.space_group=P22121")),
    Input("01_given_space_group_axis", "P 21 21 2 41.3 96.2 58.7", "P 2 21 21 41.3 58.7 96.2",
          _cell((41.3, 58.7, 96.2, 90, 90, 90), 60, "P 2 21 21"), "", ("symmetry.space_group=P22121",)),
    Input("02_saturation_dectris", "CC 0.74", "CC 0.998", _truth(0.99)),
    Input("02_saturation_dectris", "CC 0.74", "CC 0.998", _truth(0.99), "module"),
    Input("03_pixel_mask_3d", "CC 0.18", "CC 0.9996", _truth(0.998)),
    Input("04_negative_counts", "536 to 593 spots", "about 12,952", _spots(10_000)),
    Input("04_negative_counts", "25 spots, fails", "about 12,952", _spots(10_000), "nomask"),
    Input("05_data_size_swapped", "damaged", "lysozyme", _cell(LYSOZYME)),
    Input("06_phi_scan_dectris", "stills", "lysozyme", _cell(LYSOZYME)),
    Input("07_origin_zero", "fails at index", "lysozyme", _cell(LYSOZYME)),
    *(Input("08_units", before, "lysozyme", _cell(LYSOZYME), unit) for unit, before in (
        ("nanometer", "cell 7.76 7.76 3.74"), ("pm", "refused"), ("radians", "damaged"), ("millimeters", "damaged"),
        ("micrometers", "damaged"), ("milliseconds", "damaged"))),
    Input("09_readback_angles", "fails", "lysozyme, 150 images", _cell(LYSOZYME, 150), "gap"),
    Input("09_readback_angles", "3, 18, 4, 4 images", "lysozyme, 40 images", _cell(LYSOZYME), "jitter"),
    *(Input("11_which_group", before, "lysozyme", _cell(LYSOZYME), variant) for variant, before in (
        ("detector", "distance missing"), ("data", "damaged"), ("signal", "single image"), ("channels", "damaged"))),
    *(Input("12_beamline_axes", "fails at index", "lysozyme", _cell(LYSOZYME), variant)
      for variant in ("ssrf", "ssrf18", "chess", "biomax")),
    Input("13_image_zero", "batches 0 to 39", "batches 1 to 40", _batches),
    Input("14_sensor_thickness", "77.54 37.38, not a word", "77.63 37.41, warned", _warned("thick")),
    Input("15_dials_export_scaled", "Error", "an MTZ", _exported),
)  # fmt: skip


def _of_list(case: SpotList, real: Path, output: Path) -> tuple[str, ...]:
    name = f"{case.step} {case.files[-1].split('.')[0]} {' '.join(case.parameters)}".strip()
    folder = output / name.replace(" ", "_").replace("=", "_")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for file in case.files:
        if file.endswith(".gz"):
            (folder / file[:-3]).write_bytes(gzip.decompress((real / file).read_bytes()))
        else:
            shutil.copy(real / file, folder)
    done = autoproc(case.step, *(file.removesuffix(".gz") for file in case.files), *case.parameters, folder=folder)
    now, is_right = case.judge(folder, done.status, done.output)
    return name, case.before, now, case.right, "ok" if is_right else "wrong"


def _lattices(file: Path) -> list[gemmi.UnitCell]:
    cells = []
    for crystal in json.loads(file.read_text())["crystal"]:
        a, b, c = (np.array(crystal[f"real_space_{axis}"]) for axis in "abc")
        lengths = [float(np.linalg.norm(v)) for v in (a, b, c)]
        angles = [
            float(np.degrees(np.arccos(u @ v / np.linalg.norm(u) / np.linalg.norm(v))))
            for u, v in ((b, c), (a, c), (a, b))
        ]
        cells.append(gemmi.UnitCell(*lengths, *angles))
    return cells


def _indexed(
    expected: Sequence[float], n: int, tolerance: float = 0.02
) -> Callable[[Path, int, str], tuple[str, bool]]:
    """At least n lattices, each with about the expected reduced cell: lengths relative, angles to 1.5 degrees."""

    def judge(folder: Path, status: int, text: str) -> tuple[str, bool]:
        if status or not (folder / "indexed.expt").exists():
            return f"status {status}: {(text.strip().splitlines() or [''])[-1][:70]}", False
        cells = _lattices(folder / "indexed.expt")
        right = [c for c in cells if _is_same(c.parameters, expected, tolerance)]
        shown = "; ".join(" ".join(f"{x:.2f}" for x in c.parameters) for c in cells)
        return shown, len(right) == len(cells) >= n

    return judge


def _is_same(cell: Sequence[float], expected: Sequence[float], tolerance: float) -> bool:
    lengths = zip(sorted(cell[:3]), sorted(expected[:3]), strict=True)
    angles = zip(sorted(cell[3:]), sorted(expected[3:]), strict=True)
    return all(abs(a / b - 1) < tolerance for a, b in lengths) and all(abs(a - b) < 1.5 for a, b in angles)


def _refused_or_right(folder: Path, status: int, text: str) -> tuple[str, bool]:
    now, is_right = _indexed(MYD88, 1)(folder, status, text)
    return now, is_right or status != 0


def _refined(folder: Path, status: int, text: str) -> tuple[str, bool]:
    if status:
        return (text.strip().splitlines() or [""])[-1][:80], False
    cells = _lattices(folder / "refined.expt")
    good = all(_is_same(c.parameters, (5.428, 8.141, 12.038, 90, 90, 90), 0.005) for c in cells)
    return " ".join(f"{x:.3f}" for x in cells[0].parameters), good


def _scaled_figures(text: str) -> dict[str, str]:
    """Lines of the table of merging statistics, by their first words."""
    return {line[:24].strip(): line[24:].strip() for line in text.splitlines() if line[:24].strip()}


def _hypf(_: Path, status: int, text: str) -> tuple[str, bool]:
    figures = _scaled_figures(text)
    overall = (figures.get("Rmerge(I+/-)", "nan").split() or ["nan"])[0]
    names_it = any("74" in line and "image" in line for line in text.splitlines())
    is_good = float(overall) <= 0.0435 and names_it
    return f"R(+/-) {overall}, image 74 {'named' if names_it else 'not named'}", not status and is_good


def _bhw2(_: Path, status: int, text: str) -> tuple[str, bool]:
    cells = (_scaled_figures(text).get("Rmeas(I)", "").split() or ["nan"] * 3) + ["nan"] * 3
    return f"Rmeas {cells[0]} overall, {cells[1]} in the lowest shell", not status and float(cells[1]) <= 0.103


MYD88 = (37.07, 61.5, 64.2, 107.0, 89.2, 106.6)
"""The reduced cell; its lengths are what was published, its angles what indexing on the right axis gives."""
RHOMBOHEDRAL = (90.9, 90.9, 90.9, 109.47, 109.47, 109.47)
LISTS = (
    SpotList("index", ("MXSW-904-1_SWEEP1.expt", "MXSW-904-1_SWEEP1_strong.refl"), "13.58 22.42 40.39",
             "11.72 11.73 11.74", _indexed((11.72, 11.73, 11.74, 109.1, 109.2, 109.0), 1)),
    SpotList("index", ("myd88_imported.expt", "myd88_strong.refl"), "2.43 37.5 74.1, RMSD 13 degrees",
             "refused, or 37.07 61.5 64.2", _refused_or_right, ("refine_detector=false",)),
    SpotList("index", ("myd88_right_axis.expt", "myd88_strong.refl"), "right", "37.07 61.5 64.2",
             _indexed(MYD88, 1), ("refine_detector=false",)),
    SpotList("index", ("wedge030.expt", "wedge030.refl"), "IndexError", "one of 90.9 x 3", _indexed(RHOMBOHEDRAL, 1),
             ("max_lattices=2",)),
    SpotList("index", ("wedge009.expt", "wedge009.refl"), "distorted later lattices", "four of 90.9 x 3",
             _indexed(RHOMBOHEDRAL, 4), ("max_lattices=4",)),
    SpotList("index", ("wedge014.expt", "wedge014.refl"), "91.3 148.5 148.7", "four of 90.9 x 3",
             _indexed(RHOMBOHEDRAL, 4), ("max_lattices=4",)),
    SpotList("refine", ("lcys19_joint_indexed.expt", "lcys19_joint_indexed.refl"), "refused", "5.428 8.141 12.038",
             _refined),
    SpotList("scale", ("hypf_symmetrized.expt", "hypf_symmetrized.refl.gz"), "R(+/-) 0.050", "0.043, image 74 found",
             _hypf, ("anomalous=true",)),
    SpotList("scale", ("bhw2_symmetrized.expt", "bhw2_symmetrized.refl.gz"), "B after noise",
             "lowest shell at most 0.103", _bhw2),
    SpotList("index", ("centroid_imported.expt", "centroid_strong.refl"), "39.87 42.43 42.68", "as it was",
             _indexed((39.87, 42.43, 42.68, 90, 90, 90), 1)),
)  # fmt: skip


def _of_hostile(path: Path, output: Path) -> tuple[str, ...]:
    """A visit of this file and a good sweep: the good one is processed, the program ends, and nothing leaks."""
    folder = output / path.name
    shutil.rmtree(folder, ignore_errors=True)
    visit = folder / "visit"
    visit.mkdir(parents=True)
    autoproc("simulate", "sweep", "--output", visit / "good", "n_images=20", "width=1.0", "d_min=3")
    if path.suffix == ".py":
        subprocess.run([sys.executable, path.resolve()], cwd=visit, check=True, capture_output=True)
    elif path.is_dir():
        shutil.copytree(path, visit / path.name)
    else:
        shutil.copy(path, visit)
    command = [sys.executable, "-m", "autoproc", "run", str(visit), "--once", "--output", str(folder / "processed")]
    try:
        done = subprocess.run(command, capture_output=True, timeout=PATIENCE, check=False)
    except subprocess.TimeoutExpired:
        return path.name, "stops or betrays the service", f"not done in {PATIENCE:g} s", "the others go on", "wrong"
    good = list((folder / "processed").glob("*/merged.mtz"))
    leaks = [p for p in [*(folder / "processed").rglob("*")] if p.is_file() and SECRET.encode() in p.read_bytes()]
    leaks += [Path("the terminal")] if SECRET.encode() in done.stdout + done.stderr else []
    now = f"status {done.returncode}, good sweep {'processed' if good else 'lost'}, {len(leaks)} leaks"
    is_right = bool(good) and not leaks and done.returncode in (0, 3)
    return (
        path.name,
        "stops or betrays the service",
        now,
        "the others go on, nothing leaks",
        "ok" if is_right else "wrong",
    )
