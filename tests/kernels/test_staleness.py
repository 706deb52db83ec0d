"""Kernels that were compiled before their sources changed are named, with what to do."""

import os

import pytest

from autoproc import cli
from autoproc.commands import step
from autoproc.kernels import staleness
from autoproc.kernels.staleness import stale_kernels


def working_copy(folder, compiled):
    (folder / "ext").mkdir()
    (folder / "ext" / "x.pyx").touch()
    os.utime(folder / "ext" / "x.pyx", (1000, 1000))
    if compiled is not None:
        (folder / "_x.cpython-311.so").touch()
        os.utime(folder / "_x.cpython-311.so", (compiled, compiled))
    return folder, folder / "ext"


@pytest.mark.parametrize(("compiled", "stale"), [(2000, []), (999, ["x"]), (None, ["x"])])
def test_what_is_older_than_its_source_or_missing_is_stale(tmp_path, compiled, stale):
    assert stale_kernels(*working_copy(tmp_path, compiled)) == stale


def test_an_installed_package_has_no_sources_and_is_never_stale(tmp_path):
    assert stale_kernels(tmp_path, tmp_path / "ext") == []


@pytest.mark.parametrize("error", [TypeError("takes 20 arguments"), AttributeError("no x"), ImportError("cannot")])
def test_the_command_line_says_what_to_do(monkeypatch, error):
    def falls():
        raise error

    monkeypatch.setattr(cli, "app", falls)
    monkeypatch.setattr(staleness, "stale_kernels", lambda: ["x"])
    with pytest.raises(SystemExit, match=r"\(x\) are older than their sources: run scripts/build_kernels"):
        cli.main()
    monkeypatch.setattr(staleness, "stale_kernels", list)
    with pytest.raises(type(error), match=str(error)):
        cli.main()


def test_a_step_that_falls_over_them_says_so_too(monkeypatch, tmp_path):
    monkeypatch.setattr(staleness, "stale_kernels", lambda: ["x"])
    assert "scripts/build_kernels" in step.unforeseen(TypeError("takes 20 arguments"), tmp_path).advice
    assert "report it" in step.unforeseen(ZeroDivisionError("oh"), tmp_path).advice
    monkeypatch.setattr(staleness, "stale_kernels", list)
    assert "report it" in step.unforeseen(TypeError("takes 20 arguments"), tmp_path).advice
