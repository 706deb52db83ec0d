"""What a command line of `autoproc run` asks for: sweeps that are there, and directories to watch for more."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from autoproc.config import Config
from autoproc.errors import InputError
from autoproc.formats.sweeps import NoImages
from autoproc.legible import legible
from autoproc.service.intake import Intake
from autoproc.service.probing.fence import ProbingProcesses
from autoproc.service.probing.probe_process import orders
from autoproc.service.processes.begin_process import BegunAhead, BegunProbe, launch_probe
from autoproc.service.processes.cores_and_memory import GIGABYTE
from autoproc.service.sweeps.found_sweep import FoundSweep
from autoproc.service.visits.params import VisitParams
from autoproc.service.watching.named_sweeps import NamedSearch, NamedSweeps
from autoproc.service.watching.params import WatchParams

if TYPE_CHECKING:
    from autoproc.service.watching.watcher import Watcher

GIVE_IMAGES = "give a folder of images, an image, a template with #, or a master file"


class NothingToProcess(InputError):
    """No sweep under the paths."""

    what = "no sweep of images was found in {paths}{passed_over}"
    hint = "{advice}"


@dataclass(frozen=True, slots=True)
class WantedSweeps:
    """What a command line asks for: sweeps that are there, and directories to watch for more.

    search : goes on to look at files that have to be asked about again
    folders : directories that were named, each a visit of the sweeps below it
    """

    named: NamedSweeps
    watched: tuple[Path, ...]
    search: NamedSearch | None = None
    folders: tuple[Path, ...] = ()

    def in_visit(self, sweep: FoundSweep) -> FoundSweep:
        """A sweep that was named, as one of the visit that was: the nearest folder above it, else its own."""
        above = [folder for folder in self.folders if sweep.path.is_relative_to(folder)]
        return replace(sweep, visit=str(max(above, key=lambda one: len(one.parts)))) if above else sweep


def what_is_wanted(paths: Sequence[str], config: Config, once: bool, ahead: BegunAhead | None = None) -> WantedSweeps:
    """Divide the paths into directories to watch and sweeps to process as they are."""
    watched = [] if once else [path for path in paths if os.path.isdir(path)]
    others = [path for path in paths if path not in watched]
    if not others:
        return WantedSweeps(NamedSweeps((), (), ()), tuple(Path(path).absolute() for path in watched))
    with ExitStack() as leaving:
        probe = probing(config) if ahead is None else probing(config, ahead.probe())
        leaving.callback(probe.close)
        search = NamedSearch(others, probe)
        named = search.soon()
        is_empty = all(isinstance(problem, NoImages) for problem in named.problems)
        if search.is_over and is_empty and not (named.sweeps or named.listed or watched):
            passed_over = "".join(f"; {legible(s.path.name)}: {legible(s.reason)}" for s in named.skipped)
            advice = next((s.advice for s in named.skipped if s.advice), GIVE_IMAGES)
            raise NothingToProcess(paths=", ".join(map(str, paths)), passed_over=passed_over, advice=advice)
        rest = None if search.is_over else search
        if rest is not None:
            leaving.pop_all()  # it goes on to be asked
        folders = tuple(Path(path).absolute() for path in others if os.path.isdir(path))
        return WantedSweeps(named, tuple(Path(path).absolute() for path in watched), rest, folders)


def probing(config: Config, begun: BegunProbe | None = None) -> ProbingProcesses:
    """Who opens files, in processes that can be killed; begun : the first of them, where it runs already."""
    told = orders(config.import_sweep, int(config.watch.probe_memory * GIGABYTE))
    return ProbingProcesses(told, config.watch.probe_time, launch_probe, begun)


def watcher(roots: Sequence[Path], config: Config, intake: Intake, ahead: BegunAhead | None = None) -> Watcher:
    """Who looks for new images below the directories."""
    from autoproc.service.watching.watcher import Watcher  # noqa: PLC0415  (only to watch)

    paths = intake.queue.overview.paths()
    probe = probing(config) if ahead is None else probing(config, ahead.probe())
    params = without_results(config.watch, config.visit, roots)
    return Watcher(roots, params, probe, known=intake.n_known, in_queue=paths)


def without_results(watch: WatchParams, visit: VisitParams, roots: Sequence[Path]) -> WatchParams:
    """The same, with the folders passed over in which visits have their results."""
    if not visit.inner_folders:
        return watch
    inner = "/".join(visit.inner_folders)
    own = [f"{root}{'/*' * depth}/{inner}" for root in roots for depth in range(watch.visit_depth + 1)]
    return watch.model_copy(update={"exclude": (*watch.exclude, *own)})
