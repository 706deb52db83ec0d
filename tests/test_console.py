from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest

from autoproc.console import Console
from autoproc.errors import NoSpots


class Frames:
    n_frames, shape, min_trusted, max_trusted = 5, (2, 3), -5, 9.0
    mask = np.ones((2, 3), bool)

    def read(self, frame):
        return np.full(self.shape, frame, np.int32)

    def path(self, frame):
        return f"x_{frame}"


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_what_is_printed_is_logged(tmp_path):
    stream = io.StringIO()
    with Console(tmp_path / "x.log", stream, title="index") as console:
        console.print("both")
        console.log("log alone")
    assert stream.getvalue() == "both\n"
    first, *others = (tmp_path / "x.log").read_text().splitlines()
    assert first.startswith("autoproc")
    assert first.endswith("index")
    assert others == ["both", "log alone"]


def test_watched_frames_are_the_same():
    with Console(stream=io.StringIO()).watch(Frames(), "Reading", 5) as watched:
        np.testing.assert_array_equal(watched.read(3), Frames().read(3))
        assert (watched.n_frames, watched.shape, watched.max_trusted, watched.path(2)) == (5, (2, 3), 9.0, "x_2")


def test_a_bar_on_a_terminal_alone(tmp_path):
    for stream in (Terminal(), io.StringIO()):
        with Console(tmp_path / "x.log", stream) as console:
            with console.watch(Frames(), "Reading", 5) as watched:
                for frame in range(5):
                    watched.read(frame)
            with console.busy("Indexing"):
                pass
        assert ("Reading" in stream.getvalue()) == stream.isatty()
        assert ("Indexing" in stream.getvalue()) == stream.isatty()
        assert "Reading" not in (tmp_path / "x.log").read_text()


def test_a_line_every_half_minute_elsewhere(monkeypatch, tmp_path):
    now = iter(range(0, 1000, 8))
    monkeypatch.setattr("autoproc.console.time.monotonic", lambda: next(now))
    stream = io.StringIO()
    with Console(tmp_path / "x.log", stream) as console, console.watch(Frames(), "Reading", 10) as watched:
        for _ in range(2):
            for frame in range(5):
                watched.read(frame)
    lines = stream.getvalue().splitlines()
    assert 1 <= len(lines) <= 3
    assert "Reading" not in (tmp_path / "x.log").read_text()
    assert lines[0].startswith("Reading: ")
    assert all(line.endswith("%") for line in lines)


def test_a_log_on_a_full_disk_does_not_stop_the_work(capsys):
    stream = io.StringIO()
    with Console(Path("/dev/full"), stream) as console:
        console.print("one")
        console.print("two")
    assert stream.getvalue() == "one\ntwo\n"
    assert capsys.readouterr().err.count("the log can no longer be written (No space left on device)") == 1


def test_errors_are_logged_and_passed_on(tmp_path):
    with Console(tmp_path / "x.log", io.StringIO()) as console:
        with pytest.raises(NoSpots), console.logging_errors():
            raise NoSpots(n_images=3)
        with pytest.raises(OSError, match="disk"), console.logging_errors():
            raise OSError("disk")
    log = (tmp_path / "x.log").read_text()
    assert "failed: no spots were found on 3 images" in log
    assert log.count("Traceback") == 1
