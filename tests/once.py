"""What is costly to make is made once a run of the suite, by whichever of its processes asks first."""

from __future__ import annotations

import fcntl
import hashlib
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

T = TypeVar("T")
_made: dict[Path, object] = {}


def made_once(tmp_path_factory: pytest.TempPathFactory, what: str, make: Callable[[Path], T]) -> T:
    """The same object for all who ask for `what` in this process; a copy of it in the others. Do not change it.

    make : makes it, and may leave files in the folder that it is given
    """
    folder = shared_folder(tmp_path_factory) / hashlib.sha256(what.encode()).hexdigest()[:20]
    if folder not in _made:
        folder.mkdir(parents=True, exist_ok=True)
        kept = folder / "made.pickle"
        with (folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not kept.exists():
                made = pickle.dumps(make(folder))
                part = kept.with_suffix(".part")
                part.write_bytes(made)
                part.rename(kept)
            _made[folder] = pickle.loads(kept.read_bytes())
    return _made[folder]  # type: ignore[return-value]


def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of this run of the suite, the same for all of its processes."""
    own = tmp_path_factory.getbasetemp()
    return (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "made_once"
