"""The stages in order: what is known after a failure, what observers are told."""

from __future__ import annotations

from contextlib import contextmanager, nullcontext

import numpy as np
import pytest
from simulated import simulated_sweep

from autoproc.config import Config, with_command_line
from autoproc.errors import AutoprocError, IndexingFailed, NoReflections
from autoproc.models.numbering import renumbered, sweeps_of
from autoproc.models.reflections import Reflections
from autoproc.stages.import_sweep import import_sweeps
from autoproc.stages.pipeline import Processing, gathered_warnings, process, symmetry_params


class Recorder:
    """An observer that remembers what it was told."""

    def __init__(self):
        self.reports, self.kept, self.watched = [], {}, []

    def stage(self, name, report):
        self.reports.append((name, report))

    def keep(self, stem, experiments, reflections):
        self.kept[stem] = (list(experiments), reflections)

    @contextmanager
    def watch(self, reader, label, n_reads):
        counted = Counted(reader)
        yield counted
        self.watched.append((label, n_reads, counted.n_read))

    def busy(self, stage):
        return nullcontext()


class Counted:
    def __init__(self, reader):
        self._reader, self.n_read = reader, 0

    def __getattr__(self, name):
        return getattr(self._reader, name)

    def read(self, frame):
        self.n_read += 1
        return self._reader.read(frame)


def processed(tmp_path_factory, overrides=(), **simulation):
    written = simulated_sweep(tmp_path_factory, **({"n_images": 20, "hot_pixels": 0} | simulation))
    (sweep,) = import_sweeps([written.start]).experiments
    processing, recorder = Processing(sweep.experiment), Recorder()
    config = with_command_line(Config(), {"run.n_threads": "1", **dict(overrides)})
    try:
        process(processing, config, recorder)
    except AutoprocError as error:
        return processing, recorder, error
    return processing, recorder, None


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return processed(tmp_path_factory)


def test_all_stages_in_order(whole):
    processing, recorder, error = whole
    assert error is None
    assert [name for name, _ in recorder.reports] == [
        "find_spots", "index", "refine", "integrate", "symmetry", "estimate_resolution", "anisotropy", "scale",
        "damage_analysis", "merge",
    ]  # fmt: skip
    assert all(report.strip() for _, report in recorder.reports)
    assert list(recorder.kept) == [
        "imported", "strong", "indexed", "refined", "integrated", "symmetrized", "scaled",
    ]  # fmt: skip
    assert processing.current == "merge"
    assert list(processing.timings)[:5] == ["import", "find_spots", "index", "refine", "integrate"]


def test_progress_ends_at_the_end(whole):
    """What observers are told to expect is what is read, in spot finding and in integration."""
    _, recorder, _ = whole
    assert [label for label, _, _ in recorder.watched] == ["Finding spots", "Integrating"]
    for label, expected, n_read in recorder.watched:
        assert n_read == pytest.approx(expected, rel=0.1), label


def test_merged_data_end_at_the_estimated_resolution(whole):
    processing, _, _ = whole
    assert processing.scaled.statistics.overall.d_min >= processing.resolution.d_min - 0.01


def test_resolution_cutoff_can_be_left_out(whole, tmp_path_factory):
    processing, _, _ = processed(tmp_path_factory, {"run.resolution_cutoff": "false"})
    assert processing.scaled.statistics.overall.d_min < whole[0].scaled.statistics.overall.d_min - 0.1


def test_a_failure_leaves_the_stages_before_it(tmp_path_factory):
    processing, recorder, error = processed(tmp_path_factory, strength=0.0, ice=3.0, ice_spots=30.0)
    assert isinstance(error, IndexingFailed)
    assert processing.current == "index"
    assert len(processing.found.reflections) > 0
    assert processing.indexed is None
    assert list(recorder.kept) == ["imported", "strong"]
    assert "the crystal is iced" in gathered_warnings(processing)[0]
    assert processing.timings["index"] > 0


def test_warnings_are_said_once(whole):
    processing, _, _ = whole
    processing.warnings = ["twice", "twice"]
    assert gathered_warnings(processing).count("twice") == 1


def test_lattices_of_a_sweep_belong_together(tmp_path_factory):
    one = simulated_sweep(tmp_path_factory, n_images=20, hot_pixels=0)
    other = simulated_sweep(tmp_path_factory, n_images=6, strength=0.0, hot_pixels=0)
    a, b = (import_sweeps([w.start]).experiments[0].experiment for w in (one, other))
    assert sweeps_of([a, b, a, b, b]) == [[0, 2], [1, 3, 4]]


def test_renumbering_keeps_identifiers_with_their_reflections():
    table = Reflections(
        {"experiment_id": np.array([0, 2, 1, 2, -1], np.int32), "d": np.arange(5.0)}, {0: "a", 1: "b", 2: "c"}
    )
    part = renumbered(table, {2: 0, 0: 1})
    assert part["experiment_id"].tolist() == [1, 0, 0]
    assert part["d"].tolist() == [0.0, 1.0, 3.0]
    assert part.identifiers == {0: "c", 1: "a"}


def test_data_too_few_for_a_resolution_limit_are_kept_whole(tmp_path_factory, monkeypatch):
    def too_few(*_):
        raise NoReflections(stage="the resolution estimate", reason="only 1 shell has a CC1/2")

    monkeypatch.setattr("autoproc.stages.pipeline.estimate_resolution", too_few)
    processing, _, error = processed(tmp_path_factory)
    assert error is None
    assert processing.merged is not None
    assert processing.resolution is None
    (warning,) = gathered_warnings(processing)[:1]
    assert "the resolution limit was not estimated" in warning
    assert warning.endswith("give scale.d_min to do so")
    assert processing.whose == {warning: "resolution"}


def test_a_space_group_given_for_indexing_holds_for_symmetry_too():
    config = with_command_line(Config(), {"index.space_group": "P 43 21 2"})
    assert symmetry_params(config).space_group == "P 43 21 2"
    both = with_command_line(config, {"symmetry.space_group": "P 41 21 2"})
    assert symmetry_params(both).space_group == "P 41 21 2"
    assert symmetry_params(Config()).space_group is None
