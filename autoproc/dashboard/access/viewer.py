"""Who looks at the pages: a user of this machine as a web server in front has named him, or somebody with our link."""

from __future__ import annotations

import grp
import os
import pwd
import re
import time
from collections.abc import Callable
from dataclasses import dataclass

FRESH = 300.0
"""Seconds for which a user's groups are taken to be the same: directories of users are asked over the network."""
MOST_KNOWN = 1000
"""Users remembered at a time."""
NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}")
"""A name that users of Unix have; no realm, no domain, nothing that a header could smuggle in."""


@dataclass(frozen=True, slots=True)
class Viewer:
    """Somebody who looks.

    name : for people; uid, groups : by which folders know him; sees_all : he is of the staff, or has our link
    """

    name: str
    uid: int = -1
    groups: frozenset[int] = frozenset()
    sees_all: bool = False


HOLDER = Viewer("", sees_all=True)
"""Whoever has the link: he who started the server, or somebody to whom he gave it."""


class People:
    """The users of this machine; staff : the group whose members see all, "" for none."""

    def __init__(self, staff: str = "", clock: Callable[[], float] = time.monotonic) -> None:
        self._staff, self._clock = staff, clock
        self._known: dict[str, tuple[float, Viewer | None]] = {}

    def remembered(self, name: str) -> tuple[Viewer | None, bool]:
        """The user of a name, and whether that is known without asking anybody."""
        found_at, viewer = self._known.get(name, (-FRESH, None))
        return viewer, self._clock() - found_at < FRESH

    def named(self, name: str) -> Viewer | None:
        """The user of a name, with his groups as they are now; None where this machine has none. May take seconds."""
        if not NAME.fullmatch(name):
            return None
        if len(self._known) >= MOST_KNOWN:
            self._known.clear()
        viewer = self._looked_up(name)
        self._known[name] = (self._clock(), viewer)
        return viewer

    def _looked_up(self, name: str) -> Viewer | None:
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            return None
        groups = frozenset(os.getgrouplist(user.pw_name, user.pw_gid))
        return Viewer(user.pw_name, user.pw_uid, groups, self._staff_number() in groups)

    def _staff_number(self) -> int | None:
        try:
            return grp.getgrnam(self._staff).gr_gid if self._staff else None
        except KeyError:
            return None
