"""The measured sets of the example data."""

from __future__ import annotations

import sys
from pathlib import Path

import gemmi
import numpy as np

from autoproc.formats.dials.expt import read_expt
from autoproc.formats.dials.refl import read_refl
from autoproc.models.reflections import Flag, Reflections
from validation.programs import ROOT, Run, autoproc, dials_is_installed, run
from validation.report import Report
from validation.simulated import dials_statistics, statistics_in

PHI_SCAN_CELL = {0: 11.62, 1: 13.54, 2: 30.09, 4: 93.7}
PHI_SCAN_WITHIN = 0.003
CYSTEINE = ("unit_cell=5.49,8.20,12.15,90,90,90", "space_group=P212121")
CYSTEINE_IN_DIALS = (0.87, 0.88, 0.67, 0.80)
ZIRCONIUM = ("unit_cell=3.231,3.231,5.145,90,90,120", "space_group=P63/mmc")
ZIRCONIUM_IN_DIALS = 461
NOT_IMAGES = ("dectris_eiger_master.h5",)  # its data files are missing: nothing to compare


def validate_real(data: Path, output: Path, peer: Path | None, report: Report) -> None:
    """All of them."""
    real = data / "real"
    phi_scan(real / "phi_scan", output / "phi_scan", report)
    integrated_cysteine(real / "l_cysteine_integrated", output / "l_cysteine_integrated", peer, report)
    cysteine_frames(real / "l_cysteine_i19", output / "l_cysteine_i19", report)
    zirconium(real / "zirconium_dac", output / "zirconium_dac", report)
    frames(real / "frames", report)


def phi_scan(source: Path, output: Path, report: Report) -> None:
    """Index found spots of a phi scan of a large small molecule."""
    report.section("Real spots: phi_scan, Diamond I19")
    done = autoproc("index", source / "imported.expt", source / "strong.refl", "--output", output)
    if not succeeded(done, "index", report):
        return
    cell = read_expt(output / "indexed.expt")[0].crystal.cell
    fraction = float(read_refl(output / "indexed.refl").has_flag(Flag.INDEXED).mean())
    report.check(fraction >= 0.98, f"{100 * fraction:.1f}% of the spots indexed (DIALS 98.5%)")
    worst = max(abs(cell[n] / value - 1) for n, value in PHI_SCAN_CELL.items())
    shown = " ".join(f"{x:.3f}" for x in cell)
    report.check(worst < PHI_SCAN_WITHIN, f"cell {shown} within {100 * worst:.2f}% (DIALS 11.618 13.543 30.085, 93.72)")
    done = autoproc("refine", output / "indexed.expt", output / "indexed.refl", "--output", output)
    if succeeded(done, "refine", report):
        report.say(f"        {rmsds(output / 'refined.refl')} (DIALS 0.15 0.15 px 0.23 images)")


def integrated_cysteine(source: Path, output: Path, peer: Path | None, report: Report) -> None:
    """Symmetry and scaling of four integrated sweeps."""
    report.section("Real intensities: l_cysteine_integrated, Diamond I19")
    files = [*sorted(source.glob("*.expt")), *sorted(source.glob("*.refl"))]
    symmetry = autoproc("symmetry", *files, "--output", output)
    if not succeeded(symmetry, "symmetry", report):
        return
    group = read_expt(output / "symmetrized.expt")[0].crystal.space_group
    report.check(group.laue_str() == "mmm", f"Laue group {group.laue_str()}")
    report.check(group.xhm() == "P 21 21 21", f"space group {group.xhm()}")
    stage = [output / "symmetrized.expt", output / "symmetrized.refl"]
    scale = autoproc("scale", *stage, "d_min=0.59", "--output", output)
    if not succeeded(scale, "scale", report):
        return
    ours, theirs = statistics_in(scale.output), dials_statistics(peer / "dials.scale.log") if peer else {}
    names = [name for name in ours if name in theirs or not theirs]
    report.table(["overall, to 0.59 A", "autoproc", "DIALS"], [[n, ours[n], theirs.get(n, "")] for n in names])
    report.check(float(ours["Rmerge(I)"]) <= 0.035, f"Rmerge {ours['Rmerge(I)']}, at most 0.035")
    report.check(float(ours["CC half"]) >= 0.999, f"CC1/2 {ours['CC half']}, at least 0.999")
    done = autoproc("merge", output / "scaled.expt", output / "scaled.refl", "--output", output)
    if succeeded(done, "merge", report) and peer is not None and (peer / "merged.mtz").exists():
        report.say(f"        {agreement(output / 'merged.mtz', peer / 'merged.mtz')}")


def agreement(ours: Path, theirs: Path) -> str:
    """Correlation of merged intensities, and their differences beside sigmas."""
    tables = []
    for path in (ours, theirs):
        mtz = gemmi.read_mtz_file(str(path))
        mtz.ensure_asu()
        columns = [np.asarray(mtz.column_with_label(label).array) for label in ("IMEAN", "SIGIMEAN")]
        tables.append({tuple(h): pair for h, *pair in zip(mtz.make_miller_array().tolist(), *columns, strict=True)})
    common = sorted(tables[0].keys() & tables[1].keys())
    a, b = (np.array([table[h] for h in common]) for table in tables)
    cc = np.corrcoef(a[:, 0], b[:, 0])[0, 1]
    ratio = np.median(a[:, 1] / a[:, 0]) / np.median(b[:, 1] / b[:, 0])
    return (
        f"CC of our merged intensities with DIALS's {cc:.5f} over {len(common)} common reflections of {len(tables[0])} "
        f"and {len(tables[1])}; our relative sigmas are {ratio:.2f} of DIALS's"
    )


def cysteine_frames(source: Path, output: Path, report: Report) -> None:
    """Four short sweeps of one crystal: find spots, index them together, integrate."""
    report.section("Real frames: l_cysteine_i19, 4 sweeps x 15 frames, indexed together with the cell given")
    if not succeeded(autoproc("import", source, "--output", output), "import", report):
        return
    succeeded(autoproc("find-spots", output / "imported.expt", "--output", output), "find-spots", report)
    strong = [output / "imported.expt", output / "strong.refl"]
    if not succeeded(autoproc("index", *strong, *CYSTEINE, "--output", output), "index", report):
        return
    spots = read_refl(output / "indexed.refl")
    sweep = spots["imageset_id"] if "imageset_id" in spots else spots["experiment_id"]
    is_indexed = spots.has_flag(Flag.INDEXED)
    for number, dials in enumerate(CYSTEINE_IN_DIALS):
        here = sweep == number
        fraction = float(is_indexed[here].mean()) if here.any() else 0.0
        text = f"sweep {number + 1}: {100 * fraction:.0f}% of {here.sum()} spots (DIALS {100 * dials:.0f}%)"
        report.check(fraction >= dials - 0.05, text)
    report.say(f"        cell {_cell(output / 'indexed.expt')} (DIALS 5.493 8.200 12.147)")
    stage = "indexed"
    if succeeded(
        autoproc("refine", output / "indexed.expt", output / "indexed.refl", "--output", output), "refine", report
    ):
        stage = "refined"
        report.say(f"        {rmsds(output / 'refined.refl')}; cell {_cell(output / 'refined.expt')}")
    files = [output / f"{stage}.expt", output / f"{stage}.refl"]
    if succeeded(autoproc("integrate", *files, "--output", output), "integrate (DIALS fails here)", report):
        table = read_refl(output / "integrated.refl")
        report.say(f"        {_integrated(table)}")


def zirconium(source: Path, output: Path, report: Report) -> None:
    """Grains of zirconium between diamonds, thresholded pixels: with the cell given."""
    report.section("Real frames: zirconium_dac, two wedges, 90.5 keV, cell given")
    masters = sorted(source.glob("*.nxs"))
    if not succeeded(autoproc("import", *masters, "--output", output), "import", report):
        return
    succeeded(autoproc("find-spots", output / "imported.expt", "--output", output), "find-spots", report)
    strong = [output / "imported.expt", output / "strong.refl"]
    if not succeeded(autoproc("index", *strong, *ZIRCONIUM, "--output", output), "index", report):
        return
    spots = read_refl(output / "indexed.refl")
    n = int(spots.has_flag(Flag.INDEXED).sum())
    report.say(f"        cell {_cell(output / 'indexed.expt')}")
    report.check(
        n >= 0.9 * ZIRCONIUM_IN_DIALS,
        f"{n} of {len(spots)} spots indexed (DIALS {ZIRCONIUM_IN_DIALS} of 3182; the rest: other grains, diamond)",
    )
    done = autoproc("refine", output / "indexed.expt", output / "indexed.refl", "--output", output)
    if succeeded(done, "refine", report):
        report.say(f"        {rmsds(output / 'refined.refl')} (DIALS 0.23-0.42 px)")


def frames(folder: Path, report: Report) -> None:
    """Every real frame, read by autoproc and by DIALS."""
    report.section("Real frames: geometry and pixels as DIALS reads them")
    if not dials_is_installed():
        report.say("  (needs DIALS)")
        return
    others = sorted((folder.parent / "l_cysteine_i19").glob("*_00001.cbf.gz"))
    paths = [path for path in sorted(folder.iterdir()) if path.name not in NOT_IMAGES] + others
    done = run([sys.executable, ROOT / "scripts" / "compare_frames.py", *paths])
    report.say(done.output.rstrip())
    report.check(done.status == 0, "every frame that DIALS reads is read alike")


def succeeded(done: Run, what: str, report: Report) -> bool:
    """Say how a step went."""
    return report.check(
        done.status == 0, f"{what}: {done.seconds:.1f} s" if done.status == 0 else f"{what}: {done.error_line}"
    )


def rmsds(path: Path) -> str:
    """Observed minus predicted positions of the reflections used in refinement, from a .refl file."""
    table = read_refl(path)
    used = table.has_flag(Flag.USED_IN_REFINEMENT)
    difference = (table["xyz_cal_px"] - table["xyz_obs_px"])[used]
    x, y, z = np.sqrt(np.mean(difference**2, axis=0))
    return f"RMSD {x:.3f} {y:.3f} px {z:.3f} images over {used.sum()} spots"


def _cell(path: Path) -> str:
    return " ".join(f"{x:.3f}" for x in read_expt(path)[0].crystal.cell)


def _integrated(table: Reflections) -> str:
    summed, fitted = (table.has_flag(f).sum() for f in (Flag.INTEGRATED_SUM, Flag.INTEGRATED_PRF))
    good = table.has_flag(Flag.INTEGRATED_SUM)
    ratio = table["intensity_sum"][good] / np.sqrt(np.maximum(table["variance_sum"][good], 1e-9))
    return f"{len(table)} reflections, {summed} summed, {fitted} fitted; {np.sum(ratio > 3)} with I/sigma above 3"
