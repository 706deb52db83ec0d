"""`autoproc demo`: a simulated beamline, the program that watches it, and its pages in a browser."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
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
from autoproc.demonstration.ending import comparison, last_words, story_times
from autoproc.demonstration.listening_in import JsonLines, live_now, summary_there
from autoproc.demonstration.place import DemoFolder, taken
from autoproc.demonstration.screen import Screen, console_of, screen
from autoproc.demonstration.story import DemoLine, Story
from autoproc.service.results.outputs import Outputs

PROGRAM, BEAMLINE = "the program", "the simulated beamline"
LOOK = 0.25
"""Seconds between two looks at what has happened."""
SEATED = 8.0
"""Seconds that the beamline waits for the pages at most. They, and the worker that follows the first crystal, take as
long to load as the program: without the wait that crystal was collected before it was probed (two cores, load 9)."""
PATIENCE = 300.0
"""Seconds without news after which no more is expected: on two cores with six other programs at work the longest
silence, of the combined data set, was 68 s (measured)."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the command line asks for.

    rate : images a second; port : of the pages, None for the usual one, or any where that is taken
    browser : open the page where there is a screen
    keep_running : leave the pages there in the end; None where somebody looks at them who can press Ctrl-C
    """

    rate: float
    port: int | None = None
    browser: bool = True
    keep_running: bool | None = None


def demo_command(output: Path, wishes: Wishes, began: float | None = None) -> None:
    """Show the demonstration; leave with the exit status. began : when the command was given, by time.monotonic()."""
    started = time.monotonic() if began is None else began
    with leaving_well(), stopped_as_by_ctrl_c(), ExitStack() as leaving:
        port = free_port(wishes.port)
        place = taken(output)
        console = console_of(sys.stdout)
        story = Story(CRYSTALS, lambda name: summary_there(place.results / name), lambda: time.monotonic() - started)
        show = Demonstration(place, story, wishes, port)
        lacking = show.play(console, leaving)
        tell_the_end(console, story, place, lacking)
        if not lacking and show.stays:
            console.print("the pages stay until Ctrl-C")
            with suppress(KeyboardInterrupt):
                signal.pause()
        raise typer.Exit(FAILED if lacking else OK)


class Demonstration:
    """Beamline, program and pages, and what is shown of them."""

    def __init__(self, place: DemoFolder, story: Story, wishes: Wishes, port: int) -> None:
        self._place, self._story, self._wishes, self._port = place, story, wishes, port
        self._outputs = Outputs(place.results)
        self._beamline = JsonLines(place.beamline_told)
        self._program = JsonLines(self._outputs.state / "queue.jsonl")
        self._link = ""
        self._is_open = False

    @property
    def stays(self) -> bool:
        """The pages are left there in the end."""
        asked = self._wishes.keep_running
        return self._is_open and sys.stdin.isatty() if asked is None else asked

    def play(self, console: Console, leaving: ExitStack) -> list[str]:
        """Do it; returns what is missing in the end. leaving : ends the processes, whatever happens."""
        with screen(console) as shown:
            shown.say(self._beginning())
            processes = {name: leaving.enter_context(self._begun(name)) for name in (PROGRAM, BEAMLINE)}
            why = self._until_over(shown, processes)
        return [*([why] if why else []), *self._story.missing]

    def _beginning(self) -> list[DemoLine]:
        images, results = self._place.images, self._place.results
        n, rate = self._story.together.n_images, self._wishes.rate
        return [
            self._story.line(f"a simulated beamline: {n} images of {len(CRYSTALS)} crystals, {rate:g} a second"),
            self._story.line(f"what watches it: autoproc run {images} --output {results} --serve"),
        ]

    @contextmanager
    def _begun(self, name: str) -> Iterator[subprocess.Popen[bytes]]:
        """A process of the demonstration, which ends with the context."""
        place = self._place
        with place.log(name).open("ab") as log, place.beamline_told.open("ab") as told:
            if name == PROGRAM:
                words = [str(place.images), "--output", str(place.results), "--serve", f"serve.port={self._port}",
                         "service.grace_time=0"]  # fmt: skip
                process = begin_beside("run", words, log, log)
            else:
                words = [str(place.images), f"--rate={self._wishes.rate}"]
                process = begin_beside("_beamline", words, told, log, subprocess.PIPE)
        try:
            yield process
        finally:
            begin_to_write(process)
            end(process)

    def _until_over(self, shown: Screen, processes: dict[str, subprocess.Popen[bytes]]) -> str:
        """Show what happens until all has; returns why it ended before, "" where it did not."""
        news = time.monotonic()
        while not self._story.is_over:
            gone = {name: process.poll() for name, process in processes.items()}
            lines = self._news()
            shown.say(lines)
            shown.show(self._story)
            if self._is_awaited():
                begin_to_write(processes[BEAMLINE])
            news = time.monotonic() if lines else news
            for name, status in gone.items():
                if status or (status == 0 and name == PROGRAM):
                    return f"{name} has ended ({how(status)}){last_of(self._place.log(name))}"
            if time.monotonic() - news > PATIENCE:
                return f"nothing has happened for {PATIENCE:.0f} s; see {self._place.log(PROGRAM)}"
            time.sleep(LOOK)
        return ""

    def _is_awaited(self) -> bool:
        """The program watches, and whoever wants to see it can, or has waited long enough for that."""
        watched = self._story.watched_at
        return watched is not None and (bool(self._link) or self._story.now() - watched > SEATED)

    def _news(self) -> list[DemoLine]:
        story = self._story
        lines = self._pages()
        for told in self._beamline.news():
            lines += story.beamline(told)
        for facts in live_now(self._outputs.live):
            lines += story.live(facts)
        for record in self._program.news():
            lines += story.event(record)
        return lines

    def _pages(self) -> list[DemoLine]:
        """Where the pages are, when they are there; a browser is opened that once."""
        if self._link or not (links := links_of(self._outputs)):
            return []
        self._link = links[0]
        self._is_open = self._wishes.browser and opened_in_browser(self._link)
        where = "the page opens in the browser" if self._is_open else "the page, for one browser on this machine"
        lines = [self._story.line(f"{where}:"), self._story.line(self._link)]
        if "SSH_CONNECTION" in os.environ:
            tunnel = f"ssh -L {self._port}:127.0.0.1:{self._port} {os.uname().nodename}"
            lines.append(self._story.line(f"from where you sit: {tunnel}, and that address there"))
        return lines


def begin_to_write(beamline: subprocess.Popen[bytes]) -> None:
    """Tell the beamline that its images are awaited, once."""
    if beamline.stdin is not None and not beamline.stdin.closed:
        with suppress(BrokenPipeError):  # it has ended, which is told when that is seen
            beamline.stdin.close()


def how(status: int) -> str:
    """How a process has ended."""
    return f"signal {-status}" if status < 0 else f"exit status {status}"


def last_of(log: Path) -> str:
    """The last that a process has printed, and where the rest is."""
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return f": {lines[-1].strip()}; see {log}" if lines else ""


def free_port(wanted: int | None) -> int:
    """The port of the pages: that which is wanted, else the usual one, else any. Raises PortTaken."""
    from autoproc.dashboard.listening import PortTaken, listening  # noqa: PLC0415  (takes a while to load)
    from autoproc.dashboard.params import ServeParams  # noqa: PLC0415

    try:
        with listening(ServeParams() if wanted is None else ServeParams(port=wanted)) as listener:
            return int(listener.getsockname()[1])
    except PortTaken:
        if wanted is not None:
            raise
    with listening(ServeParams(port=0)) as listener:
        return int(listener.getsockname()[1])


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


def tell_the_end(console: Console, story: Story, place: DemoFolder, lacking: list[str]) -> None:
    """What there is in the end, and what is not."""
    if any(chapter.has_result for chapter in story.chapters):
        console.print(comparison(story))
    if story.times:
        console.print(story_times(story), soft_wrap=True)
    for line in last_words(story, place.results):
        console.print(line, soft_wrap=True, markup=False)
    for what in lacking:
        console.print(f"missing: {what}", style="red", soft_wrap=True, markup=False)
