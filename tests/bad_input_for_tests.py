"""Damaged copies of a small sweep, and what a person finds of them."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path

FEW = {"n_images": 20, "d_min": 2.6, "hot_pixels": 0}


def take_at_once(good, patch):
    """In place of the stages."""

    def process(processing, config, observer):
        for name in good.__slots__:
            if name not in ("experiment", "warnings"):
                setattr(processing, name, getattr(good, name))
        processing.timings, processing.decisions = dict(good.timings), list(good.decisions)
        observer.keep("scaled", good.scaled.experiments, good.scaled.reflections)

    patch.setattr("autoproc.service.processing.process_sweep.process_sensibly", process)


def summary_of(folder: Path) -> dict:
    """summary.json of a failed sweep, checked against what a person finds beside it."""
    summary = json.loads((folder / "summary.json").read_text())
    text = " ".join((folder / "summary.txt").read_text().split())
    assert summary["status"] == "failed"
    assert "FAILED" in text
    assert " ".join(summary["error"].split()) in text
    assert summary["error_hint"]
    assert summary["error"].split()[-1] in html.unescape((folder / "report.html").read_text())
    assert not (folder / "merged.mtz").exists()
    assert not list(folder.glob(".*part"))
    return summary


def warnings_of(folder: Path, words: str) -> list[str]:
    """Those in summary.json that hold some words."""
    return [w for w in json.loads((folder / "summary.json").read_text())["warnings"] if words in w]


def keep_bytes(path: Path, fraction: float) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: int(fraction * len(content))])


def change_header(path: Path, pattern: bytes, replacement: bytes) -> None:
    content = path.read_bytes()
    changed, n = re.subn(pattern, replacement, content, count=1)
    assert n == 1
    path.write_bytes(changed)
