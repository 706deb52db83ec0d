"""Where the queue's file is, and the journal that the file system allows."""

from __future__ import annotations

import os
import re
from pathlib import Path

from autoproc.service.jobs import JobQueue
from autoproc.service.outputs import Outputs
from autoproc.service.params import ServiceParams

SHARED = re.compile(r"(nfs|cifs|smb|gpfs|lustre|beegfs|ceph|afs|glusterfs|9p|fuse\.|panfs|ocfs2|gfs2|orangefs)")
"""Types of file systems that other machines may write to."""
MOUNTS = Path("/proc/self/mounts")


def queue_path(outputs: Outputs) -> Path:
    """The queue's file."""
    return outputs.state / "queue.sqlite"


def open_queue(outputs: Outputs, params: ServiceParams) -> JobQueue:
    """The queue of a folder of results; made if there is none. Raises sqlite3.OperationalError."""
    journal = params.journal
    if journal == "auto":
        journal = "delete" if SHARED.match(file_system(outputs.state)) else "wal"
    return JobQueue(queue_path(outputs), journal)


def file_system(path: Path, mounts: Path = MOUNTS) -> str:
    """The type of the file system that a path is on; "" if it is not known."""
    try:
        lines = mounts.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    place, found = os.path.realpath(path), ("", "")
    for line in lines:
        _, mounted, kind, *_ = line.split(" ")
        folder = mounted.encode().decode("unicode_escape").rstrip("/")
        if (place + "/").startswith(folder + "/") and len(folder) >= len(found[0]):
            found = (folder, kind)
    return found[1]
