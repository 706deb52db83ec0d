"""Executors by name: ours, and those of other packages."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import EntryPoint

import pytest

from autoproc.service.executing import registry
from autoproc.service.executing.executor_site import Site
from autoproc.service.executing.registry import BrokenExecutor, UnknownExecutor, made
from autoproc.service.executing.shared_folder import SharedFolderExecutor
from autoproc.service.executing.slurm import SlurmExecutor
from autoproc.service.params import ServiceParams
from autoproc.service.results.outputs import Outputs


@dataclass
class Theirs:
    """An executor of another package, as far as it matters here."""

    site: Site


@pytest.fixture
def site(tmp_path):
    return lambda name: Site(Outputs(tmp_path), ServiceParams(executor=name, executor_options={"queue": "mx"}))


@pytest.fixture
def installed(monkeypatch):
    """Entry points, as if packages had them."""

    def install(**values):
        points = [EntryPoint(name, value, registry.GROUP) for name, value in values.items()]
        monkeypatch.setattr(registry, "entry_points", lambda group: [p for p in points if p.group == group])

    return install


def test_this_machines_workers_are_none_of_them(site):
    assert made(site("local")) is None


@pytest.mark.parametrize(("name", "kind"), [("slurm", SlurmExecutor), ("workers", SharedFolderExecutor)])
def test_ours(site, name, kind):
    executor = made(site(name))
    assert isinstance(executor, kind)
    assert executor.name == name
    executor.close()


def test_another_package_adds_one(site, installed, monkeypatch):
    monkeypatch.setattr(registry, "Theirs", Theirs, raising=False)
    installed(theirs="autoproc.service.executing.registry:Theirs")
    executor = made(site("theirs"))
    assert isinstance(executor, Theirs)
    assert executor.site.service.executor_options == {"queue": "mx"}


def test_a_name_that_nobody_has(site, installed):
    installed(theirs="x:y")
    with pytest.raises(UnknownExecutor, match="there are local, slurm, command, workers, theirs"):
        made(site("slurn"))


def test_one_that_cannot_be_loaded(site, installed):
    installed(theirs="no_such_package:Executor")
    with pytest.raises(BrokenExecutor, match="no_such_package:Executor"):
        made(site("theirs"))
