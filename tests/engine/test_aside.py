from __future__ import annotations

from contextlib import nullcontext

from autoproc.engine.aside import Aside


class Recorder:
    """An observer that writes down what it is told."""

    def __init__(self) -> None:
        self.stages: list[tuple[str, str]] = []
        self.kept: list[tuple] = []
        self.watched: list[tuple] = []
        self.was_busy: list[str] = []

    def stage(self, name, report):
        self.stages.append((name, report))

    def keep(self, stem, experiments, reflections):
        self.kept.append((stem, experiments, reflections))

    def watch(self, reader, label, n_reads):
        self.watched.append((label, n_reads))
        return nullcontext(reader)

    def busy(self, stage):
        self.was_busy.append(stage)
        return nullcontext()


def test_what_an_attempt_says_is_passed_on_under_its_name():
    recorder = Recorder()
    Aside(recorder, "grid search").stage("index", "no lattice")
    assert recorder.stages == [("index (attempt: grid search)", "no lattice")]


def test_what_an_attempt_gives_is_held_back_until_it_is_kept():
    recorder = Recorder()
    aside = Aside(recorder, "x")
    aside.keep("indexed", ["first"], None)
    aside.keep("refined", ["r"], None)
    aside.keep("indexed", ["second"], None)
    assert recorder.kept == []
    aside.release()
    assert recorder.kept == [("indexed", ["second"], None), ("refined", ["r"], None)]
    aside.release()
    assert len(recorder.kept) == 2


def test_an_attempt_that_is_given_up_leaves_nothing():
    recorder = Recorder()
    Aside(recorder, "x").keep("indexed", ["first"], None)
    assert recorder.kept == []


def test_work_is_watched_as_that_of_any_other():
    recorder = Recorder()
    aside = Aside(recorder, "x")
    reader = object()
    with aside.watch(reader, "finding spots", 7) as given, aside.busy("refine"):
        assert given is reader
    assert recorder.watched == [("finding spots", 7)]
    assert recorder.was_busy == ["refine"]


def test_attempts_within_attempts_name_both():
    recorder = Recorder()
    inner = Aside(Aside(recorder, "outer"), "inner")
    inner.stage("index", "")
    inner.keep("indexed", ["e"], None)
    inner.release()
    assert recorder.stages == [("index (attempt: inner) (attempt: outer)", "")]
    assert recorder.kept == []
    inner.observer.release()
    assert recorder.kept == [("indexed", ["e"], None)]
