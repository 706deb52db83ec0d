"""Where the queue's file is, and the journal that its file system allows."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING

from autoproc.service.job_queue.jobs import JobQueue
from autoproc.service.job_queue.queue_tables import PATIENCE, BadQueue
from autoproc.service.results.outputs import Outputs
from autoproc.service.watching.file_system import mount_of, mounts_now

if TYPE_CHECKING:
    from autoproc.service.params import ServiceParams
    from autoproc.service.watching.params import WatchParams


def queue_path(outputs: Outputs) -> Path:
    """The queue's file."""
    return outputs.state / "queue.sqlite"


def open_queue(outputs: Outputs, params: ServiceParams, watch: WatchParams) -> JobQueue:
    """The queue of a folder of results; made if there is none. Raises BadQueue."""
    journal = params.journal
    if journal == "auto":
        journal = "wal" if is_local(outputs.state, watch.local_file_systems) else "delete"
    return _opened(outputs, journal)


def queue_there(outputs: Outputs, patience: float = PATIENCE) -> JobQueue:
    """The queue of a folder of results that has one, with the journal that `autoproc run` gave it. Raises BadQueue.

    patience : seconds to wait for another program's transaction
    """
    return _opened(outputs, "", patience)


def _opened(outputs: Outputs, journal: str, patience: float = PATIENCE) -> JobQueue:
    try:
        return JobQueue(queue_path(outputs), journal, patience=patience)
    except sqlite3.DatabaseError as error:
        raise BadQueue(path=queue_path(outputs), reason=error) from error


def is_local(path: Path, local_file_systems: tuple[str, ...]) -> bool:
    """No other machine writes to the path's file system; one of unknown type may be shared."""
    mount = mount_of(path.resolve(), mounts_now())
    return mount is not None and mount.kind in local_file_systems
