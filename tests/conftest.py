"""Make tests/ importable, so that tests share helpers such as tests/shared_data.py."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from hypothesis import settings

sys.path.insert(0, str(Path(__file__).resolve().parent))

os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # else each program that a test starts compiles all of it anew

settings.register_profile("deterministic", derandomize=True, deadline=None)
settings.load_profile("deterministic")
