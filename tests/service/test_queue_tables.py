"""A queue whose disk is away is not taken for one that was deleted."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from autoproc.service import jobs
from autoproc.service.jobs import JobQueue
from autoproc.service.queue_tables import QueueGone, is_away

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

    assert is_away(FILE, BEFORE, stat) is expected


def test_a_queue_that_is_away_is_waited_for(tmp_path, monkeypatch):
    path = tmp_path / "queue.sqlite"
    queue = JobQueue(path)
    path.rename(tmp_path / "aside")
    with pytest.raises(QueueGone):
        queue.require_file()
    monkeypatch.setattr(jobs, "is_away", lambda *_: True)
    with pytest.raises(OSError, match="not mounted any more; waiting"):
        queue.require_file()
    (tmp_path / "aside").rename(path)
    queue.require_file()
    queue.close()
