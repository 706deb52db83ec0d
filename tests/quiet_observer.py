"""An observer of the pipeline that says nothing, for tests."""

from __future__ import annotations

from contextlib import nullcontext


class Quiet:
    """Keeps names of what it is told and given."""

    def __init__(self):
        self.stages, self.kept = [], []

    def stage(self, name, report):
        self.stages.append(name)

    def keep(self, stem, experiments, reflections):
        self.kept.append(stem)

    def busy(self, stage):
        return nullcontext()

    def watch(self, reader, label, n_reads):
        return nullcontext(reader)
