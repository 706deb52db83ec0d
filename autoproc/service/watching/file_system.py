"""Whether the kernel tells what happens in a directory, or one has to look."""

from __future__ import annotations

import ctypes
import os
import re
import select
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from autoproc.service.watching.params import WatchParams

MOUNTS = Path("/proc/self/mountinfo")
IN_OPEN, IN_NONBLOCK, IN_CLOEXEC = 0x20, 0o4000, 0o2000000
LONGEST_WAIT_MS = 500


@dataclass(frozen=True, slots=True)
class Mount:
    """A mounted file system: where, and its type, such as ext4 or nfs4."""

    point: Path
    kind: str


def parsed_mounts(text: str) -> list[Mount]:
    """The mounts of /proc/self/mountinfo, in its order."""
    mounts = []
    for line in text.splitlines():
        before, _, after = line.partition(" - ")
        if len(before.split()) >= 5 and after.split():
            point = re.sub(r"\\([0-7]{3})", lambda m: chr(int(m.group(1), 8)), before.split()[4])
            mounts.append(Mount(Path(point), after.split()[0]))
    return mounts


def mount_of(path: Path, mounts: list[Mount]) -> Mount | None:
    """The mount that holds a path: the nearest above it, the last of several at one place."""
    above = {path, *path.parents}
    holding = [mount for mount in mounts if mount.point in above]
    return max(reversed(holding), key=lambda mount: len(mount.point.parts), default=None)


def mounts_now() -> list[Mount]:
    """The mounts of this process; none where the system does not say."""
    try:
        return parsed_mounts(MOUNTS.read_text(errors="surrogateescape"))
    except OSError:
        return []


def has_events(path: Path, params: WatchParams, mounts: list[Mount] | None = None) -> bool:
    """Whether events are to be used for a directory: as configured, or on local disks where they do come."""
    if params.method != "auto":
        return params.method == "native"
    try:
        real = path.resolve()
    except OSError:
        return False
    mount = mount_of(real, mounts_now() if mounts is None else mounts)
    return mount is not None and mount.kind in params.local_file_systems and events_come(real)


def events_come(directory: Path) -> bool:
    """Try it: open a directory and wait for the event that this must give. Nothing is written.

    It fails where the system's limits of watches are reached, and on systems without inotify. That it succeeds
    says nothing of other machines: those are judged by the type of the file system.
    """
    if not sys.platform.startswith("linux"):
        return False
    library = ctypes.CDLL(None, use_errno=True)
    handle = library.inotify_init1(IN_NONBLOCK | IN_CLOEXEC)
    if handle < 0:
        return False
    try:
        if library.inotify_add_watch(handle, os.fsencode(directory), IN_OPEN) < 0:
            return False
        os.close(os.open(directory, os.O_RDONLY | os.O_DIRECTORY))
        waiting = select.poll()
        waiting.register(handle, select.POLLIN)
        return bool(waiting.poll(LONGEST_WAIT_MS))
    except OSError:
        return False
    finally:
        os.close(handle)
