"""A small simulated sweep of two lattices, processed once a run of the suite, for tests of what is told about it."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace

import pytest
from once import made_once
from simulated import simulated_sweep

from autoproc.config import Config, change_table
from autoproc.formats.images.frames import ImageReader
from autoproc.stages.import_sweep import import_sweeps
from autoproc.stages.pipeline import Processing, process

STAGES = ("found", "indexed", "refined", "integrated", "symmetry", "scaled", "resolution", "merged")


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
    return made_once(tmp_path_factory, "processed sweep of two lattices", lambda _: _processed(tmp_path_factory))


def _processed(tmp_path_factory: pytest.TempPathFactory) -> Processing:
    written = simulated_sweep(tmp_path_factory, n_images=30, d_min=2.8, second_lattice=(10.0, 20.0, 15.0))
    config = change_table(Config(), "index", {"max_lattices": "2"})
    imported = import_sweeps([str(written.start)], config.import_sweep)
    processing = Processing(imported.experiments[0].experiment)
    process(processing, config, Silent())
    return processing


def stopped_after(processing: Processing, n_stages: int) -> Processing:
    """The same sweep as if the stage after the first `n_stages` had failed."""
    return replace(processing, **dict.fromkeys(STAGES[n_stages:]))
