"""Who may see a sweep, and who may have something done with it: as the folder of its images says.

A user sees what he could read himself: he may enter each folder on the way, and read the last. He may ask for something
where he can do so as the folder's owner or as a member of a group, not as one of all users. Lists of access (POSIX
ACLs), as facilities set them for visits, count as the kernel counts them.
"""

from __future__ import annotations

import errno
import os
import stat
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_
from pathlib import PurePosixPath
from typing import NamedTuple

from autoproc.dashboard.access.viewer import Viewer

READ, ENTER = 4, 1
"""Bits of permissions, as Unix has them."""
ACL = "system.posix_acl_access"
USER, OWN_GROUP, GROUP, MASK = 0x02, 0x04, 0x08, 0x10
"""Kinds of entries of an ACL (acl(5)); those of the owner and of all others are in the mode as well."""


class AclEntry(NamedTuple):
    """An entry of an ACL: of a user, a group, the folder's own group, or the most that all these may."""

    kind: int
    bits: int
    number: int


@dataclass(frozen=True, slots=True)
class Folder:
    """What a folder says of who may do what. mode : its nine bits; acl : none where it has no more than those."""

    owner: int
    group: int
    mode: int
    acl: tuple[AclEntry, ...] = ()


class Granted(NamedTuple):
    """What a folder grants a user; is_known : as its owner or as one of a group, not as any user."""

    bits: int
    is_known: bool


def granted(folder: Folder, viewer: Viewer) -> Granted:
    """What a folder grants a user: the first that fits of owner, user of a list, groups, all others."""
    if viewer.uid == folder.owner:
        return Granted(folder.mode >> 6 & 7, True)
    mask = next((entry.bits for entry in folder.acl if entry.kind == MASK), 7)
    for entry in folder.acl:
        if entry.kind == USER and entry.number == viewer.uid:
            return Granted(entry.bits & mask, True)
    return _as_member(folder, viewer, mask)


def _as_member(folder: Folder, viewer: Viewer, mask: int) -> Granted:
    """Any of his groups may grant a bit; all others' bits are for those who are in none of the groups named."""
    own = [entry.bits for entry in folder.acl if entry.kind == OWN_GROUP] or [folder.mode >> 3 & 7]
    fitting = own if folder.group in viewer.groups else []
    fitting = fitting + [e.bits for e in folder.acl if e.kind == GROUP and e.number in viewer.groups]
    if not fitting:
        return Granted(folder.mode & 7, False)
    return Granted(reduce(or_, fitting) & mask, True)


def may_see(way: Sequence[Folder], viewer: Viewer) -> bool:
    """He could read the last of these folders, to which the others lead from the root; none is no folder."""
    if viewer.sees_all:
        return True
    return bool(way) and _may_enter(way, viewer) and bool(granted(way[-1], viewer).bits & READ)


def may_ask(way: Sequence[Folder], viewer: Viewer) -> bool:
    """He sees it, and is its owner or of a group that may read it."""
    return may_see(way, viewer) and (viewer.sees_all or granted(way[-1], viewer).is_known)


def _may_enter(way: Sequence[Folder], viewer: Viewer) -> bool:
    return all(granted(folder, viewer).bits & ENTER for folder in way)


class Ways:
    """The folders on the way to others, each looked at once; to be thrown away after a while, as rights change."""

    def __init__(self) -> None:
        self._folders: dict[str, Folder] = {}

    def to(self, path: str) -> tuple[Folder, ...]:
        """What the folders say on the way to one; none at all where one of them is not to be looked at.

        Links are followed: the folders on the way to their targets count, and those in which the links stand.
        """
        try:
            real = os.path.realpath(path, strict=True)
            steps = [*_above(path), *_above(real), real]
            return tuple(self._at(step) for step in dict.fromkeys(steps))
        except (OSError, ValueError):
            return ()

    def _at(self, path: str) -> Folder:
        if path not in self._folders:
            self._folders[path] = looked_at(path)
        return self._folders[path]


def _above(path: str) -> list[str]:
    return [str(folder) for folder in reversed(PurePosixPath(path).parents)]


def looked_at(path: str) -> Folder:
    """What a folder says. Raises OSError, also where it is none."""
    status = os.stat(path)
    if not stat.S_ISDIR(status.st_mode):
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), path)
    return Folder(status.st_uid, status.st_gid, status.st_mode & 0o777, _acl_of(path))


def _acl_of(path: str) -> tuple[AclEntry, ...]:
    try:
        value = os.getxattr(path, ACL)
    except OSError as error:
        if error.errno in (errno.ENODATA, errno.EOPNOTSUPP):
            return ()
        raise
    return read_acl(value)


def read_acl(value: bytes) -> tuple[AclEntry, ...]:
    """An ACL as the kernel tells it: a version, then kind, bits and number of each entry. Raises OSError."""
    if len(value) < 4 or (len(value) - 4) % 8 or struct.unpack_from("<I", value)[0] != 2:
        raise OSError(errno.EINVAL, "a list of access of another kind")
    return tuple(AclEntry(*fields) for fields in struct.iter_unpack("<HHI", value[4:]))
