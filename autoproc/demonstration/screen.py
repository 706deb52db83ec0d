"""The story as people see it: a table that lives below the lines on a terminal, the lines alone anywhere else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol, TextIO

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from autoproc.demonstration.story import Chapter, Line, Story
from autoproc.legible import legible
from autoproc.wording import angstrom

HUES = {"good": "green", "look": "yellow", "stop": "red", "": "dim"}
BAR, CURVE = 8, 12
"""Letters of the bar of images and of the curve of spots: a terminal has 80."""
LEVELS = "▁▂▃▄▅▆▇█"
WIDE = 100
"""Letters of a line that does not go to a terminal."""


class Screen(Protocol):
    """Where the story is shown."""

    def say(self, lines: Sequence[Line]) -> None:
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

    def say(self, lines: Sequence[Line]) -> None:
        """Print them."""
        for line in lines:
            self._console.print(line_text(line), soft_wrap=True)

    def show(self, story: Story) -> None:
        """Nothing: the lines say it."""


class Terminal:
    """Lines that stay, above a table that changes."""

    def __init__(self, live: Live) -> None:
        self._live = live

    def say(self, lines: Sequence[Line]) -> None:
        """Print them above the table."""
        for line in lines:
            self._live.console.print(line_text(line))

    def show(self, story: Story) -> None:
        """Draw the table."""
        self._live.update(table(story))


def line_text(line: Line) -> Text:
    """A line with its time and its crystal."""
    who = f"{line.who}: " if line.who else ""
    return Text.assemble(
        (f"{line.seconds:4.0f} s  ", "dim"), (who, "bold"), (legible(line.text), HUES[line.light] if line.light else "")
    )


def table(story: Story) -> Table:
    """The crystals: how many images have come, what spots they have, what the probe and the results say."""
    drawn = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), title_justify="left", header_style="dim")
    for heading in ("", "images", "spots an image", "probe", "result"):
        drawn.add_column(heading, no_wrap=True, overflow="ellipsis")
    for chapter in story.chapters:
        drawn.add_row(*_cells(chapter, chapter is story.together))
    return drawn


def _cells(chapter: Chapter, is_group: bool) -> tuple[Text, ...]:
    name = Text(chapter.name, "bold")
    if is_group:
        return name, Text(""), Text(""), Text(""), _result(chapter)
    light = Text(f"● {LIGHTS[chapter.light]}" if chapter.light else "", HUES[chapter.light])
    return name, _bar(chapter), _curve(chapter), light, _result(chapter)


LIGHTS = {"good": "good", "look": "look", "stop": "stop", "": ""}


def _bar(chapter: Chapter) -> Text:
    n = round(BAR * chapter.n_written / chapter.n_images)
    return Text.assemble(("━" * n, "green"), ("━" * (BAR - n), "dim"), f" {chapter.n_written}/{chapter.n_images}")


def _curve(chapter: Chapter) -> Text:
    if not chapter.spots:
        return Text("")
    step = max(1, -(-len(chapter.spots) // CURVE))
    spots = [max(chapter.spots[n : n + step]) for n in range(0, len(chapter.spots), step)]
    top = max(spots) or 1
    marks = "".join(LEVELS[min(len(LEVELS) - 1, int(len(LEVELS) * n / top))] for n in spots)
    return Text.assemble((f"{marks:<{CURVE}}", "cyan"), f" {chapter.spots[-1]:.0f}")


def _result(chapter: Chapter) -> Text:
    result = chapter.result
    if not chapter.has_result:
        return Text(chapter.state, "red" if chapter.state == "failed" else "dim")
    figures = [str(result.get("space_group") or "")]
    if result.get("d_min") is not None:
        figures.append(f"{angstrom(result['d_min'])} A")
    if result.get("completeness") is not None:
        figures.append(f"{result['completeness']:.0f}%")
    return Text("  ".join(figures), "green" if result.get("verdict") == "good" else "yellow")
