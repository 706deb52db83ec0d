"""Our files in other programs' hands: gemmi, cctbx, and DIALS's own next steps."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path

import gemmi
import numpy as np

from autoproc.formats.dials.expt import read_expt
from autoproc.formats.dials.refl import read_refl
from autoproc.models.experiment import Experiment
from autoproc.models.reflections import Flag
from validation.programs import Run, dials, dials_is_installed, dials_python, run
from validation.real import rmsds
from validation.report import Report
from validation.simulated import process_shared_sweep, statistics_in

MERGED_COLUMNS = {
    "H": "H", "K": "H", "L": "H", "FreeR_flag": "I", "IMEAN": "J", "SIGIMEAN": "Q", "I(+)": "K", "SIGI(+)": "M",
    "I(-)": "K", "SIGI(-)": "M", "F": "F", "SIGF": "Q", "F(+)": "G", "SIGF(+)": "L", "F(-)": "G", "SIGF(-)": "L",
}  # fmt: skip
UNMERGED_COLUMNS = {"H": "H", "K": "H", "L": "H", "M/ISYM": "Y", "BATCH": "B", "I": "J", "SIGI": "Q"}
CCTBX = """
import json, sys
from iotbx import mtz
found = []
for path in sys.argv[1:]:
    m = mtz.object(path)
    d = [d for c in m.crystals() for d in c.datasets() if d.n_columns()]
    arrays = m.as_miller_arrays(merge_equivalents=False)
    i = [a for a in arrays if a.is_xray_intensity_array()]
    found.append(dict(
        cell=m.crystals()[-1].unit_cell().parameters(), group=str(m.space_group_info()), wavelength=d[-1].wavelength(),
        batches=len(m.batches()), labels=m.column_labels(), types="".join(m.column_types()), n=i[0].size(),
        anomalous=[a.anomalous_flag() for a in i], unique=i[0].merge_equivalents().array().size()))
print(json.dumps(found))
"""


def validate_interoperability(data: Path, results: Path, output: Path, report: Report) -> None:
    """Files of the lysozyme sweep (CBF) through all of DIALS's steps, of the monoclinic (HDF5) through those on images.

    results / SWEEP has what autoproc made of the sweeps, or will have.
    """
    for sweep, programs in (("lysozyme", EVERY_PROGRAM), ("monoclinic", ("integrate", "merge"))):
        done = sorted((results / sweep).glob("*/merged.mtz"))
        folder = done[0].parent if done else process_shared_sweep(data, sweep, results / sweep)[0]
        check_files(folder, programs, output / sweep, report)


def check_files(folder: Path, programs: Sequence[str], output: Path, report: Report) -> None:
    """`folder` holds what autoproc made of a sweep; `programs` of DIALS go on from there."""
    experiment = read_expt(folder / "stages" / "scaled.expt")[0]
    report.section(f"MTZ files of {folder.name}")
    in_gemmi(folder, experiment, report)
    if not dials_is_installed():
        report.say("  (needs DIALS for the rest)")
        return
    in_cctbx(folder, experiment, report)
    report.section(f"Stage files of {folder.name} in DIALS")
    in_dials(folder / "stages", programs, output, report)


def in_gemmi(folder: Path, experiment: Experiment, report: Report) -> None:
    """Read both files with gemmi."""
    merged, unmerged = (gemmi.read_mtz_file(str(folder / name)) for name in ("merged.mtz", "unmerged.mtz"))
    for name, mtz, columns in (("merged", merged, MERGED_COLUMNS), ("unmerged", unmerged, UNMERGED_COLUMNS)):
        has = {column.label: column.type for column in mtz.columns}
        missing = [f"{label} ({kind})" for label, kind in columns.items() if has.get(label) != kind]
        report.check(
            not missing,
            f"gemmi: {name}.mtz has the right columns"
            if not missing
            else f"gemmi: {name}.mtz lacks {', '.join(missing)}; it has {has}",
        )
        cell, group = experiment.crystal.cell, experiment.crystal.space_group
        report.check(np.allclose(mtz.cell.parameters, cell, atol=0.01), f"gemmi: {name}.mtz has the crystal's cell")
        report.check(mtz.spacegroup.xhm() == group.xhm(), f"gemmi: {name}.mtz is in {mtz.spacegroup.xhm()}")
        wavelength = mtz.datasets[-1].wavelength
        report.check(
            abs(wavelength - experiment.beam.wavelength) < 1e-5, f"gemmi: {name}.mtz, wavelength {wavelength:.5f}"
        )
    first, last = experiment.scan.image_range
    numbers = [batch.number for batch in unmerged.batches]
    report.check(numbers == list(range(first, last + 1)), f"gemmi: batches {numbers[0]} to {numbers[-1]}, one an image")
    _check_batches(unmerged, report)


def _check_batches(unmerged: gemmi.Mtz, report: Report) -> None:
    """Batch headers describe how the crystal was turned; observations point to batches that exist."""
    used = set(np.unique(np.asarray(unmerged.column_with_label("BATCH").array)).astype(int).tolist())
    numbers = {batch.number for batch in unmerged.batches}
    report.check(used <= numbers, "gemmi: every observation's batch has a header")
    first, last = unmerged.batches[0].floats, unmerged.batches[-1].floats
    report.say(f"        rotation {first[36]:.2f} to {last[37]:.2f} degrees in the batch headers")


def in_cctbx(folder: Path, experiment: Experiment, report: Report) -> None:
    """Read both files with iotbx."""
    done = run([dials_python(), "-c", CCTBX, folder / "merged.mtz", folder / "unmerged.mtz"])
    lines = [line for line in done.output.splitlines() if line.startswith("[")]
    if not report.check(done.status == 0 and bool(lines), f"cctbx reads both {'' if lines else done.error_line}"):
        return
    wanted = gemmi.SpaceGroup(experiment.crystal.space_group.xhm()).number
    for name, found in zip(("merged", "unmerged"), json.loads(lines[-1]), strict=True):
        right = (
            np.allclose(found["cell"], experiment.crystal.cell, atol=0.01)
            and gemmi.SpaceGroup(found["group"]).number == wanted
            and abs(found["wavelength"] - experiment.beam.wavelength) < 1e-5
        )
        cell = " ".join(f"{x:.2f}" for x in found["cell"])
        report.check(
            right,
            f"cctbx: {name}.mtz {found['group']}, {cell}, {found['wavelength']:.5f} A, {found['n']} intensities, "
            f"{found['unique']} unique, {found['batches']} batches",
        )


def in_dials(stages: Path, programs: Sequence[str], output: Path, report: Report) -> None:
    """dials.show on every file, and DIALS's steps, each from what autoproc wrote before it."""
    output.mkdir(parents=True, exist_ok=True)
    for stem in ("imported", "strong", "indexed", "refined", "integrated", "symmetrized", "scaled"):
        files = [path for path in (stages / f"{stem}.expt", stages / f"{stem}.refl") if path.exists()]
        done = dials("dials.show", *files, folder=output)
        report.check(done.status == 0, _said("dials.show", f"our {stem}", done))
    for program in programs:
        stem, options, tell = STEPS[program]
        done = dials(f"dials.{program}", stages / f"{stem}.expt", stages / f"{stem}.refl", *options, folder=output)
        if report.check(done.status == 0, _said(f"dials.{program}", f"our {stem}", done)):
            report.say(f"        {tell(done, output, stages)}")


def refined(_: Run, output: Path, stages: Path) -> str:
    """RMSDs."""
    return f"DIALS: {rmsds(output / 'refined.refl')}; ours: {rmsds(stages / 'refined.refl')}"


def scaled_or_merged(done: Run, *_: Path) -> str:
    """Table 1, or how many were merged."""
    found = statistics_in(done.output)
    wanted = ("High resolution limit", "Completeness", "Multiplicity", "Rmeas(I)", "CC half")
    if found:
        return ", ".join(f"{name} {found[name]}" for name in wanted if name in found)
    match = re.search(r"Number of Miller indices: (\d+)", done.output)
    return f"{match[1]} merged reflections" if match else "no statistics printed"


def _said(program: str, files: str, done: Run) -> str:
    return f"{program} on {files}: {done.seconds:.0f} s" + (f": {done.error_line}" if done.status else "")


def integrated(_: Run, output: Path, stages: Path) -> str:
    """Numbers integrated, and the correlation of profile-fitted intensities measured by both."""
    tables = [read_refl(folder / "integrated.refl") for folder in (output, stages)]
    fitted = [t[t.has_flag(Flag.INTEGRATED_PRF)] for t in tables]
    summed = [int(t.has_flag(Flag.INTEGRATED_SUM).sum()) for t in tables]
    keyed = [
        {
            (*h, round(z / 8)): i
            for h, z, i in zip(t["hkl"].tolist(), t["xyz_cal_px"][:, 2], t["intensity_prf"], strict=True)
        }
        for t in fitted
    ]
    common = sorted(keyed[0].keys() & keyed[1].keys())
    a, b = (np.array([k[key] for key in common]) for k in keyed)
    cc = np.corrcoef(a, b)[0, 1] if len(common) > 2 else np.nan
    return (
        f"DIALS integrated {summed[0]} (fitted {len(fitted[0])}), we {summed[1]} (fitted {len(fitted[1])}); "
        f"CC of {len(common)} fitted by both {cc:.4f}"
    )


def nothing_more(*_: object) -> str:
    """That it ended well is all there is to tell."""
    return "done"


# what it starts from, its options, what to tell of it
STEPS: dict[str, tuple[str, tuple[str, ...], Callable[[Run, Path, Path], str]]] = {
    "refine": ("indexed", (), refined),
    "integrate": ("refined", ("nproc=2",), integrated),
    "scale": ("symmetrized", ("anomalous=true",), scaled_or_merged),
    "merge": ("scaled", (), scaled_or_merged),
    "export": ("scaled", ("format=mtz",), nothing_more),
    "reindex": ("scaled", ("change_of_basis_op=b,c,a",), nothing_more),
    "split_experiments": ("scaled", (), nothing_more),
}
EVERY_PROGRAM = tuple(STEPS)
