"""What people, and the shells and scripts of people, type: every command says what is wrong, and none falls over."""

from __future__ import annotations

import pytest
from cbf_files import write_image
from forked_workers import probing_inside
from typer.testing import CliRunner

from autoproc.cli import app
from autoproc.legible import legible

LONG = "x" * 5000
COMMANDS = (("show",), ("import",), ("run", "--once"), ("find-spots",))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("autoproc.commands.wanted.probing", probing_inside)
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    for name in ("dir.expt", "dir.refl", "dir.mtz", "dir_0001.cbf", "dir_master.h5", "dir.toml"):
        (tmp_path / name).mkdir()
    return tmp_path


def said(*arguments):
    """What a command says, after its exit status was found to be that of a mistake of the user's."""
    result = CliRunner().invoke(app, arguments)
    assert isinstance(result.exception, SystemExit), result.exception
    assert result.exit_code in (2, 3), result.output
    assert "unforeseen" not in result.output
    return result.output


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    "argument",
    [LONG, f"{LONG}=3", f"{LONG}/x_####.cbf", "loop", "loop/x_####.cbf", "~nobody/x",
     "dir.expt", "dir.refl", "dir.mtz", "dir_0001.cbf", "dir_master.h5", "\udcff.cbf", "", "/dev/null",
     "x" * 300 + "*"],
)  # fmt: skip
def test_paths_that_are_none(folder, command, argument):
    assert said(*command, argument, *(() if command == ("show",) else ("-o", "out")))


def test_parameters_may_be_longer_than_names_of_files():
    from autoproc.overrides import split_arguments

    assert split_arguments([f"space_group={LONG}", f"{LONG}/x", "a\0=3"]) == (
        [f"{LONG}/x", "a\0=3"],
        {"space_group": LONG},
    )


@pytest.mark.parametrize("path", [LONG, "loop", "dir.toml", "/dev/null/x"])
def test_configurations_that_are_no_files(folder, path):
    assert "autoproc config" in said("config", "-c", path)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"x = " + b"[" * 5000, "TOML"),
        (b"[scale]\nd_min = " + b"9" * 5000, "TOML"),
        (b"\xff\xfe", "not UTF-8"),
        (b"a" * 100000, "TOML"),
        (b"scale = 3", "table"),
    ],
)
def test_configurations_that_are_no_toml(folder, content, why):
    (folder / "x.toml").write_bytes(content)
    output = said("config", "-c", "x.toml")
    assert why in output
    assert len(output) < 1000


@pytest.mark.parametrize("output", [LONG, "loop", "/dev/null/x", "/proc/x"])
@pytest.mark.parametrize(
    "command", [("run", "--once", "dir.expt"), ("import", "dir.expt"), ("status",), ("report", "x")]
)
def test_outputs_that_cannot_be(folder, command, output):
    assert said(*command, "-o", output)


@pytest.mark.parametrize("name", ["new\nline", "esc\x1b[2J", "bidi\u202e"])
def test_strange_names_do_not_act_on_the_terminal(folder, name):
    write_image(folder / f"{name}_00001.cbf")
    result = CliRunner().invoke(app, ["show", f"{name}_00001.cbf"], color=True)
    assert result.exit_code == 0
    assert name not in result.output
    assert result.output.count(legible(name)) == 2
