"""The queue's file in SQLite: opened patiently, with the tables of schema.sql."""

from __future__ import annotations

import errno
import os
import sqlite3
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from importlib.resources import files
from pathlib import Path

from autoproc.errors import InputError

VERSION = 6
"""Of the tables, as schema.sql makes them."""
ADDED = (
    (1, "jobs ADD COLUMN asked_at REAL"), (2, "programs ADD COLUMN n_more INTEGER NOT NULL DEFAULT 0"),
    (5, "jobs ADD COLUMN executor TEXT"), (5, "jobs ADD COLUMN handle TEXT"),
)  # fmt: skip
"""What tables of earlier versions lack, and the last version without it."""
STATES_BEFORE_5, STATES = "'set_aside', 'listed'))", "'set_aside', 'listed', 'not_combined'))"
"""The end of the list of states, before version 5 and since."""
WIDEN = f"""
BEGIN IMMEDIATE;
PRAGMA writable_schema = ON;
UPDATE sqlite_master SET sql = replace(sql, "{STATES_BEFORE_5}", "{STATES}") WHERE type = 'table' AND name = 'jobs';
PRAGMA writable_schema = RESET;
COMMIT;
"""
"""SQLite's way of changing a check that no row can break, without writing the table anew
(https://www.sqlite.org/lang_altertable.html)."""
PATIENCE = 30.0
"""Seconds to wait for another program's transaction."""
TICK = 0.001
"""Seconds by which a sign of life grows at least, so that it is another than the one before on any clock."""


class BadQueue(InputError):
    """A file that is no queue, or a damaged one."""

    what = "the queue {path} cannot be opened ({reason})"
    hint = (
        "if this user may write there, the file is damaged: move it away; results are kept, and sweeps are "
        "processed once more"
    )


class QueueGone(InputError):
    """The queue's file was taken away from under a program that works with it."""

    what = "the queue {path} was deleted, moved, or replaced while a program was at work with it"
    hint = (
        "results so far stay: move the folder back where it was moved, and start `autoproc run` again; without its "
        "queue it begins a new one, and processes the sweeps once more"
    )


def opened(path: Path | str, journal: str, patience: float = PATIENCE) -> sqlite3.Connection:
    """The queue's file, with the tables; made if there is none. Raises sqlite3.DatabaseError.

    journal : as SQLite calls it; "" leaves it as it is; patience : seconds to wait for another program's transaction
    """
    db = sqlite3.connect(path, timeout=patience, isolation_level=None)
    db.row_factory = sqlite3.Row
    try:
        if journal:
            _patiently(db, f"PRAGMA journal_mode = {journal}")
        db.execute("PRAGMA synchronous = FULL")
        _make_tables(db)
    except BaseException:
        db.close()
        raise
    return db


def _make_tables(db: sqlite3.Connection) -> None:
    """Make the tables, or add what they had not in earlier versions."""
    version = db.execute("PRAGMA user_version").fetchone()[0]
    for last, addition in ADDED:
        if 0 < version <= last:
            with suppress(sqlite3.OperationalError):  # another program does it at the same time
                _patiently(db, f"ALTER TABLE {addition}")
    if 0 < version < 5:
        _patiently(db, WIDEN)
    if version < VERSION:
        _patiently(db, files("autoproc.service.job_queue").joinpath("schema.sql").read_text("utf-8"))


def _patiently(db: sqlite3.Connection, statement: str) -> None:
    """Change journal or schema: SQLite does not wait by itself for others to finish theirs."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            db.executescript(statement)
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def identity(path: Path | str) -> tuple[int, int] | None:
    """What tells the file from another of its name; None where there is none. Raises OSError."""
    try:
        status = os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    return status.st_dev, status.st_ino


def devices(path: Path | str) -> dict[Path, int]:
    """The devices of the folders above a file."""
    return {folder: os.stat(folder).st_dev for folder in Path(path).absolute().parents}


def disk_is_away(
    path: Path | str, before: Mapping[Path, int], stat: Callable[[Path], os.stat_result] = os.stat
) -> bool:
    """A file that is not there is not deleted, but its disk is away: what was mounted above it is not mounted now.

    before : devices of the folders above it when it was there
    """
    below: Path | None = None
    for folder in Path(path).absolute().parents:
        try:
            device = stat(folder).st_dev
        except (FileNotFoundError, NotADirectoryError):
            below = folder
            continue
        return device != before[folder] or (below is not None and before[below] != before[folder])
    return False


class FileInPlace:
    """The queue's file as it was when it was opened; path : where it has to be."""

    def __init__(self, path: Path | str) -> None:
        self._path = path
        self._identity, self._devices = identity(path), devices(path)

    def require(self) -> None:
        """Raises QueueGone where it is not there any more, and OSError while the disk that it is on is away."""
        try:
            there = identity(self._path)
            is_gone = there is None and not disk_is_away(self._path, self._devices)
        except OSError:  # whoever uses the file says so
            return
        if is_gone or there not in (None, self._identity):
            raise QueueGone(path=self._path)
        if there is None:
            raise OSError(errno.ENOENT, "its disk is not mounted any more; waiting for it", str(self._path))


def renewed(column: str, value: str) -> str:
    """SQL for a sign of life: a time that grows whenever it is given, though the clock stand still or go back."""
    return f"CASE WHEN {column} >= {value} THEN {column} + {TICK} ELSE {value} END"
