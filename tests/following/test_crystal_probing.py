"""When a crystal is looked at while its images come, and when images go first."""

from __future__ import annotations

from dataclasses import replace

import pytest
from simulated import simulated_frames

from autoproc.config import Config
from autoproc.decisions.probe import ProbeReport
from autoproc.decisions.provisional import ProvisionalReport
from autoproc.following import crystal_probing as module
from autoproc.following.coming import ImagesThere
from autoproc.following.crystal_probing import BEHIND, CrystalProbing, ImagesSoFar
from autoproc.models.image_facts import ImageFacts
from autoproc.spot_finding.early import EarlySearch
from autoproc.spot_finding.gathering import Gathering
from autoproc.stages.probe_sweep import Probe

PLANNED = 40


class Crystal:
    """A sweep of one degree an image, and who probes it; looking takes no time, and finds a lattice."""

    def __init__(self, monkeypatch, width=1.0):
        frames = simulated_frames(n_images=PLANNED)
        experiment = frames.header_experiment()
        scan = replace(experiment.scan, oscillation=(0.0, width))
        self.experiment = replace(experiment, scan=scan)
        self.gathering = Gathering(frames.shape, scan, Config().find_spots)
        self.told = []
        self.probing = CrystalProbing(Config(), self.told.append)
        monkeypatch.setattr(module, "spots_of", lambda *_: None)
        monkeypatch.setattr(module, "probe_sweep", self.probe)
        monkeypatch.setattr(module, "provisional_statistics", self.statistics)

    @staticmethod
    def probe(experiment, found, facts, planned, params):
        n = experiment.scan.n_images
        return Probe(ProbeReport(float(n), planned, n, 0, 0.0))

    @staticmethod
    def statistics(experiment, found, facts, part, probe):
        return ProvisionalReport(part, experiment.scan.n_images, float(len(facts)), laue=f"{probe.report.rotation}")

    def look(self, n, falls_behind=False, planned=PLANNED):
        scan = replace(self.experiment.scan, image_range=(1, n))
        there = ImagesThere(replace(self.experiment, scan=scan), range(1, n + 1), planned)
        facts = {number: ImageFacts(number, 9, 2.0, 0, 0, 1.0) for number in range(1, n + 1)}
        self.probing.look(there, ImagesSoFar(EarlySearch(), facts, self.gathering), falls_behind)
        self.probing.finish()
        self.probing.require_well()

    @property
    def probed(self):
        return [said.n_images for said in self.told if isinstance(said, ProbeReport)]

    @property
    def so_far(self):
        return [(said.part, said.n_images, said.why_not) for said in self.told if isinstance(said, ProvisionalReport)]


@pytest.fixture
def crystal(monkeypatch):
    return Crystal(monkeypatch)


def test_each_angle_and_each_part_once(crystal):
    for n in range(1, PLANNED + 1):
        crystal.look(n)
        crystal.look(n)
    assert crystal.probed == [15, 30]
    assert crystal.so_far == [(0.25, 10, ""), (0.5, 20, ""), (0.75, 30, "")]
    assert [said.laue for said in crystal.told if isinstance(said, ProvisionalReport)] == ["0.0", "15.0", "30.0"]


def test_what_was_missed_is_not_made_up_for(crystal):
    crystal.look(35)
    crystal.look(35)
    crystal.look(35)
    assert crystal.probed == [35]
    assert crystal.so_far == [(0.75, 35, "")]


def test_images_go_first_but_for_a_first_probe(crystal):
    for n in range(1, PLANNED + 1):
        crystal.look(n, falls_behind=True)
    assert crystal.probed == [15]
    assert crystal.so_far == [(0.25, 10, BEHIND), (0.5, 20, BEHIND), (0.75, 30, BEHIND)]


def test_a_probe_that_had_to_wait_is_made_later(crystal):
    crystal.look(15)
    crystal.look(31, falls_behind=True)
    crystal.look(32)
    assert crystal.probed == [15, 32]


def test_without_a_plan_nothing_is_told_of_its_parts(crystal):
    for n in range(1, PLANNED + 1):
        crystal.look(n, planned=None)
    assert crystal.so_far == []


def test_what_goes_wrong_is_raised(crystal, monkeypatch):
    def wrong(*_):
        raise RuntimeError("a flaw")

    monkeypatch.setattr(module, "probe_sweep", wrong)
    with pytest.raises(RuntimeError, match="a flaw"):
        crystal.look(15)
    crystal.look(16)
    assert crystal.probed == []
