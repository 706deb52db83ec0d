"""Executors by their names: ours, and those of other packages, which add an entry point to `autoproc.executors`.

An entry point names a function, or a class, that takes a Site and gives an Executor. The tests that it has to pass are
in `conformance.py`. Parameters of its own are those of service.executor_options.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.metadata import entry_points
from typing import TypeAlias

from autoproc.errors import ConfigurationError
from autoproc.service.executing.command import CommandExecutor
from autoproc.service.executing.executor import Executor
from autoproc.service.executing.executor_site import Site
from autoproc.service.executing.shared_folder import SharedFolderExecutor
from autoproc.service.executing.slurm import SlurmExecutor

GROUP = "autoproc.executors"
LOCAL = "local"
Make: TypeAlias = Callable[[Site], Executor]
OURS: Mapping[str, Make] = {one.name: one for one in (SlurmExecutor, CommandExecutor, SharedFolderExecutor)}


class UnknownExecutor(ConfigurationError):
    """A name that no executor has."""

    what = "service.executor is {name}, and there is none of that name; there are {names}"
    hint = "an executor of another package is there once that is installed in the same environment"


class BrokenExecutor(ConfigurationError):
    """An executor of another package that cannot be loaded."""

    what = "the executor {name} ({value}) cannot be loaded: {reason}"
    hint = "ask who wrote it; service.executor=local works without"


def made(site: Site) -> Executor | None:
    """The executor of the configuration; None for this machine's workers. Raises ConfigurationError."""
    name = site.service.executor
    if name == LOCAL:
        return None
    if name in OURS:
        return OURS[name](site)
    others = {entry.name: entry for entry in entry_points(group=GROUP)}
    if name not in others:
        raise UnknownExecutor(name=name, names=", ".join([LOCAL, *OURS, *sorted(others)]))
    try:
        make: Make = others[name].load()
        return make(site)
    except (ImportError, AttributeError, TypeError) as error:  # the edge: somebody else's code
        raise BrokenExecutor(name=name, value=others[name].value, reason=error) from error
