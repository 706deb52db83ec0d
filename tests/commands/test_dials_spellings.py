"""Commands and parameters as they are typed for DIALS."""

from __future__ import annotations

import shlex

import numpy as np
import pytest
from typer.testing import CliRunner

from autoproc import __version__
from autoproc.cli import app
from autoproc.commands.catalogue import STEPS, command_name
from autoproc.commands.elsewhere import ELSEWHERE
from autoproc.commands.output_names import outputs_among
from autoproc.config import Config, format_config
from autoproc.formats.dials.refl import read_refl, write_refl
from autoproc.models.reflections import Reflections

ASKED_IN_TUTORIALS = """
import ../*cbf
find_spots imported.expt
image_viewer imported.expt strong.refl
reciprocal_lattice_viewer imported.expt strong.refl
search_beam_position imported.expt strong.refl
index optimised.expt strong.refl
refine_bravais_settings indexed.expt indexed.refl
reindex indexed.refl change_of_basis_op=b+c,a+c,a+b
refine indexed.expt indexed.refl
report refined.expt refined.refl
integrate refined.expt refined.refl
symmetry integrated.expt integrated.refl
scale symmetrized.expt symmetrized.refl anomalous=true absorption_level=medium
estimate_resolution scaled.expt scaled.refl
export scaled.expt scaled.refl
merge scaled.expt scaled.refl
show scaled.expt
version
"""
COMMANDS = {command.name for command in app.registered_commands}


def said(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, list(arguments))
    return result.exit_code, " ".join(result.output.split())


@pytest.mark.parametrize("line", ASKED_IN_TUTORIALS.strip().splitlines())
@pytest.mark.parametrize("prefix", ["", "dials."])
def test_every_command_of_the_tutorials_is_known_or_answered(line, prefix):
    name = shlex.split(line)[0]
    status, words = said(prefix + name, "--help")
    if command_name(name) in ELSEWHERE:
        assert status == 2
        assert f"dials.{name}" in words
    else:
        assert status == 0
        assert command_name(name) in COMMANDS


@pytest.mark.parametrize("step", STEPS, ids=lambda s: s.name)
def test_the_parameters_of_a_step_are_printed(step):
    status, words = said(step.name, "-c", "-e2", "-a2")
    assert status == 0
    if step.table:
        assert words == " ".join(format_config(Config(), step.table).split())
    else:
        assert "no parameters" in words


@pytest.mark.parametrize("command", ["run", "find_spots", "show"])
def test_help_in_short(command):
    assert said(command, "-h") == said(command, "--help")
    assert said("-h")[1].startswith("Usage:")


def test_version():
    assert said("dials.version") == (0, f"autoproc {__version__}")


def test_an_unknown_command_is_no_other():
    status, words = said("no_such")
    assert status == 2
    assert "No such command" in words


def test_answers_are_for_commands_that_are_not_there():
    assert not set(ELSEWHERE) & COMMANDS


@pytest.fixture
def lone(tmp_path):
    """A table of two crystals without its experiments, and its Miller indices."""
    hkl = np.array([[1, 2, 3], [0, -4, 5], [7, 0, 0]], np.int32)
    table = Reflections({"hkl": hkl, "experiment_id": np.array([0, 1, -1], np.int32)})
    write_refl(tmp_path / "indexed.refl", table)
    return tmp_path / "indexed.refl", hkl


def test_reflections_alone_are_reindexed(lone):
    path, hkl = lone
    folder = path.parent
    status, words = said("dials.reindex", str(path), "change_of_basis_op=b,c,a", "-o", str(folder), "-v")
    assert status == 0, words
    assert "[reindex]" in words, "-v prints what is in force"
    np.testing.assert_array_equal(read_refl(folder / "reindexed.refl")["hkl"][:2], np.roll(hkl[:2], -1, axis=1))


def test_names_of_output(lone):
    path, _ = lone
    folder = path.parent
    named = [f"output.reflections={folder / 'mine.refl'}", "output.log=mine.log", "space_group=P222"]
    status, words = said("reindex", f"input.reflections={path}", *named, "-o", str(folder))
    assert status == 0, words
    assert {"mine.refl", "mine.log"} <= {p.name for p in folder.iterdir()}
    assert not (folder / "reindexed.refl").exists()
    assert "give the .expt too" in words


@pytest.mark.parametrize(
    ("step", "key", "is_taken"),
    [("scale", "output.unmerged_mtz", True), ("merge", "output.unmerged_mtz", False), ("export", "mtz.hklout", True)],
)
def test_names_of_files_that_a_step_does_not_write_are_left(step, key, is_taken, tmp_path):
    outputs, files, others = outputs_among({key: "x.mtz", "d_min": "2"}, step, tmp_path)
    assert (key not in others) is is_taken
    assert "d_min" in others
    assert files == []
    assert (tmp_path / "x.mtz" in [outputs.asked(kind) for kind in ("file", "unmerged_mtz")]) is is_taken


def test_no_name_is_none(tmp_path):
    outputs, _, others = outputs_among({"output.log": "None", "output.mtz": "auto"}, "merge", tmp_path)
    assert outputs.names == {}
    assert others == {}
    assert outputs.path("log", "usual.log") == tmp_path / "usual.log"
    assert outputs.asked("mtz") is None


def test_what_was_meant_is_printed(lone):
    path, _ = lone
    _, words = said("reindex", str(path), "nproc=1", "-o", str(path.parent))
    assert "nproc = 1 (run.n_threads = 1)" in words


def test_a_parameter_without_an_equal_is_answered(lone):
    path, _ = lone
    status, words = said("reindex", str(path), "hkl_offset=0,0,1", "-o", str(path.parent))
    assert status == 2
    assert "search-beam-position" in words
