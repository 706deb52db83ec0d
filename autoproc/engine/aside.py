"""An observer for attempts that may come to nothing: they are told of, but leave no files unless they are kept."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager

from autoproc.formats.images.frames import ImageReader
from autoproc.models.experiment import Experiment
from autoproc.models.reflections import Reflections
from autoproc.stages.pipeline import StageObserver


class Aside:
    """Passes on what is said of an attempt, under its name, and holds its models and reflections back."""

    def __init__(self, observer: StageObserver, attempt: str) -> None:
        self.observer = observer
        self.attempt = attempt
        self._held: dict[str, tuple[Sequence[Experiment], Reflections | None]] = {}

    def stage(self, name: str, report: str) -> None:
        """Pass on, with the attempt's name."""
        self.observer.stage(f"{name} (attempt: {self.attempt})", report)

    def keep(self, stem: str, experiments: Sequence[Experiment], reflections: Reflections | None) -> None:
        """Hold back."""
        self._held[stem] = (experiments, reflections)

    def watch(self, reader: ImageReader, label: str, n_reads: int) -> AbstractContextManager[ImageReader]:
        """Pass on."""
        return self.observer.watch(reader, label, n_reads)

    def busy(self, stage: str) -> AbstractContextManager[None]:
        """Pass on."""
        return self.observer.busy(stage)

    def release(self) -> None:
        """The attempt is kept: hand on what it gave, in place of what was there."""
        for stem, (experiments, reflections) in self._held.items():
            self.observer.keep(stem, experiments, reflections)
        self._held = {}
