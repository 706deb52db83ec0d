"""The journal follows the file system."""

from __future__ import annotations

from pathlib import Path

import pytest

from autoproc.service import queue_file
from autoproc.service.params import ServiceParams
from autoproc.service.queue_file import open_queue, queue_there
from autoproc.service.results.outputs import Outputs
from autoproc.service.watching.file_system import Mount
from autoproc.service.watching.params import WatchParams


@pytest.mark.parametrize(
    ("kind", "journal", "mode"),
    [
        ("ext4", "auto", "wal"), ("nfs4", "auto", "delete"), ("gpfs", "auto", "delete"), ("new", "auto", "delete"),
        ("nfs4", "wal", "wal"), ("ext4", "delete", "delete"),
    ],
)  # fmt: skip
def test_journal(tmp_path, monkeypatch, kind, journal, mode):
    monkeypatch.setattr(queue_file, "mounts_now", lambda: [Mount(Path("/"), "ext4"), Mount(tmp_path, kind)])
    outputs = Outputs(tmp_path / "out")
    outputs.make_folders()
    queue = open_queue(outputs, ServiceParams(journal=journal), WatchParams())
    assert queue._db.execute("PRAGMA journal_mode").fetchone()[0] == mode
    queue.close()


@pytest.mark.parametrize("journal", ["wal", "delete"])
def test_who_only_looks_at_a_queue_leaves_its_journal(tmp_path, journal):
    outputs = Outputs(tmp_path / "out")
    outputs.make_folders()
    open_queue(outputs, ServiceParams(journal=journal), WatchParams()).close()
    queue = queue_there(outputs)
    assert queue._db.execute("PRAGMA journal_mode").fetchone()[0] == journal
    queue.close()
