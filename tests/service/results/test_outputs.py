"""Results in their place: whole, and nobody's own files lost."""

from __future__ import annotations

import json

import pytest

from autoproc.service.results.attempt_logs import MOST
from autoproc.service.results.outputs import Leftover, Outputs, write_outcome


@pytest.fixture
def outputs(tmp_path):
    outputs = Outputs(tmp_path)
    outputs.make_folders()
    return outputs


def written(outputs: Outputs, name: str, run: int, content: str) -> None:
    folder = outputs.folder(name, run)
    folder.mkdir()
    (folder / "merged.mtz").write_text(content)
    (folder / "summary.json").write_text("{}")
    write_outcome(outputs.outcome_path(name, run), {"run": run})


def put(outputs: Outputs, name: str, run: int) -> None:
    outputs.put_in_place(name, run)
    outputs.clean(name, run)


def test_new_for_old(outputs):
    for run in (1, 2):
        written(outputs, "x", run, f"result {run}")
        assert outputs.outcome("x", run) == {"run": run}
        put(outputs, "x", run)
        assert (outputs.results("x") / "merged.mtz").read_text() == f"result {run}"
        assert outputs.outcome("x", run) is None
    assert list(outputs.work.iterdir()) == []


def test_what_is_not_ours_is_kept(outputs):
    written(outputs, "x", 1, "first")
    put(outputs, "x", 1)
    place = outputs.results("x")
    (place / "refmac").mkdir()
    (place / "refmac" / "model.pdb").write_text("model")
    (place / "notes.txt").write_text("notes")
    (place / "unmerged.mtz").write_text("ours, of the first run")
    written(outputs, "x", 2, "second")
    put(outputs, "x", 2)
    assert (place / "refmac" / "model.pdb").read_text() == "model"
    assert (place / "notes.txt").read_text() == "notes"
    assert not (place / "unmerged.mtz").exists()


def test_an_attempt_without_a_result_leaves_its_log_only(outputs):
    written(outputs, "x", 1, "first")
    put(outputs, "x", 1)
    folder = outputs.folder("x", 2)
    folder.mkdir()
    (folder / "autoproc.log").write_text("what it did")
    put(outputs, "x", 2)
    assert (outputs.results("x") / "merged.mtz").read_text() == "first"
    assert (outputs.logs.folder("x", 2) / "autoproc.log").read_text() == "what it did"
    assert list(outputs.work.iterdir()) == []


def test_what_is_in_its_place_is_made_by_nobody_else(outputs):
    """Before it is closed: another execution of the same order may be about to hand in."""
    written(outputs, "x", 1, "first")
    outputs.away("x", 1).mkdir()
    order = outputs.away("x", 1) / "order.json"
    order.write_text("{}")
    outputs.put_in_place("x", 1)
    assert not order.exists()
    outputs.clean("x", 1)
    assert list(outputs.work.iterdir()) == []


def test_an_outcome_comes_with_its_folder(outputs):
    """One rename brings both; the outcome is taken out, and found again."""
    folder = outputs.folder("x", 1)
    folder.mkdir()
    (folder / ".outcome.json").write_text('{"run": 1}')
    assert [outputs.outcome("x", 1) for _ in range(2)] == [{"run": 1}] * 2
    assert list(folder.iterdir()) == []


def test_results_that_are_a_link_are_replaced_not_followed(outputs, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "merged.mtz").write_text("somebody's")
    outputs.results("x").symlink_to(tmp_path / "elsewhere")
    written(outputs, "x", 1, "first")
    put(outputs, "x", 1)
    assert (outputs.results("x") / "merged.mtz").read_text() == "first"
    assert (tmp_path / "elsewhere" / "merged.mtz").read_text() == "somebody's"


@pytest.mark.parametrize("name", ["x", "x.old", "x.1", "lyso #2 50% é=x", "x.json"])
def test_leftovers_of_any_name(outputs, name):
    written(outputs, name, 12, "content")
    (outputs.work / f"{name}.12.old").mkdir()
    assert outputs.leftovers() == [Leftover(name, 12)]
    put(outputs, name, 12)
    assert outputs.leftovers() == []
    assert (outputs.results(name) / "merged.mtz").read_text() == "content"


def test_half_an_outcome_is_none(outputs):
    outputs.outcome_path("x", 1).write_text('{"run"')
    assert outputs.outcome("x", 1) is None
    outputs.clean("x", 1)
    assert outputs.leftovers() == []


def failed(outputs, run):
    """A folder of an attempt that ended with an error: a summary and a log, no data."""
    folder = outputs.folder("x", run)
    folder.mkdir()
    (folder / "summary.json").write_text("{}")
    (folder / "parameters.json").write_text(json.dumps({"run": run}))
    (folder / "autoproc.log").write_text(f"attempt {run}")
    put(outputs, "x", run)


def test_the_log_of_a_failure_is_kept_when_another_attempt_takes_its_place(outputs):
    failed(outputs, 1)
    assert outputs.logs.of("x") == []
    failed(outputs, 2)
    assert [one.run for one in outputs.logs.of("x")] == [1]
    assert (outputs.logs.folder("x", 1) / "autoproc.log").read_text() == "attempt 1"
    assert (outputs.results("x") / "autoproc.log").read_text() == "attempt 2"


def test_logs_are_kept_of_the_last_attempts_alone(outputs):
    for run in range(1, MOST + 4):
        failed(outputs, run)
    assert [one.run for one in outputs.logs.of("x")] == list(range(MOST + 2, 2, -1))
    assert outputs.logs.of("y") == []
