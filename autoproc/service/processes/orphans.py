"""Processes that end with the one that has begun them."""

from __future__ import annotations

import ctypes
import os
import signal
from contextlib import suppress

PR_SET_PDEATHSIG = 1
ORPHANED = 4
"""Exit status of a worker whose program is gone."""


def die_with_parent() -> None:
    """Have the kernel kill this process when the one that has begun it ends, however it ends (Linux)."""
    parent = os.getppid()
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(ORPHANED)
