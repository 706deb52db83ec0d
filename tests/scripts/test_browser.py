"""A browser that is not there is named, and nothing fails for it."""

from __future__ import annotations

import subprocess
from pathlib import Path

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "browser"


def said(path: Path, *arguments: str) -> str:
    command = ["/bin/sh", SCRIPT, *arguments]
    return subprocess.run(command, check=True, env={"PATH": str(path)}, capture_output=True, text=True).stderr


def test_one_that_is_there_needs_no_words(tmp_path):
    stand_in = tmp_path / "chromium"
    stand_in.write_text("#!/bin/sh\n")
    stand_in.chmod(0o755)
    assert said(tmp_path) == ""


def test_one_that_is_not_is_named(tmp_path):
    assert "apt install chromium" in said(tmp_path)
