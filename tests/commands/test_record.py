"""`autoproc record` as users run it."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

pytest.importorskip("cbor2")

from streamed import as_read, end, image, pixels, start

from autoproc.cli import app
from autoproc.commands.record import Stopped, take
from autoproc.formats.hdf5.frames_present import frames_present
from autoproc.formats.registry import open_reader, read_experiment
from autoproc.recording.recorder import DiskFull
from autoproc.simulation.publishing import relay

LONG = 60.0


@pytest.fixture
def recording(tmp_path):
    """A relay, and the program that records it."""
    with relay("tcp://127.0.0.1:*") as source:
        command = [sys.executable, "-m", "autoproc", "record", source.address, "--to", tmp_path / "s"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                   env=os.environ | {"PYTHONUNBUFFERED": "1"})  # fmt: skip
        try:
            assert source.wait_for(1, LONG) == 1
            yield source, process, tmp_path / "s" / "series_1_master.h5"
        finally:
            process.kill()
            process.communicate()


def wait_for_frames(master, n):
    until = time.monotonic() + LONG
    while time.monotonic() < until:
        if master.exists() and frames_present(master).n_present == n:
            return
        time.sleep(0.05)
    pytest.fail(f"{n} frames never came")


def frames(master):
    reader = open_reader(read_experiment(master))
    return [reader.read(n) for n in range(reader.n_frames)]


@pytest.mark.slow
def test_a_series_is_recorded_and_seen_as_it_comes(recording):
    source, process, master = recording
    source.send(start())
    for n in range(4):
        source.send(image(n))
        wait_for_frames(master, n + 1)
    source.send(end())
    process.send_signal(signal.SIGTERM)
    said, _ = process.communicate(timeout=LONG)
    assert process.returncode == 0
    assert "series_1: 4 of 4 images recorded" in said
    for n, frame in enumerate(frames(master)):
        assert (frame == as_read(pixels(n))).all()


@pytest.mark.slow
def test_what_had_come_can_be_read_when_it_is_killed(recording):
    source, process, master = recording
    for message in (start(), image(0), image(2)):
        source.send(message)
    wait_for_frames(master, 2)
    process.send_signal(signal.SIGKILL)
    process.wait(LONG)
    assert frames_present(master).present.tolist() == [True, False, True, False]
    reader = open_reader(read_experiment(master))
    assert (reader.read(2) == as_read(pixels(2))).all()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "no stream was given, as in tcp://relay:31011"),
        (["tcp://relay:1"], "no folder was given (--to FOLDER)"),
        (["tcp://a:1", "tcp://b:1", "--to", "x"], "more than one stream was given"),
        (["relay:1", "--to", "x"], "not of the form tcp://host:port"),
    ],
)
def test_what_is_lacking_is_said(words, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, ["record", *words])
    assert done.exit_code == 2
    assert said in done.output
    assert not Path("x").exists()


def test_the_libraries_of_streams_may_lack(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "autoproc.recording.subscription", None)
    monkeypatch.setitem(sys.modules, "zmq", None)
    monkeypatch.delitem(sys.modules, "autoproc.recording.subscription")
    done = CliRunner().invoke(app, ["record", "tcp://127.0.0.1:1", "--to", str(tmp_path)])
    assert "autoproc record needs zmq, which is not installed" in done.output
    assert "pip install 'autoproc[stream]'" in done.output


class Still:
    """A stream on which nothing comes."""

    def listen(self, seconds):
        time.sleep(seconds)


class Full:
    """A recorder without room, for some time."""

    def __init__(self, times):
        self.times, self.taken = times, []

    def take(self, message):
        if self.times:
            self.times -= 1
            raise DiskFull(path="/visit")
        self.taken.append(message)


def test_a_message_waits_for_room(monkeypatch, capsys):
    monkeypatch.setattr("autoproc.commands.record.RETRY", 0.001)
    recorder = Full(5)
    assert take(Still(), recorder, b"image", Stopped())
    assert recorder.taken == [b"image"]
    said = capsys.readouterr()
    assert said.err.count("there is no room for images in /visit") == 1
    assert "there is room again" in said.out


def test_who_is_told_to_stop_waits_no_longer(monkeypatch):
    monkeypatch.setattr("autoproc.commands.record.RETRY", 0.001)
    stopped = Stopped()
    threading.Timer(0.05, lambda: stopped.ask(signal.SIGTERM, None)).start()
    assert not take(Still(), Full(10**9), b"image", stopped)
