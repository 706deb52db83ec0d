"""Files of parameters that were changed since a sweep was processed: said, with the command; and what was ignored."""

from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
from queued import finished, found, queue_in
from rich.console import Console

from autoproc.service.intake import Intake
from autoproc.service.job_queue.job import JobState
from autoproc.service.results.outputs import Outputs
from autoproc.service.status import Queue, changes_since, status_table, story_lines
from autoproc.service.visits.changed_since import change_in_words, changed_files
from autoproc.service.visits.parameter_files import files_of, places_of

TEXT = "[scale]\nd_min = 2.0\n"


@pytest.fixture
def output(tmp_path):
    return tmp_path / "out"


@pytest.fixture
def queue(output):
    queue = queue_in(output)
    yield queue
    queue.close()


@pytest.fixture
def visit(tmp_path):
    (tmp_path / "v" / "s").mkdir(parents=True)
    (tmp_path / "v" / "autoproc.toml").write_text(TEXT)
    return tmp_path / "v"


@pytest.fixture
def job(queue, visit, output):
    path = visit / "s" / "x_####.cbf"
    files = files_of(places_of(path, str(visit), output, "x"))
    queue.add(found("x", path=path, visit=str(visit)))
    return finished(queue, "x", visit_files={str(file.path): file.digest for file in files},
                    warnings=["ignored: /v/autoproc.toml, line 4: scale.x: there is no such", "another"])  # fmt: skip


def test_nothing_is_said_where_nothing_was_changed(job, queue, visit, output):
    (visit / "autoproc.toml").unlink()
    (visit / "autoproc.toml").write_text(TEXT)
    assert changed_files(job, output) == []
    assert changes_since([job], queue) == {}


def test_a_change_a_new_file_and_one_that_went_are_told_with_the_command(job, queue, visit, output):
    (visit / "autoproc.toml").write_text("[scale]\nd_min = 2.2\n")
    assert changed_files(job, output) == [visit / "autoproc.toml"]
    (visit / "s" / "autoproc.toml").write_text(TEXT)
    (visit / "autoproc.toml").unlink()
    assert changed_files(job, output) == [visit / "autoproc.toml", visit / "s" / "autoproc.toml"]
    said = f"{visit}/autoproc.toml and 1 more changed since: `autoproc reprocess x` applies it"
    assert changes_since([job], queue) == {job.id: said}
    assert said in "\n".join(story_lines(job, changed=said))


def test_a_folder_of_results_that_is_named_from_where_one_is_is_the_same(job, output, monkeypatch, queue, visit):
    (output / "autoproc.toml").write_text(TEXT)
    monkeypatch.chdir(output.parent)
    assert changed_files(job, Path("out")) == [output / "autoproc.toml"]


def test_who_names_the_images_again_hears_of_it(queue, visit, output, job):
    events = []
    intake = Intake(queue, Outputs(output), events.append)
    (output / "x").mkdir()
    (output / "x" / "summary.json").write_text("{}")
    same = found("x", path=visit / "s" / "x_####.cbf", visit=str(visit))
    intake.take_named(same, {})
    assert events[-1].facts["text"].endswith("`autoproc reprocess x` does it again")
    (visit / "autoproc.toml").write_text("")
    intake.take_named(same, {})
    assert events[-1].facts["text"].endswith(f"does it again, with {visit}/autoproc.toml, changed since")


def test_a_file_beside_the_results_of_a_sweep_counts(job, output):
    (output / "x").mkdir()
    (output / "x" / "autoproc.toml").write_text(TEXT)
    assert changed_files(job, output) == [output / "x" / "autoproc.toml"]


@pytest.mark.parametrize("changes", [{"state": JobState.queued}, {"result": {}}, {"path": "/not/mounted/x_####.cbf"}])
def test_nothing_is_offered_that_is_done_anyway_or_that_nobody_knows(job, visit, output, changes):
    (visit / "autoproc.toml").unlink()
    assert changed_files(job, output) != []
    assert changed_files(replace(job, **changes), output) == []


def test_a_name_with_spaces_is_quoted_in_the_command(job, visit):
    words = change_in_words(replace(job, name="x y"), [visit / "autoproc.toml"])
    assert "`autoproc reprocess 'x y'`" in words


def test_the_table_and_the_story_say_what_was_ignored(job, queue, visit):
    (visit / "autoproc.toml").write_text("")
    file = StringIO()
    Console(file=file, width=600).print(status_table(Queue.of(queue), 600))
    text = file.getvalue()
    assert "ignored: /v/autoproc.toml, line 4: scale.x: there is no such" in text
    assert f"{visit}/autoproc.toml changed since: `autoproc reprocess x` applies it" in text
    assert "    ignored: /v/autoproc.toml, line 4: scale.x: there is no such" in story_lines(job)
