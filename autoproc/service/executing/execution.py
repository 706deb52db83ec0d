"""One execution of an order that lies in a folder, on whatever machine; there may be several of one order.

A job may be put back by its scheduler, or run twice after a node was out of reach. So each execution writes into a
folder of its own, with the outcome in it, and renames it to the folder of the attempt when it is whole and on the
disk. The first to do so has done the work; others find the name taken. An order that is withdrawn is carried out by
nobody.

AWAY/order.json     the order; gone when it is withdrawn
AWAY/TOKEN/         what an execution has written so far
AWAY/TOKEN.json     what it is at
"""

from __future__ import annotations

import errno
import json
import os
import secrets
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from autoproc.service.executing.worker import Processing, carry_out
from autoproc.service.processing.order import Order
from autoproc.service.results.outputs import ORDER, OUTCOME_INSIDE, sync_folder

BEAT = 5.0
"""Seconds between two signs of life, and two looks whether the order still stands."""
NOT_WRITTEN = os.EX_IOERR
"""Exit status where the results could not be written: the disk's fault, not the sweep's."""
TAKEN = (errno.ENOTEMPTY, errno.EEXIST)


def read_order(away: Path) -> Order | None:
    """The order in a folder, as an execution carries it out; None where it was withdrawn."""
    try:
        order = Order.read((away / ORDER).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    own = away / f"{os.uname().nodename}.{os.getpid()}.{secrets.token_hex(4)}"
    return replace(order, folder=own, outcome=own / OUTCOME_INSIDE, place=order.folder)


def execute(away: Path, processing: Processing) -> int:
    """Carry out the order in a folder; returns the exit status. Nothing to do is no error."""
    order = read_order(away)
    if order is None:
        print("the order was withdrawn: there is nothing to do")
        return 0
    try:
        order.folder.mkdir()
        with heard_of(StatusFile(away, order.folder.name)) as status:
            carry_out(order, status, processing)
        return hand_in(order, away)
    except OSError as error:
        print(f"the results could not be written: {error}")
        return NOT_WRITTEN


def hand_in(order: Order, away: Path) -> int:
    """Make what an execution has written that of the attempt, unless it is withdrawn or another was first."""
    assert order.place is not None
    if not order.outcome.exists():
        return NOT_WRITTEN
    try:
        if (away / ORDER).exists():
            order.folder.rename(order.place)
            sync_folder(order.place.parent)
            return 0
    except OSError as error:
        if error.errno not in TAKEN:
            raise
    shutil.rmtree(order.folder, ignore_errors=True)
    return 0


@dataclass(frozen=True, slots=True)
class SignOfLife:
    """What an execution has told last. n : grows with each sign of life; said : all that is to be told to people."""

    host: str
    doing: str
    said: tuple[str, ...]
    n: int


def last_told(away: Path) -> SignOfLife | None:
    """What the execution that has written last has told; None where none has begun, or all is half written."""
    latest: tuple[float, Path] | None = None
    with suppress(OSError):
        for entry in os.scandir(away):
            if entry.name.endswith(".json") and entry.name != ORDER:
                latest = max(filter(None, (latest, (entry.stat().st_mtime, Path(entry.path)))))
    if latest is None:
        return None
    try:
        told = json.loads(latest[1].read_text(encoding="utf-8"))
        return SignOfLife(str(told["host"]), str(told["doing"]), tuple(map(str, told["said"])), int(told["n"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


class StatusFile:
    """The file in which an execution tells what it is at."""

    def __init__(self, away: Path, token: str) -> None:
        self.away, self._path = away, away / f"{token}.json"
        self.doing, self._said, self._n = "", list[str](), 0
        self._lock = threading.Lock()

    def send(self, message: str, **facts: Any) -> None:
        """Tell what it is at, or what people are to be told; that it is done, the outcome says."""
        if message == "progress":
            self.doing = facts["doing"]
        elif message == "say":
            self._said.append(facts["text"])
        self.beat()

    def beat(self) -> None:
        """Replace the file, so that it is another and nobody reads half of it; a full disk is no reason to stop."""
        with self._lock, suppress(OSError):
            self._n += 1
            told = {"host": os.uname().nodename, "doing": self.doing, "said": self._said, "n": self._n}
            part = self._path.with_suffix(".part")
            part.write_text(json.dumps(told), encoding="utf-8")
            part.replace(self._path)


@contextmanager
def heard_of(status: StatusFile, every: float = BEAT) -> Iterator[StatusFile]:
    """A sign of life every so many seconds meanwhile. Where the order is withdrawn, this process ends."""
    is_over = threading.Event()

    def beat_on() -> None:
        while not is_over.wait(every):
            if not (status.away / ORDER).exists():
                print("the order was withdrawn", flush=True)
                os._exit(0)
            status.beat()

    thread = threading.Thread(target=beat_on, name="status", daemon=True)
    status.beat()
    thread.start()
    try:
        yield status
    finally:
        is_over.set()
        thread.join(every)
