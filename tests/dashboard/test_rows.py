"""How far a sweep is, taken apart for a bar: wherever it is processed."""

from __future__ import annotations

import pytest

from autoproc.dashboard.rows import PROGRESS


@pytest.mark.parametrize(
    ("progress", "doing", "percent", "where"),
    [
        ("Integrating 30%", "Integrating", "30", None),
        ("Indexing", "Indexing", None, None),
        ("Finding spots 60% (Slurm, job 7, on n3)", "Finding spots", "60", " (Slurm, job 7, on n3)"),
        ("Integrating 30%; on this machine, as none come", "Integrating", "30", "; on this machine, as none come"),
        ("waits at Slurm, job 7, partition mx (Priority)", "waits at Slurm, job 7, partition mx", None, " (Priority)"),
    ],
)  # fmt: skip
def test_progress_is_taken_apart(progress, doing, percent, where):
    found = PROGRESS.fullmatch(progress)
    assert (found["doing"], found["percent"], found["where"]) == (doing, percent, where)
