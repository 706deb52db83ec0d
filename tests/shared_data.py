"""Where the shared example data lie; tests that need them skip where they are absent."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

SHARED = Path(os.environ.get("AUTOPROC_SHARED", Path(__file__).resolve().parents[2] / "shared")) / "data"


def shared(relative: str) -> Path:
    """A path below the shared data; skips the calling test where it is absent."""
    path = SHARED / relative
    if not path.exists():
        pytest.skip(f"needs the shared data ({relative})")
    return path
