"""`autoproc demo`: a simulated beamline, the program that watches it, and its pages in a browser."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import typer
from rich.console import Console

from autoproc.commands.beside import begin_beside, end
from autoproc.commands.browser import opened_in_browser
from autoproc.commands.leaving import FAILED, OK, leaving_well
from autoproc.dashboard.access.links import links_of
from autoproc.demonstration.crystals import CRYSTALS
from autoproc.demonstration.ending import comparison, last_words, times_in_words
from autoproc.demonstration.listening_in import Told, live_now, summary_of
from autoproc.demonstration.place import Place, taken
from autoproc.demonstration.screen import Screen, console_of, screen
from autoproc.demonstration.story import Line, Story
from autoproc.service.processing.outputs import Outputs

PROGRAM, BEAMLINE = "the program", "the simulated beamline"
LOOK = 0.25
"""Seconds between two looks at what has happened."""
PATIENCE = 300.0
"""Seconds without news after which no more is expected: a machine that is ten times slower is slower than this nowhere."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the command line asks for. port : None for the usual one, or any where that is taken"""

    rate: float
    port: int | None
    browser: bool
    keep_running: bool


def demo_command(output: Path, wishes: Wishes, began: float | None = None) -> None:
    """Show the demonstration; leave with the exit status. began : time.monotonic() when the command was given."""
    started = time.monotonic() if began is None else began
    with leaving_well(), stopped_as_by_ctrl_c():
        port = free_port(wishes.port)
        place = taken(output)
        console = console_of(sys.stdout)
        story = Story(CRYSTALS, lambda name: summary_of(place.results / name), lambda: time.monotonic() - started)
        with ExitStack() as leaving:
            lacking = Performance(place, story, wishes, port).play(console, leaving)
            tell_the_end(console, story, place, lacking)
            if wishes.keep_running and not lacking:
                console.print("the pages stay until Ctrl-C")
                with leaving_well():
                    signal.pause()
        raise typer.Exit(FAILED if lacking else OK)


class Performance:
    """Beamline, program and pages, and what is shown of them."""

    def __init__(self, place: Place, story: Story, wishes: Wishes, port: int) -> None:
        self._place, self._story, self._wishes, self._port = place, story, wishes, port
        outputs = Outputs(place.results)
        self._outputs = outputs
        self._beamline = Told(place.beamline_told)
        self._program = Told(outputs.state / "queue.jsonl")
        self._live = outputs.live
        self._link = ""
        self._now: Callable[[], float] = story._clock

    def play(self, console: Console, leaving: ExitStack) -> list[str]:
        """Do it; returns what is missing in the end. leaving : ends the processes"""
        with screen(console) as shown:
            shown.say(self._beginning())
            processes = {PROGRAM: leaving.enter_context(self._run()),
                         BEAMLINE: leaving.enter_context(self._collecting())}  # fmt: skip
            why = self._until_over(shown, processes)
        return [*([why] if why else []), *self._story.missing]

    def _beginning(self) -> list[Line]:
        images, results = self._place.images, self._place.results
        n = self._story.together.n_images
        return [
            Line(0.0, "", f"a simulated beamline writes {n} images of {len(CRYSTALS)} crystals into {images}, "
                          f"{self._wishes.rate:g} a second"),
            Line(0.0, "", f"autoproc run {images} --output {results} --serve    watches it"),
        ]  # fmt: skip

    @contextmanager
    def _run(self) -> Iterator[subprocess.Popen[bytes]]:
        place = self._place
        words = [str(place.images), "--output", str(place.results), "--serve", f"serve.port={self._port}",
                 "service.grace_time=0"]  # fmt: skip
        with place.log.open("ab") as log, ended(begin_beside("run", words, log, log)) as process:
            yield process

    @contextmanager
    def _collecting(self) -> Iterator[subprocess.Popen[bytes]]:
        place = self._place
        words = [str(place.images), f"--rate={self._wishes.rate}"]
        with (
            place.beamline_told.open("ab") as told,
            place.log.open("ab") as log,
            ended(begin_beside("_beamline", words, told, log, subprocess.PIPE)) as process,
        ):
            yield process

    def _until_over(self, shown: Screen, processes: dict[str, subprocess.Popen[bytes]]) -> str:
        """Show what happens until all has; returns why it ended before, "" where it did not."""
        news = time.monotonic()
        while not self._story.is_over:
            gone = {name: process.poll() for name, process in processes.items()}
            lines = self._news()
            shown.say(lines)
            shown.show(self._story)
            if self._story.is_watched:
                begin_to_write(processes[BEAMLINE])
            news = time.monotonic() if lines else news
            for name, status in gone.items():
                if status or (status == 0 and name == PROGRAM):
                    return f"{name} has ended ({how(status)}); see {self._place.log}"
            if time.monotonic() - news > PATIENCE:
                return f"nothing has happened for {PATIENCE:.0f} s; see {self._place.log}"
            time.sleep(LOOK)
        shown.show(self._story)
        return ""

    def _news(self) -> list[Line]:
        story = self._story
        lines = self._pages()
        for told in self._beamline.news():
            lines += story.beamline(told)
        for facts in live_now(self._live):
            lines += story.live(facts)
        for record in self._program.news():
            lines += story.event(record)
        return lines

    def _pages(self) -> list[Line]:
        if self._link or not (links := links_of(self._outputs)):
            return []
        self._link = links[0]
        is_open = self._wishes.browser and opened_in_browser(self._link)
        where = "the page is opened in the browser" if is_open else "the page, for a browser on this machine"
        lines = [Line(self._now(), "", f"{where}: {self._link}")]
        if "SSH_CONNECTION" in os.environ:
            tunnel = f"ssh -L {self._port}:127.0.0.1:{self._port} {os.uname().nodename}"
            lines.append(Line(self._now(), "", f"from where you sit: {tunnel}, then the same address"))
        return lines


def begin_to_write(beamline: subprocess.Popen[bytes]) -> None:
    """Tell the beamline that its images are awaited, once."""
    if beamline.stdin is not None and not beamline.stdin.closed:
        with suppress(BrokenPipeError):  # it has ended, which is told when that is seen
            beamline.stdin.close()


def how(status: int) -> str:
    """How a process has ended."""
    return f"signal {-status}" if status < 0 else f"exit status {status}"


def free_port(wanted: int | None) -> int:
    """The port of the pages: that which is wanted, else the usual one, else any. Raises PortTaken."""
    from autoproc.dashboard.listening import PortTaken, listening  # noqa: PLC0415  (takes half a second to load)
    from autoproc.dashboard.params import ServeParams  # noqa: PLC0415

    if wanted is not None:
        listening(ServeParams(port=wanted)).close()
        return wanted
    try:
        listening(ServeParams()).close()
    except PortTaken:
        with listening(ServeParams(port=0)) as listener:
            return int(listener.getsockname()[1])
    return ServeParams().port


@contextmanager
def ended(process: subprocess.Popen[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    """The process, which ends with the context."""
    try:
        yield process
    finally:
        end(process)


@contextmanager
def stopped_as_by_ctrl_c() -> Iterator[None]:
    """To be told to end is the same as Ctrl-C, so that what was begun is ended."""

    def stop(_: int, __: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def tell_the_end(console: Console, story: Story, place: Place, lacking: list[str]) -> None:
    """What there is in the end, and what is not."""
    if any(chapter.has_result for chapter in story.chapters):
        console.print(comparison(story))
    if story.times:
        console.print(times_in_words(story), soft_wrap=True)
    for line in last_words(story, place.results):
        console.print(line, soft_wrap=True, markup=False)
    for what in lacking:
        console.print(f"missing: {what}", style="red", soft_wrap=True, markup=False)


