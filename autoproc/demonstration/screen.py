"""The story as people see it: a table that lives below the lines on a terminal, the lines alone anywhere else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from statistics import median
from typing import Protocol, TextIO

from rich.console import Console, Group
from rich.live import Live
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from autoproc.demonstration.story import LIGHTS, TOGETHER, Chapter, DemoLine, Story
from autoproc.legible import legible
from autoproc.wording import angstrom

HUES = {"good": "green", "look": "yellow", "stop": "red", "": "dim"}
BAR, CURVE = 8, 12
"""Letters of the bar of images and of the curve of spots: a terminal has 80."""
LEVELS = "▁▂▃▄▅▆▇█"
WHO = len(TOGETHER)
WIDE = 100
"""Letters of a line that does not go to a terminal."""


class Screen(Protocol):
    """Where the story is shown."""

    def say(self, lines: Sequence[DemoLine]) -> None:
        """Something has happened."""

    def show(self, story: Story) -> None:
        """How things are now."""


def console_of(stream: TextIO) -> Console:
    """As wide as the terminal, or wide enough for a file."""
    return Console(file=stream, highlight=False, width=None if stream.isatty() else WIDE, soft_wrap=False)


@contextmanager
def screen(console: Console) -> Iterator[Screen]:
    """Where the story is shown meanwhile."""
    if not console.is_terminal:
        yield Plain(console)
        return
    with Live(console=console, refresh_per_second=4, transient=True) as live:
        yield Terminal(live)


class Plain:
    """Lines, one after the other."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def say(self, lines: Sequence[DemoLine]) -> None:
        """Print them."""
        for line in lines:
            who = f"{line.who}: " if line.who else ""
            self._console.print(Text(f"{line.seconds:4.0f} s  {who}{legible(line.text)}"), soft_wrap=True)

    def show(self, story: Story) -> None:
        """Nothing: the lines say it."""


class Terminal:
    """Lines that stay, above a table that changes."""

    def __init__(self, live: Live) -> None:
        self._live = live

    def say(self, lines: Sequence[DemoLine]) -> None:
        """Print them above the table."""
        for line in lines:
            self._live.console.print(drawn_line(line))

    def show(self, story: Story) -> None:
        """Draw the table."""
        self._live.update(Group(Rule(style="dim"), table(story)))


def drawn_line(line: DemoLine) -> Table:
    """A line with its time, its crystal and its light; what does not fit goes on below where it began."""
    grid = Table.grid(padding=(0, 1, 0, 0))
    grid.add_column(width=6, justify="right", style="dim")
    cells = [Text(f"{line.seconds:.0f} s")]
    if line.who:
        grid.add_column(width=WHO, style="bold", no_wrap=True)
        grid.add_column(width=1)
        cells += [Text(line.who), Text("●" if line.light else "", HUES[line.light])]
    grid.add_column(overflow="fold")
    grid.add_row(*cells, Text(legible(line.text)))
    return grid


def table(story: Story) -> Table:
    """The crystals: how many images have come, what spots they have, what the probe and the results say."""
    drawn = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), title_justify="left", header_style="dim")
    for heading in ("", "images", "spots an image", "probe", "result"):
        drawn.add_column(heading, no_wrap=True, overflow="ellipsis")
    most = max((n for chapter in story.chapters for n in chapter.spots), default=1) or 1
    for chapter in story.crystals.values():
        light = Text(f"● {chapter.light}" if chapter.light else "", HUES[chapter.light])
        drawn.add_row(_name(chapter), _bar(chapter), _curve(chapter.spots, most), light, _result(chapter))
    drawn.add_row(_name(story.together), "", "", "", _result(story.together))
    return drawn


def _name(chapter: Chapter) -> Text:
    return Text(chapter.name, "bold")


def _bar(chapter: Chapter) -> Text:
    n = round(BAR * chapter.n_written / chapter.n_images)
    return Text.assemble(("━" * n, "green"), ("━" * (BAR - n), "dim"), f" {chapter.n_written}/{chapter.n_images}")


def _curve(spots: Sequence[float], most: float) -> Text:
    """Spots along the images, as high as those of all crystals ask for, and how many the last image has."""
    if not spots:
        return Text("")
    step = max(1, -(-len(spots) // CURVE))
    points = [median(spots[n : n + step]) for n in range(0, len(spots), step)]
    marks = "".join(LEVELS[min(len(LEVELS) - 1, int(len(LEVELS) * n / most))] for n in points)
    return Text.assemble((f"{marks:<{CURVE}}", "cyan"), f" {spots[-1]:.0f}")


def _result(chapter: Chapter) -> Text:
    result = chapter.result
    if not chapter.has_result:
        return Text(chapter.state, "red" if chapter.state == "failed" else "dim")
    figures = [str(result.get("space_group") or "")]
    if result.get("d_min") is not None:
        figures.append(f"{angstrom(result['d_min'])} A")
    if result.get("completeness") is not None:
        figures.append(f"{result['completeness']:.0f}%")
    return Text("  ".join(figures), HUES[LIGHTS.get(str(result.get("verdict")), "")])
