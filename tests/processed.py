"""A small simulated sweep of two lattices, processed once a session, for tests of what is told about it."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace

import pytest
from simulated import simulated_sweep

from autoproc.config import Config, change_table
from autoproc.formats.frames import ImageReader
from autoproc.stages.import_sweep import import_sweeps
from autoproc.stages.pipeline import Processing, process

STAGES = ("found", "indexed", "refined", "integrated", "symmetry", "scaled", "resolution", "merged")
_done: dict[str, Processing] = {}


class Silent:
    """An observer of the pipeline that says and keeps nothing."""

    def stage(self, name: str, report: str) -> None:
        pass

    def keep(self, *_: object) -> None:
        pass

    def watch(self, reader: ImageReader, *_: object) -> nullcontext[ImageReader]:
        return nullcontext(reader)

    def busy(self, _: str) -> nullcontext[None]:
        return nullcontext()


def processed_sweep(tmp_path_factory: pytest.TempPathFactory) -> Processing:
    """All stages of 30 images with two lattices; do not change it."""
    key = str(tmp_path_factory.getbasetemp())
    if key not in _done:
        written = simulated_sweep(tmp_path_factory, n_images=30, d_min=2.8, second_lattice=(10.0, 20.0, 15.0))
        config = change_table(Config(), "index", {"max_lattices": "2"})
        imported = import_sweeps([str(written.start)], config.import_sweep)
        processing = Processing(imported.experiments[0].experiment)
        process(processing, config, Silent())
        _done[key] = processing
    return _done[key]


def stopped_after(processing: Processing, n_stages: int) -> Processing:
    """The same sweep as if the stage after the first `n_stages` had failed."""
    return replace(processing, **dict.fromkeys(STAGES[n_stages:]))
