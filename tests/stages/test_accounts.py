"""Each stage says how many observations it read, used and left out for what; the numbers add up, and hang together."""

from __future__ import annotations

import re

import numpy as np
import pytest
from processed import processed_sweep

from autoproc.models.left_out import first_reasons
from autoproc.scaling.tables import format_scale
from autoproc.stages.determine_symmetry import format_symmetry
from autoproc.stages.integrate import format_integrate
from autoproc.stages.merge import format_merge
from autoproc.stages.pipeline import Processing


@pytest.fixture(scope="module")
def processing(tmp_path_factory: pytest.TempPathFactory) -> Processing:
    return processed_sweep(tmp_path_factory)


def account(text: str) -> tuple[int, int]:
    """Read and used, of the last line; what was left out is summed up again."""
    line = text.splitlines()[-1]
    found = re.fullmatch(r"(\d+) \w+ (?:read|predicted): (\d+) \w+, (?:none|(\d+)) left out(?: \((.*)\))?", line)
    assert found, line
    read, used, left = int(found[1]), int(found[2]), int(found[3] or 0)
    assert sum(int(reason.split()[0]) for reason in re.split(r", (?=\d+ )", found[4] or "0 none")) == left
    assert read == used + left
    return read, used


def test_what_one_stage_has_used_the_next_one_reads(processing):
    predicted, integrated = account(format_integrate(processing.integrated))
    assert predicted == processing.integrated.n_predicted
    compared = account(format_symmetry(processing.symmetry))
    assert compared == (integrated, processing.symmetry.n_used)
    scaled = account(format_scale(processing.scaled))
    assert scaled == (integrated, processing.scaled.n_scaled)
    merged = account(format_merge(processing.merged))
    assert merged == (integrated, processing.merged.n.sum())


def test_each_observation_has_one_reason_and_the_commonest_comes_first():
    waiting = np.array([True, True, True, True, False])
    rules = [("a", np.array([True, False, False, False, True])), ("b", np.array([True, True, True, False, True]))]
    assert first_reasons(waiting, rules, "else") == (("b", 2), ("a", 1), ("else", 1))
    assert first_reasons(waiting & False, rules, "else") == ()
