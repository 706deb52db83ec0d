"""Short trials of the scripts that measure the program while a simulated beamline writes."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))
from collected.beamline import Beamline
from collected.latency import Latency, Visit
from collected.live import Followed, followed
from collected.page import OpenPage
from validation.arrival import tell
from validation.report import Report

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"
KNOWN = Followed("crystal1_1", "", 600, 398, 250, 0.4)
STAGES = {"find_spots": 3.5, "integrate": 10.0}


def scripted(name: str, *words: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPTS / name), *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)


@pytest.mark.slow
def test_sweeps_in_a_row_have_their_latencies_and_a_limit_counts():
    done = scripted("busy_beamline", "--sweeps", 2, "--images", 12, "--rate", 25, "--limit", 0.1, "groups.by=none")
    assert done.returncode == 1, done.stdout + done.stderr  # no sweep is that quick
    assert "2 of 2 sweeps have an MTZ" in done.stdout
    assert "last image to MTZ: at worst " in done.stdout
    assert "without an answer" not in done.stdout
    assert "the page asked " in done.stdout


@pytest.mark.slow
def test_many_sweeps_are_found_asked_about_and_claimed():
    done = scripted("many_sweeps", 3, "--images", 3)
    assert "start: 3 of 3 found" in done.stdout, done.stdout + done.stderr
    assert "status: " in done.stdout
    assert "claims: " in done.stdout


def test_a_beamline_tells_when_each_sweep_is_written(tmp_path):
    told = []
    began = time.time()
    beamline = Beamline(tmp_path, "--sweeps=2", "--first=7", "--images=3", "--rate=20", "--pause=0", tell=told.append)
    beamline.wait()
    assert told == ["crystal7_1", "crystal8_1"]
    assert began < beamline.ended["crystal7_1"] < beamline.ended["crystal8_1"] < time.time()
    assert all(seconds >= 0.1 for seconds in beamline.seconds.values())
    assert len(list((tmp_path / "crystal8").glob("crystal8_1_*.cbf"))) == 3


def test_what_is_said_of_a_sweep_that_is_followed_is_read(tmp_path):
    live = tmp_path / ".autoproc" / "live"
    assert followed(tmp_path) == []
    live.mkdir(parents=True)
    said = {"name": "x", "sweep": "", "n_there": 600, "n_searched": 398, "n_integrated": 250, "written_at": time.time()}
    (live / "0.json").write_text(json.dumps(said))
    (live / "1.json").write_text("half of")
    (one,) = followed(tmp_path)
    assert one.words == "398 of 600 images searched, the first 250 integrated"
    assert 0.0 <= one.age < 60.0


@pytest.fixture
def visit(tmp_path):
    """A visit whose queue says that crystal1_1 is done, and one of a group."""
    visit = Visit(tmp_path, known={"crystal1_1": KNOWN})
    (visit.output / ".autoproc").mkdir(parents=True)
    with closing(sqlite3.connect(visit.output / ".autoproc" / "queue.sqlite")) as db, db:
        db.execute("CREATE TABLE jobs (name, kind, state, started_at, finished_at)")
        rows = [("crystal1_1", "cbf", "processed", 101.5, 120.0), ("combined/x", "combined", "processed", 1.0, 2.0),
                ("crystal2_1", "cbf", "running", 120.0, None)]  # fmt: skip
        db.executemany("INSERT INTO jobs VALUES (?, ?, ?, ?, ?)", rows)
    (visit.output / "crystal1_1").mkdir()
    (visit.output / "crystal1_1" / "summary.json").write_text(json.dumps({"timings": STAGES}))
    return visit


WRITTEN = SimpleNamespace(
    ended={"crystal1_1": 100.0, "crystal2_1": 110.0, "combined/x": 0.0},
    seconds={"crystal1_1": 24.0, "crystal2_1": 24.0},
)
"""A beamline that has written two sweeps."""


def test_times_count_from_the_last_image(visit):
    (one,) = visit.latencies(WRITTEN)
    assert (one.name, one.taken, one.total, one.state) == ("crystal1_1", 1.5, None, "processed")  # there is no MTZ
    (visit.output / "crystal1_1" / "merged.mtz").touch()
    (one,) = visit.latencies(WRITTEN)
    assert (one.total, one.besides) == (20.0, 6.5)
    assert one.known_words.startswith("398 of 600 images searched, the first 250 integrated (0.4 s before")


def test_the_table_says_what_the_time_is_made_of(capsys):
    report = Report()
    tell(Latency("x", 100.0, 24.0, 1.5, 20.0, "processed", STAGES, KNOWN), report)
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["integrate", "10.0"] in lines
    assert ["waiting,", "writing,", "placing", "6.5"] in lines
    assert ["last", "image", "to", "MTZ", "20.0"] in lines
    tell(Latency("x", 100.0, 24.0, 1.5, None, "failed", {}, None), report)
    assert report.failures == [": x is failed"]


class Server:
    """Answers at once, then not at all."""

    def __init__(self):
        self.n = 0

    def fetch(self, place):
        self.n += 1
        if self.n > 2:
            raise OSError("it is gone")
        return 0.1 * self.n, 7

    def events(self):
        yield b"data: {}"


def test_an_open_page_counts_what_it_waits(monkeypatch):
    monkeypatch.setattr("collected.page.EVERY", 0.01)
    with OpenPage(Server()) as page:
        while len(page.failed) < 2:
            time.sleep(0.01)
    assert page.taken == [0.1, 0.2]
    assert page.n_events == 1
    assert page.words.startswith("the page asked 2 times, and heard 1 events: in the middle 150 ms, at worst 200 ms")
    assert "without an answer, the first: it is gone" in page.words
