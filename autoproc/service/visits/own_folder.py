"""Results in their visit's own folder, with its owner and permissions: linked where the disk is the same, else copied.

Whoever owns a visit may put links in the way at any moment: every folder is opened from the visit's on, and no link is
followed. What is there before stays until the new results are whole, and what others have put beside them is kept.
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from autoproc.service.visits.params import VisitParams

FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
NO_LINKS = (errno.EXDEV, errno.EPERM, errno.EMLINK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EACCES)
"""What a system says that cannot link a file there, or does not let this program."""
PIECE = 1 << 20
COARSEST_TIME = 2.0
"""Seconds to which some file systems keep the times of files (FAT); processing anew takes longer."""
SUMMARY = "summary.json"


@dataclass(frozen=True, slots=True)
class Rights:
    """Owner, group and permissions of results. uid, gid : -1 leaves them; mode : of folders, None leaves it."""

    uid: int = -1
    gid: int = -1
    mode: int | None = None

    @classmethod
    def of(cls, params: VisitParams, visit: os.stat_result) -> Rights:
        """As configured, for a visit. Only root can give files away: others give them a group of theirs."""
        mode = int(params.permissions, 8) if params.permissions else None
        if not params.owner_of_visit:
            return cls(mode=mode)
        return cls(visit.st_uid if os.geteuid() == 0 else -1, visit.st_gid, mode)

    def give(self, number: int) -> None:
        """To an open file or folder. Raises OSError where the system does not let us."""
        status = os.fstat(number)
        uid = status.st_uid if self.uid == -1 else self.uid
        gid = status.st_gid if self.gid == -1 else self.gid
        if (uid, gid) != (status.st_uid, status.st_gid):
            os.fchown(number, uid, gid)
        if self.mode is not None:
            os.fchmod(number, self.mode if stat.S_ISDIR(status.st_mode) else self.mode & 0o666)


def put_into_visit(
    results: Path, name: str, visit: Path, params: VisitParams, is_ours: Callable[[str], bool]
) -> Path | None:
    """Put results of a sweep or group into its visit's folder; returns where, None where they are there already.

    is_ours : whether we write what has a name in a folder of results. Raises OSError.
    """
    *between, last = (*params.inner_folders, *name.split("/"))
    place = visit.joinpath(*between, last)
    with _opened(os.open(results, FOLDER)) as source, _opened(os.open(visit, FOLDER)) as top:
        whole = Path(f"/proc/self/fd/{source}")  # the folder itself, though another take its place meanwhile
        rights = Rights.of(params, os.fstat(top))
        with _within(top, between, rights) as folder:
            if _is_same(whole, folder, last):
                return None
            new, old = f".{last}.new", f".{last}.old"
            for left in (new, old):
                _remove(left, folder)
            _fill(whole, new, folder, rights, is_ours)
            if _kind(last, folder) not in (None, stat.S_IFDIR):
                raise FileExistsError(errno.EEXIST, "something that is no folder is in the way", str(place))
            with suppress(FileNotFoundError):
                os.rename(last, old, src_dir_fd=folder, dst_dir_fd=folder)
            os.rename(new, last, src_dir_fd=folder, dst_dir_fd=folder)
            _keep_foreign(old, last, folder, is_ours)
            os.fsync(folder)
            _remove(old, folder)
    return place


@contextmanager
def _opened(number: int) -> Iterator[int]:
    try:
        yield number
    finally:
        os.close(number)


@contextmanager
def _within(top: int, names: Sequence[str], rights: Rights) -> Iterator[int]:
    """The folder at the end of a way down, made where it is not there."""
    number = os.dup(top)
    try:
        for name in names:
            is_new = False
            with suppress(FileExistsError):
                os.mkdir(name, dir_fd=number)
                is_new = True
            inner = os.open(name, FOLDER, dir_fd=number)
            os.close(number)
            number = inner
            if is_new:
                rights.give(number)
        yield number
    finally:
        os.close(number)


def _kind(name: str, folder: int) -> int | None:
    """What has a name: a folder, a link, a file; None for nothing."""
    try:
        return stat.S_IFMT(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode)
    except FileNotFoundError:
        return None


def _is_same(results: Path, folder: int, name: str) -> bool:
    """The summaries are the same file, or copies of one: they are written last, and anew for every change."""
    try:
        here = os.stat(results / SUMMARY)
        with _opened(os.open(name, FOLDER, dir_fd=folder)) as there:
            other = os.stat(SUMMARY, dir_fd=there, follow_symlinks=False)
            texts = [os.stat("summary.txt", dir_fd=there, follow_symlinks=False), os.stat(results / "summary.txt")]
    except OSError:
        return False
    return all(_is_copy(one, two) for one, two in ((here, other), texts))


def _is_copy(one: os.stat_result, other: os.stat_result) -> bool:
    return one.st_size == other.st_size and abs(one.st_mtime - other.st_mtime) <= COARSEST_TIME


def _fill(source: Path, name: str, folder: int, rights: Rights, is_ours: Callable[[str], bool]) -> None:
    """A new folder with all of ours that is in another; of a folder within all of it."""
    os.mkdir(name, dir_fd=folder)
    with _opened(os.open(name, FOLDER, dir_fd=folder)) as number, os.scandir(source) as entries:
        if os.geteuid() == 0 and os.fstat(number).st_uid != 0:  # laid there meanwhile, to be given what is root's
            raise PermissionError(errno.EPERM, "somebody else has made a folder in its place", name)
        for entry in entries:
            if entry.is_symlink() or not is_ours(entry.name):
                continue
            if entry.is_dir(follow_symlinks=False):
                _fill(Path(entry.path), entry.name, number, rights, lambda _: True)
            elif entry.is_file(follow_symlinks=False):
                _put(entry.path, entry.name, number, rights)
        rights.give(number)
        os.fsync(number)


def _put(source: str, name: str, folder: int, rights: Rights) -> None:
    """A file: linked, or copied with its time."""
    try:
        os.link(source, name, dst_dir_fd=folder, follow_symlinks=False)
    except OSError as error:
        if error.errno not in NO_LINKS:
            raise
        _copy(source, name, folder)
    with _opened(os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)) as number:
        rights.give(number)


def _copy(source: str, name: str, folder: int) -> None:
    with open(source, "rb") as read, _opened(os.open(name, NEW_FILE, 0o666, dir_fd=folder)) as number:
        while piece := read.read(PIECE):
            while piece:
                piece = piece[os.write(number, piece) :]
        status = os.fstat(read.fileno())
        os.utime(number, ns=(status.st_atime_ns, status.st_mtime_ns))
        os.fsync(number)


def _keep_foreign(old: str, new: str, folder: int, is_ours: Callable[[str], bool]) -> None:
    """What others have put beside the results before goes along."""
    if _kind(old, folder) != stat.S_IFDIR:
        return
    with _opened(os.open(old, FOLDER, dir_fd=folder)) as before, _opened(os.open(new, FOLDER, dir_fd=folder)) as now:
        for name in os.listdir(before):
            if not is_ours(name) and _kind(name, now) is None:
                os.rename(name, name, src_dir_fd=before, dst_dir_fd=now)


def _remove(name: str, folder: int) -> None:
    """Whatever has a name, if anything; links are removed, not followed."""
    kind = _kind(name, folder)
    if kind == stat.S_IFDIR:
        shutil.rmtree(name, dir_fd=folder)
    elif kind is not None:
        os.unlink(name, dir_fd=folder)
