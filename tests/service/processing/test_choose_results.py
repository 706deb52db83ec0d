"""Earlier results are kept, and any of them can stand again, whatever happens meanwhile."""

from __future__ import annotations

import json

import pytest
from queued import begun, finished, queue_in

from autoproc.service.job_queue.job import JobState
from autoproc.service.processing import choose_results
from autoproc.service.processing.choose_results import CannotChoose, choose, finish_choices
from autoproc.service.results.outputs import Outputs


@pytest.fixture
def queue(tmp_path):
    queue = queue_in(tmp_path)
    yield queue
    queue.close()


@pytest.fixture
def outputs(tmp_path):
    return Outputs(tmp_path)


def processed(outputs, name, run, is_good=True):
    folder = outputs.folder(name, run)
    folder.mkdir()
    if is_good:
        (folder / "merged.mtz").write_text(f"data {run}")
    status = "processed" if is_good else "failed"
    ranges = {key: {"completeness": 90.0 + run} for key in ("overall", "inner")}
    summary = {"status": status, "sweep": name, "merging_statistics": ranges, "error": None if is_good else "no"}
    (folder / "summary.json").write_text(json.dumps(summary))
    (folder / "parameters.json").write_text(json.dumps({"run": run, "settings": {"scale": {"d_min": run}}}))
    outputs.put_in_place(name, run)
    outputs.clean(name, run)


def standing(outputs, name="x"):
    return (outputs.results(name) / "merged.mtz").read_text()


def numbers(outputs, name="x"):
    return sorted(kept.number for kept in outputs.earlier.of(name))


@pytest.fixture
def twice(queue, outputs):
    finished(queue, "x")
    processed(outputs, "x", 1)
    processed(outputs, "x", 2)
    return outputs


def test_earlier_results_are_kept_whole(twice):
    assert standing(twice) == "data 2"
    assert numbers(twice) == [1]
    assert (twice.earlier.folder("x", 1) / "merged.mtz").read_text() == "data 1"


def test_no_more_are_kept_than_is_said(tmp_path, queue):
    outputs = Outputs(tmp_path, 2)
    for run in range(1, 6):
        processed(outputs, "x", run)
    assert numbers(outputs) == [3, 4]
    none = Outputs(tmp_path, 0)
    processed(none, "y", 1)
    processed(none, "y", 2)
    assert numbers(none, "y") == []


def test_failures_are_not_kept(outputs, queue):
    processed(outputs, "x", 1, is_good=False)
    processed(outputs, "x", 2)
    assert numbers(outputs) == []


def test_earlier_results_stand_again(twice, queue):
    job = choose(queue, twice, "x", 1)
    assert standing(twice) == "data 1"
    assert numbers(twice) == [2]
    assert job.result["completeness"] == 91.0
    assert job.settings == {"scale": {"d_min": 1}}
    assert job.story[-1]["event"] == "chosen"
    choose(queue, twice, "x", 2)
    assert standing(twice) == "data 2"
    assert numbers(twice) == [1]


def test_good_results_stand_again_in_place_of_a_failure(twice, queue):
    processed(twice, "x", 3, is_good=False)
    job = choose(queue, twice, "x", 2)
    assert job.state is JobState.processed
    assert standing(twice) == "data 2"


def test_groups_have_earlier_results_too(queue, outputs):
    processed(outputs, "combined/x", 1)
    processed(outputs, "combined/x", 2)
    assert numbers(outputs, "combined/x") == [1]


def test_what_is_not_ours_stays_where_it_was(twice, queue):
    (twice.results("x") / "notes.txt").write_text("notes")
    choose(queue, twice, "x", 1)
    assert (twice.results("x") / "notes.txt").read_text() == "notes"


@pytest.mark.parametrize("number", [7, 2, -1])
def test_what_is_not_kept_cannot_stand(twice, queue, number):
    with pytest.raises(CannotChoose):
        choose(queue, twice, "x", number)
    assert standing(twice) == "data 2"


def test_a_sweep_under_way_keeps_its_results(twice, queue):
    queue.reprocess("x", {})
    begun(queue)
    with pytest.raises(CannotChoose):
        choose(queue, twice, "x", 1)


class Killed(BaseException):
    pass


@pytest.mark.parametrize("n_calls", range(1, 4))
def test_a_kill_at_any_step_is_finished_by_whoever_comes(twice, queue, monkeypatch, n_calls):
    calls = 0

    def killing(call):
        def counted(*args, **kwargs):
            nonlocal calls
            calls += 1
            if calls == n_calls:
                raise Killed
            return call(*args, **kwargs)

        return counted

    with monkeypatch.context() as patch:
        patch.setattr(type(twice.earlier), "put_aside", killing(type(twice.earlier).put_aside))
        patch.setattr(choose_results, "sync_folder", killing(choose_results.sync_folder))
        with pytest.raises(Killed):
            choose(queue, twice, "x", 1)
    finish_choices(queue, twice)
    assert standing(twice) == "data 1"
    assert numbers(twice) == [2]
    assert queue.named("x").result["completeness"] == 91.0
    finish_choices(queue, twice)
    assert standing(twice) == "data 1"


def test_results_that_came_since_are_left(twice, queue, monkeypatch):
    def killed(*_):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(type(twice.earlier), "put_aside", killed)
        with pytest.raises(Killed):
            choose(queue, twice, "x", 1)
    processed(twice, "x", 3)
    finish_choices(queue, twice)
    assert standing(twice) == "data 3"
    assert numbers(twice) == [1, 2]


@pytest.mark.parametrize(
    ("file", "text"),
    [("summary.json", "{"), ("summary.json", "[]"), ("summary.json", "{}"), ("summary.json", '{"status": "odd"}'),
     ("summary.json", '{"status": "processed", "merging_statistics": 3}'), ("parameters.json", '{"run": 1}')],
)  # fmt: skip
def test_damaged_results_are_not_chosen_and_nothing_moves(queue, twice, file, text):
    (twice.earlier.folder("x", 1) / file).write_text(text)
    before = queue.named("x")
    with pytest.raises(CannotChoose, match="damaged"):
        choose(queue, twice, "x", 1)
    assert standing(twice) == "data 2"
    assert queue.named("x") == before
    assert not list((twice.state / "choosing").glob("*"))


def test_results_damaged_between_a_crash_and_its_end_hold_nobody_up(queue, twice, monkeypatch):
    def crash(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as crashing:
        crashing.setattr(choose_results, "_finish", crash)
        with pytest.raises(KeyboardInterrupt):
            choose(queue, twice, "x", 1)
    (twice.earlier.folder("x", 1) / "summary.json").write_text("{")
    finish_choices(queue, twice)
    assert not list((twice.state / "choosing").glob("*"))
