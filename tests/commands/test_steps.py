"""The steps one by one, as the tutorial walks through them, on a small simulated sweep."""

from __future__ import annotations

import errno
import shutil
from dataclasses import replace
from pathlib import Path

import gemmi
import numpy as np
import pytest
from forked_workers import no_new_programs
from simulated import simulated_sweep
from typer.testing import CliRunner

from autoproc.cli import app
from autoproc.commands.catalogue import STEPS
from autoproc.engine.integrate_sweeps import spots_of_sweep
from autoproc.formats.dials.expt import read_expt, write_expt
from autoproc.formats.dials.refl import read_refl
from autoproc.formats.export.writers import WRITERS
from autoproc.formats.observed.xds_inp import is_xds_geometry, read_xds_inp
from autoproc.models.reflections import Reflections

CELL = (37.0, 43.0, 49.0, 90.0, 90.0, 90.0)


class Walk:
    """A folder in which steps are run; each result is kept by the step's name."""

    def __init__(self, folder, images):
        self.folder = folder
        self.images = images
        self.printed = {}

    def run(self, step, *arguments):
        given = [str(self.folder / a) if a.endswith((".expt", ".refl", ".mtz")) else str(a) for a in arguments]
        result = CliRunner().invoke(app, [step, *given, "-o", str(self.folder), "-j", "1"])
        assert result.exit_code == 0, result.output
        self.printed[step] = result.output
        return result.output

    def expt(self, name):
        return read_expt(self.folder / f"{name}.expt")

    def refl(self, name):
        return read_refl(self.folder / f"{name}.refl")


@pytest.fixture(scope="module")
def walk(tmp_path_factory):
    images = simulated_sweep(tmp_path_factory, n_images=20)
    walk = Walk(tmp_path_factory.mktemp("a walk"), images)
    walk.run("import", str(images.start))
    walk.run("find-spots", "imported.expt")
    walk.run("find-rotation-axis", "imported.expt", "strong.refl")
    walk.axis = read_expt(walk.folder / "optimised.expt")[0].goniometer.axis
    walk.run("search-beam-position", "imported.expt", "strong.refl")
    walk.run("index", "imported.expt", "strong.refl", "max_lattices=1")
    walk.run("bravais-settings", "indexed.expt", "indexed.refl")
    walk.run("reindex", "indexed.expt", "indexed.refl", "change_of_basis_op=b,c,a")
    walk.run("refine", "indexed.expt", "indexed.refl")
    walk.run("integrate", "refined.expt", "refined.refl")
    walk.run("symmetry", "integrated.expt", "integrated.refl")
    walk.run("combine", "integrated.expt", "integrated.refl", "check_absences=false", "max_cell_difference=0.02")
    walk.run("scale", "symmetrized.expt", "symmetrized.refl", "d_min=2.05")
    walk.run("estimate-resolution", "scaled.expt", "scaled.refl")
    walk.run("merge", "scaled.expt", "scaled.refl")
    walk.run("anisotropy", "scaled.expt", "scaled.refl")
    walk.run("damage-analysis", "scaled.expt", "scaled.refl")
    walk.run("export", "scaled.expt", "scaled.refl")
    return walk


def test_every_step_was_walked(walk):
    assert set(walk.printed) == {step.name for step in STEPS}
    for step in STEPS:
        assert (walk.folder / f"autoproc.{step.name}.log").exists()


def test_log_holds_what_was_printed(walk):
    log = (walk.folder / "autoproc.index.log").read_text()
    assert walk.printed["index"] in log
    assert log.splitlines()[0].startswith("autoproc ")
    assert "max_lattices=1" in log.splitlines()[0]


def test_import(walk):
    (experiment,) = walk.expt("imported")
    assert experiment.scan.image_range == (1, 20)
    assert "num images: 20" in walk.printed["import"]


def test_find_spots(walk):
    assert len(walk.refl("strong")) > 1000
    assert "Histogram of per-image spot count" in walk.printed["find-spots"]
    assert not (walk.folder / "strong.expt").exists()


def test_a_right_rotation_axis_is_left_alone(walk):
    np.testing.assert_array_equal(walk.axis, walk.expt("imported")[0].goniometer.axis)


def test_search_beam_leaves_a_good_beam_centre_alone(walk):
    before, after = walk.expt("imported")[0], walk.expt("optimised")[0]
    assert np.linalg.norm(before.detector[0].origin - after.detector[0].origin) < 0.1


def test_index(walk):
    assert "The following parameters have been modified:\n\n  max_lattices = 1" in walk.printed["index"]
    (experiment,) = walk.expt("indexed")
    np.testing.assert_allclose(experiment.crystal.cell, CELL, rtol=2e-3)
    assert np.mean(walk.refl("indexed")["experiment_id"] >= 0) > 0.95
    assert "% indexed" in walk.printed["index"]


def test_bravais_settings(walk):
    assert "oP" in walk.printed["bravais-settings"]
    solutions = sorted(walk.folder.glob("bravais_setting_*.expt"))
    assert len(solutions) == 5
    np.testing.assert_allclose(read_expt(solutions[-1])[0].crystal.cell, CELL, rtol=2e-3)


def test_reindex(walk):
    a, b, c = walk.expt("indexed")[0].crystal.cell[:3]
    np.testing.assert_allclose(walk.expt("reindexed")[0].crystal.cell[:3], (b, c, a), rtol=1e-6)


def test_refine(walk):
    (experiment,) = walk.expt("refined")
    assert len(experiment.crystal.A_at_scan_points) == 21
    np.testing.assert_allclose(experiment.crystal.cell, CELL, rtol=2e-3)
    assert "RMSDs by experiment" in walk.printed["refine"]


def test_integrate(walk):
    (experiment,) = walk.expt("integrated")
    assert experiment.profile.sigma_m > 0
    assert len(walk.refl("integrated")) > 5000


def test_symmetry(walk):
    group = walk.expt("symmetrized")[0].crystal.space_group
    assert group.point_group_hm() == "222"
    assert "Laue group probability" in walk.printed["symmetry"]


def test_scale(walk):
    for row in ("Completeness", "Rmeas(I)", "CC half", "Total unique"):
        assert row in walk.printed["scale"]
    assert "High resolution limit                           2.05" in walk.printed["scale"]
    assert "Suggested" not in walk.printed["scale"], "the limit was given"


def test_scale_without_a_limit_has_a_column_to_the_suggested_one(walk, tmp_path):
    """The sweep's spots end at 2.0 Angstrom, and noise goes on to the detector's corners."""
    files = [str(walk.folder / name) for name in ("symmetrized.expt", "symmetrized.refl")]
    printed = CliRunner().invoke(app, ["scale", *files, "-o", str(tmp_path)]).output
    assert ["Suggested", "Low", "High", "Overall"] in [line.split() for line in printed.splitlines()]
    suggested = printed.split("suggested from CC1/2 fit:")[1].split()[0]
    (limits,) = [line.split()[3:] for line in printed.splitlines() if line.startswith("High resolution limit")]
    assert limits[0] == suggested
    assert float(limits[-1]) < float(suggested)


def test_estimate_resolution(walk):
    assert "CC1/2" in walk.printed["estimate-resolution"]


def test_merged_intensities_are_the_true_ones(walk):
    mtz = gemmi.read_mtz_file(str(walk.folder / "merged.mtz"))
    assert mtz.spacegroup.laue_str() == "mmm"
    np.testing.assert_allclose(mtz.cell.parameters, CELL, rtol=2e-3)
    assert correlation_with_truth(mtz, walk.images.truth) > 0.98
    assert mtz.resolution_high() == pytest.approx(2.05, abs=0.01)


def test_export(walk):
    mtz = gemmi.read_mtz_file(str(walk.folder / "unmerged.mtz"))
    assert len(mtz.batches) == 20
    assert {"I", "SIGI", "BATCH", "M/ISYM"} <= {c.label for c in mtz.columns}


@pytest.mark.parametrize(("form", "stage"), [(f, s) for f in WRITERS for s in ("scaled", "integrated")])
def test_every_format_is_written(walk, tmp_path, form, stage):
    files = [str(walk.folder / f"{stage}.{kind}") for kind in ("expt", "refl")]
    result = CliRunner().invoke(app, ["export", *files, f"format={form}", "-o", str(tmp_path)])
    if WRITERS[form].of == "scaled" and stage == "integrated":
        assert result.exit_code == 2
        assert sorted(p.name for p in tmp_path.iterdir()) == ["autoproc.export.log"]
        return
    assert result.exit_code == 0, result.output
    assert (tmp_path / WRITERS[form].file).stat().st_size > (10_000 if WRITERS[form].of != "models" else 500)
    named = tmp_path / "ä b" / f"x{Path(WRITERS[form].file).suffix}"
    result = CliRunner().invoke(app, ["export", *files, "-o", str(named)])
    assert result.exit_code == 0, result.output
    assert (tmp_path / WRITERS[form].file).read_bytes() == named.read_bytes()


def test_models_are_exported_without_reflections(walk, tmp_path):
    expt = str(walk.folder / "refined.expt")
    result = CliRunner().invoke(app, ["export", expt, "format=xds", "-o", str(tmp_path)])
    assert result.exit_code == 0, result.output
    assert is_xds_geometry((tmp_path / "XDS.INP").read_bytes())
    result = CliRunner().invoke(app, ["export", expt, other_sweep(expt, tmp_path), "format=xds", "-o", str(tmp_path)])
    assert result.exit_code == 0, result.output
    assert [read_xds_inp(tmp_path / n / "XDS.INP").scan.image_range for n in "12"] == [(1, 20), (1001, 1020)]
    copy = str(shutil.copy(expt, tmp_path / "copy.expt"))
    result = CliRunner().invoke(app, ["export", expt, copy, "format=xds", "-o", str(tmp_path)])
    assert "XDS takes one lattice a sweep: the first; 1 other left out" in result.output


def other_sweep(expt, folder):
    """A file of the same models with other images."""
    (one,) = read_expt(expt)
    first, last = one.scan.image_range
    moved = replace(one, scan=replace(one.scan, image_range=(first + 1000, last + 1000)), identifier="other")
    write_expt(folder / "other.expt", [moved])
    return str(folder / "other.expt")


def test_a_file_that_is_given_twice_is_refused(walk, tmp_path):
    """By one name or by two; a copy is known by its experiments' identifiers."""
    expt, refl = (str(walk.folder / f"scaled.{kind}") for kind in ("expt", "refl"))
    link = tmp_path / "link.refl"
    link.symlink_to(refl)
    for second in (refl, str(link)):
        result = CliRunner().invoke(app, ["merge", expt, refl, second, "-o", str(tmp_path)])
        assert result.exit_code == 3
        assert f"{second} is given twice" in result.output.replace("\n", "")
    copies = [str(shutil.copy(path, tmp_path)) for path in (expt, refl)]
    result = CliRunner().invoke(app, ["merge", expt, refl, *copies, "-o", str(tmp_path)])
    assert result.exit_code == 3
    assert "1 of 2 experiments carry the identifier of another" in " ".join(result.output.split())


def test_points_of_spots_that_are_not_indexed(walk, tmp_path):
    files = [str(walk.folder / "imported.expt"), str(walk.folder / "strong.refl")]
    result = CliRunner().invoke(app, ["export", *files, "format=json", "-o", str(tmp_path)])
    assert result.exit_code == 0, result.output
    assert f"Saved {len(walk.refl('strong'))} reflections" in result.output.replace("\n", " ")


def correlation_with_truth(mtz, truth_file):
    """Of merged intensities with the mean of the true I(+) and I(-)."""
    with np.load(truth_file) as truth:
        true = {
            tuple(h): 0.5 * (p + m) for h, p, m in zip(truth["hkl"].tolist(), truth["ip"], truth["im"], strict=True)
        }
    mean = mtz.column_with_label("IMEAN").array
    pairs = [
        (true[tuple(h)], i) for h, i in zip(mtz.make_miller_array().tolist(), mean, strict=True) if tuple(h) in true
    ]
    assert len(pairs) > 0.9 * len(mean)
    return np.corrcoef(np.array(pairs).T)[0, 1]


@pytest.mark.parametrize(
    ("file", "said"),
    [
        ("imported.expt", "image range:   {1,20}"),
        ("scaled.expt", "Space group: P 2"),
        ("strong.refl", "Reflection list contains"),
        ("merged.mtz", "Merged"),
        ("unmerged.mtz", "Batches: 20"),
    ],
)
def test_show_files_of_the_walk(walk, file, said):
    assert said in shown(walk.folder / file)


def shown(path):
    result = CliRunner().invoke(app, ["show", str(path)])
    assert result.exit_code == 0
    return result.output


def test_show_images(walk, tmp_path_factory):
    assert "Format: miniCBF PILATUS" in shown(walk.images.start)
    master = simulated_sweep(tmp_path_factory, file_format="nxmx", n_images=20, hot_pixels=0).start
    assert "Format: NeXus / DECTRIS HDF5" in shown(master)


def test_show_goes_on_after_a_file_that_cannot_be_read(walk):
    result = CliRunner().invoke(app, ["show", "gone.expt", str(walk.folder / "imported.expt")])
    assert result.exit_code == 3
    assert "gone.expt cannot be read" in result.output
    assert "image range:   {1,20}" in result.output


@pytest.mark.parametrize("suffix", [".expt", ".refl", ".mtz", "_00001.cbf", "_master.h5"])
def test_show_of_damaged_files(tmp_path, suffix):
    path = tmp_path / f"x{suffix}"
    path.write_bytes(b"###CBF: nothing" if suffix == "_00001.cbf" else b"\x89HDF\r\n\x1a\n damaged")
    result = CliRunner().invoke(app, ["show", str(path)])
    assert result.exit_code == 3, result.exception
    assert path.name in result.output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["index", "imported.expt"], "index needs a .refl file, and was given imported.expt"),
        (["index", "strong.refl"], "index needs an .expt file, and was given strong.refl"),
        (["index", "imported.expt", "strong.refl", "max_latices=2"], "did you mean index.max_lattices"),
        (["index", "imported.expt", "strong.refl", "max_lattices=two"], "index.max_lattices=two is not possible"),
        (["export", "scaled.expt", "scaled.refl", "dmin=2"], "did you mean export.d_min"),
        (["export", "scaled.expt", "scaled.refl", "format=hklf5"], "export.format=hklf5 is not possible"),
        (["export", "integrated.expt", "integrated.refl", "format=shelx"], "format=shelx holds scaled data"),
        (["export", "integrated.expt", "integrated.refl", "-o", "x.sca"], "format=sca holds scaled data"),
        (["export", "scaled.expt", "scaled.refl", "format=shelx", "composition=C3 H7 Xx"], "no element Xx"),
        (["export", "scaled.expt", "scaled.refl", "-o", "x.refl"], "or a file ending in .mtz, .HKL"),
        (["refine", "--gently"], "gently"),
        (["refine"], "Missing argument"),
        (["refin"], "refine"),
    ],
)
def test_wrong_usage(walk, monkeypatch, arguments, said):
    monkeypatch.chdir(walk.folder)
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 2
    assert said in result.output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["find-spots", "gone.expt"], "gone.expt cannot be read"),
        (["index", "gone.expt", "strong.refl"], "gone.expt cannot be read"),
        (["refine", "imported.expt", "strong.refl"], "the file that `autoproc index` writes, indexed.refl"),
        (["scale", "indexed.expt", "indexed.refl"], "no reflections are left for scaling"),
        (["merge", "integrated.expt", "integrated.refl"], "the file that `autoproc scale` writes, scaled.refl"),
        (["bravais-settings", "imported.expt", "strong.refl"], "give files that `autoproc index` or a later step"),
    ],
)
def test_files_of_the_wrong_stage(walk, tmp_path, monkeypatch, arguments, said):
    monkeypatch.chdir(walk.folder)
    result = CliRunner().invoke(app, [*arguments, "-o", str(tmp_path)])
    assert result.exit_code == 3
    assert said in result.output
    assert not list(tmp_path.glob("*.refl"))


@pytest.mark.parametrize("step", ["integrate", "symmetry", "scale"])
def test_files_of_different_bases_are_refused(walk, tmp_path, step):
    reflections = "reindexed.refl" if step == "integrate" else "integrated.refl"
    experiments = "refined.expt" if step == "integrate" else "reindexed.expt"
    files = [str(walk.folder / name) for name in (experiments, reflections)]
    result = CliRunner().invoke(app, [step, *files, "-o", str(tmp_path)])
    assert result.exit_code == 3
    assert f"{reflections} does not belong to {experiments}" in result.output
    assert "that one step wrote together" in " ".join(result.output.split())
    assert not list(tmp_path.glob("*.refl"))


def test_reflections_of_more_experiments_than_there_are_refused(walk, tmp_path):
    expt, refl = (str(walk.folder / f"indexed.{kind}") for kind in ("expt", "refl"))
    copy = str(shutil.copy(refl, tmp_path))
    result = CliRunner().invoke(app, ["refine", expt, refl, copy, "-o", str(tmp_path)])
    assert result.exit_code == 3
    assert "it holds reflections of 2 experiments, and there are 1" in " ".join(result.output.split())


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.name)
def test_help_says_how_the_parameters_are_found(step):
    result = CliRunner().invoke(app, [step.name, "--help"], terminal_width=120)
    assert result.exit_code == 0
    said = " ".join(result.output.split())
    assert f"autoproc {step.name} {step.files}" in said
    assert (f"autoproc config {step.table}" if step.table else "has no parameters") in said
    if step.table:
        assert CliRunner().invoke(app, ["config", step.table]).output.startswith("# ")


def test_a_bug_is_called_one(walk, tmp_path, monkeypatch):
    def broken(*_, **__):
        raise IndexError("index 7 is out of bounds")

    monkeypatch.setattr("autoproc.commands.stages.refine", broken)
    files = [str(walk.folder / f"indexed{suffix}") for suffix in (".expt", ".refl")]
    result = CliRunner().invoke(app, ["refine", *files, "-o", str(tmp_path)])
    assert result.exit_code == 3
    assert "unforeseen IndexError: index 7 is out of bounds" in result.output
    assert "Traceback" not in result.output
    assert "in broken" in (tmp_path / "autoproc.refine.log").read_text()


def test_no_space_left(walk, tmp_path, monkeypatch):
    def full_disk(path, *_):
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr("autoproc.commands.step.write_refl", full_disk)
    files = [str(walk.folder / f"indexed{suffix}") for suffix in (".expt", ".refl")]
    result = CliRunner().invoke(app, ["refine", *files, "-o", str(tmp_path)])
    assert result.exit_code == 3
    assert "refined.refl cannot be written (No space left on device)" in result.output
    assert "make room" in result.output


def test_import_of_some_good_and_some_bad(walk, tmp_path):
    bad = tmp_path / "bad_00001.cbf"
    bad.write_bytes(b"###CBF: but no more")
    result = CliRunner().invoke(app, ["import", str(walk.images.start), str(bad), "-o", str(tmp_path)])
    assert result.exit_code == 3
    assert "bad_00001.cbf is damaged" in result.output
    assert len(read_expt(tmp_path / "imported.expt")) == 1


def test_the_steps_give_what_run_gives(walk, tmp_path):
    """To the byte: files hold all that the next step needs, to the last digit.

    The level of absorption is that of the step by itself: the run would choose one by reflections held out.
    """
    given = ["index.max_lattices=1", "scale.d_min=2.05", "scale.absorption_level=medium"]
    arguments = ["run", str(walk.images.start), *given, "-o", str(tmp_path)]
    with no_new_programs():
        result = CliRunner().invoke(app, [*arguments, "-j", "1"])
    assert result.exit_code == 0, result.output
    folder = tmp_path / "small"
    for name in ("integrated.expt", "integrated.refl", "scaled.expt", "scaled.refl"):
        assert (folder / "stages" / name).read_bytes() == (walk.folder / name).read_bytes(), name
    for name in ("merged.mtz", "unmerged.mtz"):
        assert (folder / name).read_bytes() == (walk.folder / name).read_bytes(), name


def test_spots_of_a_sweep_keep_those_without_a_lattice():
    table = Reflections(
        {
            "experiment_id": np.array([2, -1, 0, -1, 1, 2], np.int32),
            "imageset_id": np.array([1, 1, 0, 0, 0, 1], np.int32),
            "panel": np.arange(6),
        }
    ).with_identifiers({0: "a", 1: "b", 2: "c"})
    first, second = spots_of_sweep(table, [0, 1], 0), spots_of_sweep(table, [2], 1)
    assert (first["panel"].tolist(), first["experiment_id"].tolist()) == ([2, 3, 4], [0, -1, 1])
    assert (second["panel"].tolist(), second["experiment_id"].tolist()) == ([0, 1, 5], [0, -1, 0])
    assert (first.identifiers, second.identifiers) == ({0: "a", 1: "b"}, {0: "c"})


@pytest.mark.parametrize(
    "name", ["find-spots", "find_spots", "dials.find_spots", "search_beam_position", "bravais_settings",
             "refine_bravais_settings", "dials.refine_bravais_settings", "estimate_resolution"],
)  # fmt: skip
def test_names_as_dials_has_them(name):
    assert CliRunner().invoke(app, [name, "--help"]).exit_code == 0
    assert CliRunner().invoke(app, ["config", name]).output.startswith("# ")


def test_a_name_that_nothing_has():
    result = CliRunner().invoke(app, ["config", "find_spot"])
    assert result.exit_code == 2
    assert "did you mean find_spots" in result.output
    assert CliRunner().invoke(app, ["fnd_spots"]).exit_code == 2


@pytest.mark.parametrize("step", ["merge", "export"])
def test_an_mtz_file_by_name(walk, tmp_path, step):
    path = tmp_path / "new folder" / "native.mtz"
    files = [str(walk.folder / "scaled.expt"), str(walk.folder / "scaled.refl")]
    for _ in range(2):
        result = CliRunner().invoke(app, [step, *files, "--output", str(path)])
        assert result.exit_code == 0, result.output
        assert str(path) in result.output.replace("\n", "")
    assert sorted(p.name for p in path.parent.iterdir()) == [f"autoproc.{step}.log", "native.mtz"]
    assert path.read_bytes() == (walk.folder / f"{step}d.mtz".replace("exportd", "unmerged")).read_bytes()


@pytest.mark.parametrize(("step", "name"), [("refine", "x.refl"), ("index", "x.mtz"), ("merge", "x.refl")])
def test_a_file_where_a_folder_is_meant(walk, tmp_path, step, name):
    path = tmp_path / name
    files = [str(walk.folder / "indexed.expt"), str(walk.folder / "indexed.refl")]
    result = CliRunner().invoke(app, [step, *files, "--output", str(path)])
    assert result.exit_code == 2
    assert "give the folder to write into" in " ".join(result.output.split())
    assert not path.exists()


def test_the_list_of_commands_has_whole_lines_in_80_columns():
    lines = CliRunner().invoke(app, ["--help"], terminal_width=80).output.partition("Commands:\n")[2].splitlines()
    assert len(lines) > len(STEPS)
    for line in lines:
        assert line.endswith("."), line
        assert not line.endswith("..."), line
        assert line[2] != " ", "one line for each"
        assert len(line) <= 80
