"""`autoproc run`: every sweep under some paths, from images to merged intensities; new ones as they come."""

from __future__ import annotations

import signal
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from autoproc.commands.beside import depend_on
from autoproc.commands.leaving import FAILED, OK, CannotWrite, leaving_well, say_error
from autoproc.commands.pages_beside import pages_beside
from autoproc.commands.recording_beside import recording_beside
from autoproc.commands.reference_files import with_found_references
from autoproc.commands.saying import echo
from autoproc.commands.wanted import WantedSweeps, watcher, what_is_wanted
from autoproc.config import Config, read_config, with_command_line, with_threads
from autoproc.console import Console
from autoproc.errors import AutoprocError, WrongArguments
from autoproc.formats.confinement import may_lead_into
from autoproc.formats.sweeps import NoImages
from autoproc.legible import legible
from autoproc.overrides import split_arguments
from autoproc.service.daemon import Daemon, Stop, told_to_all
from autoproc.service.events import Event, Listener, event_lines
from autoproc.service.executing.executor_site import Site
from autoproc.service.executing.executors import Executors
from autoproc.service.executing.local import LocalExecutor
from autoproc.service.executing.registry import made
from autoproc.service.following.expecting import Expecting, remove_abandoned
from autoproc.service.following.followers import Followers
from autoproc.service.following.live_folder import LiveFolder
from autoproc.service.groups.grouping import Grouping
from autoproc.service.index_page import IndexPage
from autoproc.service.intake import Intake
from autoproc.service.job_queue.job import JobState
from autoproc.service.job_queue.jobs import JobQueue
from autoproc.service.job_queue.programs_at_work import Arriving
from autoproc.service.job_queue.queue_log import QueueLog
from autoproc.service.job_queue.queue_tables import BadQueue
from autoproc.service.notices.hooks import Hooks
from autoproc.service.notices.notices import Notices
from autoproc.service.processes.begin_process import BegunAhead, launch_worker
from autoproc.service.processes.cores_and_memory import shares
from autoproc.service.processes.program import is_dead
from autoproc.service.processing.order import settings_of
from autoproc.service.queue_file import is_local, open_queue
from autoproc.service.results.outputs import Outputs
from autoproc.service.signs_of_life.announcement import Announcement
from autoproc.service.signs_of_life.heartbeat import Heartbeat
from autoproc.service.signs_of_life.systemd import SystemdNotifier
from autoproc.service.supervisor import Plan, Supervisor
from autoproc.service.sweeps.sample_groups import COMBINED
from autoproc.service.visits.place_results import LEAVING, Placing
from autoproc.service.watching.named_sweeps import NamedSearch, NamedSweeps
from autoproc.service.watching.params import WatchParams
from autoproc.wording import counted

if TYPE_CHECKING:
    from autoproc.service.watching.watcher import Watcher

FILES = ("merged.mtz", "summary.txt", "report.html")
UNSEEN_FOR = 90.0
"""Seconds for which NFS may hold that a name is not there: 60 unless it is mounted otherwise (acdirmax), and some."""


def run_command(
    arguments: Sequence[str],
    output: Path,
    config: Path | None,
    threads: int | None,
    once: bool = False,
    ahead: BegunAhead | None = None,
    serve: bool = False,
    beside: int | None = None,
) -> None:
    """Process every sweep under the paths among the arguments, and leave with the exit status.

    once : leave when all that is there is processed, instead of watching the directories for more
    ahead : the first processes that are needed, where they were begun already
    serve : show the pages of the results in a browser meanwhile
    beside : number of the program that has begun this one: it ends with it
    """
    if beside is not None:
        depend_on(beside)
    with leaving_well(), closing(ahead or BegunAhead(())):
        paths, overrides = split_arguments(arguments)
        if not paths:
            raise WrongArguments(what_is_wrong="no path of images was given", command="run")
        settings = with_found_references(with_threads(with_command_line(read_config(config), overrides), threads))
        may_lead_into(settings.import_sweep.link_roots)
        wanted = what_is_wanted(paths, settings, once, ahead)
        with closing_all([wanted.search]):
            make_folder(output)
            tell_skipped(wanted.named)
            stop = Stop()
            with stop.listening():
                n_failed = Run(output, settings, wanted, stop, ahead, serve).work()
        if stop.n_asked:
            leave_stopped(stop, is_watching=bool(wanted.watched))
        raise typer.Exit(FAILED if n_failed else OK)


def make_folder(output: Path) -> None:
    """Make the folder of the results."""
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CannotWrite(path=output, reason=error.strerror or error) from error


def tell_skipped(named: NamedSweeps) -> None:
    """Say which images are no sweep, and which paths are in error."""
    for skipped in named.skipped:
        typer.echo(legible(f"{skipped.path}: passed over: {skipped.reason}"))
    for problem in named.problems:
        say_error(problem)


def leave_stopped(stop: Stop, is_watching: bool) -> None:
    """Leave after a signal. For a program that watches, to be told to stop is no failure."""
    if stop.signal == signal.SIGTERM and is_watching:
        raise typer.Exit(OK)
    raise KeyboardInterrupt


class Run:
    """One run of the program: queue, workers, logs, and what it was asked for."""

    def __init__(
        self,
        output: Path,
        config: Config,
        wanted: WantedSweeps,
        stop: Stop,
        ahead: BegunAhead | None = None,
        serve: bool = False,
    ) -> None:
        self.output, self.config, self.wanted, self.stop, self._ahead = output, config, wanted, stop, ahead
        self._serve = serve
        self._ids: list[int] = []
        self._n_problems = self._n_empty = 0

    def work(self) -> int:
        """Do it; returns how many sweeps of this run failed."""
        wanted, named = self.wanted, self.wanted.named
        self._count(named.problems)
        if not (named.sweeps or named.listed or wanted.watched or wanted.search):
            return self._in_the_end(0, 0)
        outputs = Outputs(self.output, self.config.service.n_earlier)
        with (
            opened(outputs, self.config) as (queue, log),
            pages_beside(self._serve, self.output, self.config.serve, echo),
        ):
            self._work_off(queue, log, outputs)
            jobs = [queue.job(number) for number in self._ids]
            states = [job.state for job in jobs if job.kind != "combined"]
        if self.stop.n_asked:
            return 0
        n_done = sum(state is JobState.processed for state in states)
        return self._in_the_end(n_done, len(states) - n_done)

    def _in_the_end(self, n_done: int, n_failed: int) -> int:
        """Say what became of the sweeps; returns how many failed, and paths that hold none."""
        n_failed += self._n_problems
        empty = f", {counted(self._n_empty, 'path')} without images" if self._n_empty else ""
        echo(f"{n_done} processed, {n_failed} failed{empty}; results in {self.output}")
        return n_failed + self._n_empty

    def _count(self, problems: Sequence[AutoprocError]) -> None:
        """Paths that stand for no sweep: nothing failed where nothing is."""
        n_empty = sum(isinstance(problem, NoImages) for problem in problems)
        self._n_empty += n_empty
        self._n_problems += len(problems) - n_empty

    def _work_off(self, queue: JobQueue, log: QueueLog, outputs: Outputs) -> None:
        service, wanted = self.config.service, self.wanted
        is_watching = bool(wanted.watched)
        hooks = Hooks(service, outputs, told_to_all([log, say]))
        page = IndexPage(queue, outputs)
        listeners: list[Listener] = [log, say_with_files(outputs, is_watching), hooks, page]
        tell = told_to_all(listeners)
        grouping = Grouping(queue, outputs, self.config.groups, tell, None if is_watching else self._ids)
        again = partial(self._opened_again, queue, outputs)
        patience = LEAVING if is_watching else None
        placing = Placing(self.config.visit, again, outputs, told_to_all([log, say]), patience)
        listeners += [grouping, placing]
        intake = Intake(queue, outputs, tell)
        self._take(wanted.named, intake)
        plan = Plan(
            self.config, service, only=None if is_watching else self._ids, is_patient=is_watching
        )  # fmt: skip
        executors = self._executors(outputs)
        supervisor = Supervisor(queue, outputs, plan, tell, executors)
        finder = watcher(wanted.watched, self.config, intake, self._ahead) if is_watching else None
        is_here = executors.chosen is executors.local
        followers = Followers(
            _eyes(finder), self.config, executors.local, LiveFolder(outputs), tell, is_here,
            expecting=self._expecting(queue, outputs, executors.local.n_threads),
        )  # fmt: skip
        count = int if finder is None else finder.n_arriving
        announcement = Announcement(queue, [str(root) for root in wanted.watched], followers.seen, page.touch, count)
        notifier = SystemdNotifier()
        with (
            placing,
            Heartbeat(again, service.lease) as heartbeat,
            Notices(self.config.notices, again, self.output, wanted.watched, told_to_all([log, say])) as notices,
            closing_all([finder, wanted.search]),
            recording_beside(self.config.record, wanted.watched, trouble_told_to([log, say])) as recording,
        ):
            beside = (recording.poll, notices.poll, placing.poll)
            turned = self._at_every_turn(queue, intake, heartbeat, notifier, beside)
            daemon = Daemon(
                supervisor, intake, hooks, tell, finder, self.stop, page, announcement, turned, grouping, followers
            )
            if finder is not None:
                told_to_all([log, say])(Event("begin", "", {"text": greeting(wanted.watched, queue)}))
            notifier.ready()
            daemon.run(self._is_done(queue, grouping), self._grace_time())

    def _executors(self, outputs: Outputs) -> Executors:
        """Who carries sweeps out."""
        service, has_terminal = self.config.service, self._shows_progress()
        chosen = made(Site(outputs, service, unseen=unseen_on(outputs, self.config.watch)))
        begun = None if self._ahead is None or chosen is not None else self._ahead.worker(has_terminal)
        local = LocalExecutor(shares(service, self.config.run.n_threads), service, launch_worker, has_terminal, begun)
        return Executors(local, chosen, service.takes_over)

    def _expecting(self, queue: JobQueue, outputs: Outputs, n_threads: int) -> Expecting | None:
        """By which orders sweeps will be processed that are found."""
        remove_abandoned(outputs)
        config = with_threads(self.config, n_threads)
        return Expecting(queue, outputs, config, self.wanted.watched) if self.wanted.watched else None

    def _take(self, named: NamedSweeps, intake: Intake) -> None:
        """Take in what was found of what the user has named."""
        for images in named.listed:
            intake.take(images)
        self._n_problems += len(named.listed)
        sweeps = map(self.wanted.in_visit, named.sweeps)
        self._ids += [intake.take_named(sweep, settings_of(self.config)).id for sweep in sweeps]

    def _opened_again(self, queue: JobQueue, outputs: Outputs) -> JobQueue:
        """The same queue, for another thread; never a new one in its place."""
        queue.require_file()
        return open_queue(outputs, self.config.service, self.config.watch)

    def _at_every_turn(
        self,
        queue: JobQueue,
        intake: Intake,
        heartbeat: Heartbeat,
        notifier: SystemdNotifier,
        beside: Sequence[Callable[[], None]],
    ) -> Callable[[], None]:
        search = self.wanted.search

        def turned() -> None:
            queue.require_file()
            heartbeat.turned()
            notifier.turned()
            for poll in beside:
                poll()
            if self.stop.n_asked:
                notifier.stopping()
            elif search is not None and not search.is_over:
                rest = search.poll()
                tell_skipped(rest)
                self._count(rest.problems)
                self._take(rest, intake)

        return turned

    def _is_done(self, queue: JobQueue, grouping: Grouping) -> Callable[[], bool]:
        if self.wanted.watched:
            return lambda: False
        search = self.wanted.search
        return lambda: (search is None or search.is_over) and queue.n_unsettled(self._ids) == 0 and grouping.is_settled

    def _grace_time(self) -> float:
        """Who is there to press Ctrl-C does not want to wait."""
        is_asked_for = bool(self.wanted.watched) or self.stop.signal == signal.SIGTERM
        return self.config.service.grace_time if is_asked_for else 0.0

    def _shows_progress(self) -> bool:
        """One sweep at a time, and somebody watches: its worker may have the terminal for its bars."""
        one = shares(self.config.service, self.config.run.n_threads).n_workers == 1
        return one and Console().is_terminal


@contextmanager
def opened(outputs: Outputs, config: Config) -> Iterator[tuple[JobQueue, QueueLog]]:
    """The queue and its log below the folder of results."""
    try:
        outputs.make_folders()
        queue = open_queue(outputs, config.service, config.watch)
    except OSError as error:
        raise CannotWrite(path=outputs.state, reason=error.strerror or error) from error
    log = QueueLog(outputs.state, config.service)
    try:
        yield queue, log
    except sqlite3.DatabaseError as error:
        queue.require_file()
        raise BadQueue(path=queue.path, reason=error) from error
    finally:
        log.close()
        queue.close()


@contextmanager
def closing_all(things: Sequence[Watcher | NamedSearch | None]) -> Iterator[None]:
    """Close what there is of these in the end."""
    try:
        yield
    finally:
        for thing in things:
            if thing is not None:
                thing.close()


def greeting(roots: Sequence[Path], queue: JobQueue) -> str:
    """What a program that watches says first: where it looks, how to stop it, and what it goes on with."""
    jobs = [job for job in queue.rows() if job.kind != COMBINED]
    n_done = sum(job.state.is_settled and job.state is not JobState.listed for job in jobs)
    n_interrupted = sum(job.state is JobState.running and is_dead(job.worker or "") for job in jobs)
    n_waiting = sum(job.state is JobState.queued for job in jobs)
    found = [(n_done, f"{counted(n_done, 'sweep')} done"), (n_interrupted, f"{n_interrupted} interrupted"),
             (n_waiting, f"{n_waiting} waiting")]  # fmt: skip
    before = ", ".join(words for n, words in found if n)
    return f"watching {', '.join(map(str, roots))}; Ctrl-C stops" + (f" ({before})" if before else "")


def unseen_on(outputs: Outputs, watch: WatchParams) -> float:
    """Seconds in which what another machine has written to the folder of results may not be seen here."""
    return 0.0 if is_local(outputs.state, watch.local_file_systems) else UNSEEN_FOR


def _eyes(finder: Watcher | None) -> Callable[[], Sequence[Arriving]]:
    return tuple if finder is None else finder.arriving


def say(event: Event) -> None:
    """A line on the terminal."""
    for line in event_lines(event):
        echo(line, err=event.is_bad)


def trouble_told_to(listeners: Sequence[Listener]) -> Callable[[str], None]:
    """Who tells listeners of what is wrong beside the sweeps."""
    return lambda text: told_to_all(listeners)(Event("trouble", "", {"text": text}))


def say_with_files(outputs: Outputs, is_watching: bool) -> Listener:
    """Say events, and where the results are. Where nobody waits for images, that a sweep is begun is no news."""

    def tell(event: Event) -> None:
        if event.kind == "started" and event.facts["attempt"] == 1 and not is_watching:
            return
        say(event)
        if event.kind == "processed":
            for file in FILES:
                echo(legible(f"    {outputs.results(event.sweep) / file}"))

    return tell
