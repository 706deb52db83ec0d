"""The pages of `autoproc run --serve` never cost the run anything."""

from __future__ import annotations

import socket
import subprocess
import sys

import pytest
from queued import queue_in

from autoproc.commands import beside as any_beside
from autoproc.commands import pages_beside as beside
from autoproc.commands.beside import as_words
from autoproc.commands.pages_beside import pages_beside
from autoproc.config import Config, with_command_line
from autoproc.dashboard.params import ServeParams
from autoproc.overrides import split_arguments


@pytest.mark.parametrize(
    "params", [ServeParams(), ServeParams(port=0, names=("a", "b")), ServeParams(host="0.0.0.0", proxy=("10.0.0.1",))]
)
def test_parameters_come_over_as_they_are(params):
    _, changes = split_arguments(as_words("serve", params, last="host"))
    assert with_command_line(Config(), changes).serve == params


def test_nothing_is_begun_where_nobody_wants_it(tmp_path, monkeypatch):
    monkeypatch.setattr(subprocess, "Popen", lambda *_, **__: pytest.fail("begun"))
    with pages_beside(False, tmp_path, ServeParams(), print):
        pass


def test_what_cannot_be_begun_is_said_and_no_more(tmp_path, monkeypatch):
    monkeypatch.setattr(any_beside.sys, "executable", str(tmp_path / "nowhere"))
    said = []
    with pages_beside(True, tmp_path, ServeParams(), said.append):
        pass
    assert "the run goes on without them" in said[0]


def test_they_end_with_the_run(tmp_path, monkeypatch):
    begun = []
    popen = subprocess.Popen
    sleeps = [sys.executable, "-c", "import time; time.sleep(60)"]
    monkeypatch.setattr(subprocess, "Popen", lambda *_, **__: begun.append(popen(sleeps)) or begun[0])
    with pages_beside(True, tmp_path, ServeParams(), print):
        assert begun[0].poll() is None
    assert begun[0].poll() is not None


@pytest.mark.slow
def test_a_port_that_is_taken_is_said(tmp_path, capfd):
    queue_in(tmp_path).close()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        process = beside._begun(tmp_path, ServeParams(port=taken.getsockname()[1]), print)
        assert process is not None
        assert process.wait(60) == 0
    assert "is taken" in (told := capfd.readouterr().err)
    assert "the run goes on" in told
