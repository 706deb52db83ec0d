"""A queue whose disk is away is not taken for one that was deleted."""

from __future__ import annotations

import os
import sqlite3
from importlib.resources import files
from pathlib import Path
from types import SimpleNamespace

import pytest

from autoproc.service.job_queue import queue_tables
from autoproc.service.job_queue.jobs import JobQueue
from autoproc.service.job_queue.queue_tables import QueueGone, disk_is_away, opened

FILE = Path("/mnt/server/out/.autoproc/queue.sqlite")
BEFORE = {Path("/"): 1, Path("/mnt"): 1, Path("/mnt/server"): 7, FILE.parents[1]: 7, FILE.parents[0]: 7}


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ({"/": 1, "/mnt": 1, "/mnt/server": 1}, True),  # the mount point is empty
        ({"/": 1, "/mnt": 1}, True),  # the automounter has removed it
        ({"/": 1, "/mnt": 1, "/mnt/server": 7}, False),  # the folder of results was deleted
        ({"/": 1, "/mnt": 1, "/mnt/server": 7, "/mnt/server/out": 7}, False),  # the queue was
        ({"/": 1, "/mnt": 1, "/mnt/server": 9}, True),  # another disk is there
    ],
)
def test_what_is_away(now, expected):
    def stat(path):
        if str(path) not in now:
            raise FileNotFoundError(path)
        return SimpleNamespace(st_dev=now[str(path)])

    assert disk_is_away(FILE, BEFORE, stat) is expected


def test_a_queue_that_is_away_is_waited_for(tmp_path, monkeypatch):
    path = tmp_path / "queue.sqlite"
    queue = JobQueue(path)
    path.rename(tmp_path / "aside")
    with pytest.raises(QueueGone):
        queue.require_file()
    monkeypatch.setattr(queue_tables, "disk_is_away", lambda *_: True)
    with pytest.raises(OSError, match="not mounted any more; waiting"):
        queue.require_file()
    (tmp_path / "aside").rename(path)
    queue.require_file()
    queue.close()


def test_a_queue_of_before_version_5_learns_of_groups_that_were_not_combined(tmp_path):
    path = tmp_path / "queue.sqlite"
    schema = files("autoproc.service.job_queue").joinpath("schema.sql").read_text("utf-8")
    old = sqlite3.connect(path)
    old.executescript(schema.replace(", 'not_combined'", "").replace("user_version = 6", "user_version = 4"))
    row = "INSERT INTO jobs (fingerprint, name, path, kind, n_images, state, found_at, completed_at) VALUES "
    old.execute(f"{row} ('f', 'combined/x', '/x', 'combined', 9, 'failed', 0, 0)")
    old.commit()
    with pytest.raises(sqlite3.IntegrityError):
        old.execute("UPDATE jobs SET state = 'not_combined'")
    old.close()
    for _ in range(2):
        db = opened(path, "wal")
        db.execute("UPDATE jobs SET state = 'not_combined'")
        assert db.execute("SELECT name, state FROM jobs").fetchall()[0]["state"] == "not_combined"
        assert db.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        with pytest.raises(sqlite3.IntegrityError):
            db.execute("UPDATE jobs SET state = 'nonsense'")
        db.close()


def test_a_file_that_is_no_database_is_not_kept_open(tmp_path):
    path = tmp_path / "queue.sqlite"
    path.write_bytes(b"no database at all " * 100)
    with pytest.raises(sqlite3.DatabaseError, match="not a database"):
        opened(path, "")
    assert str(path) not in {os.path.realpath(link) for link in Path("/proc/self/fd").iterdir()}
