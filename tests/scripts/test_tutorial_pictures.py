"""The pictures of the tutorial: each is there, is shown, and is one that the script takes."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
LARGEST = 200_000
"""Bytes: larger ones make the repository slow to fetch."""


def test_every_picture_is_there_and_shown():
    shown = re.findall(r"!\[[^\]]+\]\(pictures/(\w+)\.png\)", (DOCS / "tutorial.md").read_text())
    there = {path.stem for path in (DOCS / "pictures").iterdir()}
    taken = set(re.findall(r'Picture\("(\w+)"', (ROOT / "scripts" / "tutorial_pictures").read_text()))
    assert shown
    assert len(shown) == len(set(shown))
    assert set(shown) == there == taken


def test_pictures_are_small():
    sizes = {path.name: path.stat().st_size for path in (DOCS / "pictures").iterdir()}
    assert {name: size for name, size in sizes.items() if size > LARGEST} == {}
