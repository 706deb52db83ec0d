"""How the program ends: with the status of its command, at once, and with all that it has said."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from autoproc import cli, kernels

TREE = str(Path(kernels.__file__).parents[2])


def autoproc(*arguments, **options):
    return subprocess.run(
        [sys.executable, "-m", "autoproc", *arguments], text=True, check=False, env=os.environ | {"PYTHONPATH": TREE},
        **options,
    )  # fmt: skip


@pytest.mark.parametrize(("arguments", "status"), [(("--version",), 0), (("run",), 2), (("no-such-command",), 2)])
def test_status_and_words_arrive_whole(arguments, status):
    done = autoproc(*arguments, capture_output=True)
    assert done.returncode == status
    assert (done.stdout if status == 0 else done.stderr).strip()


def test_a_reader_that_is_gone_hears_of_no_traceback():
    reading, writing = os.pipe()
    os.close(reading)
    done = autoproc("--version", stdout=writing, stderr=subprocess.PIPE)
    os.close(writing)
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("status", [0, 3])
def test_it_is_not_taken_apart(monkeypatch, status):
    left = []
    monkeypatch.setattr(cli.os, "_exit", left.append)
    cli._leave(status)
    assert left == [status]


@pytest.mark.parametrize("status", [None, "words that are still to be printed"])
def test_the_usual_end_is_left_to_others(monkeypatch, status):
    monkeypatch.setattr(cli.os, "_exit", lambda _: pytest.fail("this is no status"))
    cli._leave(status)


def test_words_that_cannot_be_written_take_the_usual_end(monkeypatch):
    class Full:
        def flush(self):
            raise OSError("no space")

    monkeypatch.setattr(cli.os, "_exit", lambda _: pytest.fail("not all was said"))
    monkeypatch.setattr(cli.sys, "stdout", Full())
    cli._leave(0)


def test_processes_are_begun_ahead_by_the_program_alone(monkeypatch):
    """Not where its commands are called by others, as by these tests."""
    begun = []
    monkeypatch.setattr(cli, "_ahead", lambda: begun.append("ahead"))
    monkeypatch.setattr("autoproc.commands.run.run_command", lambda *_: None)
    CliRunner().invoke(cli.app, ["run", "images"])
    assert begun == []
    monkeypatch.setattr(cli.sys, "argv", ["autoproc", "run", "images"])
    monkeypatch.setattr(cli.os, "_exit", lambda _: None)
    with pytest.raises(SystemExit):
        cli.main()
    assert begun == ["ahead"]
    CliRunner().invoke(cli.app, ["run", "images"])
    assert begun == ["ahead"]
