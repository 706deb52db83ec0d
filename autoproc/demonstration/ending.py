"""What the demonstration ends with: each data set beside the combined one, the files, and what to do next."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich import box
from rich.table import Table

from autoproc.demonstration.story import Story
from autoproc.wording import Form, angstrom, written

FILES = ("merged.mtz", "summary.txt", "report.html")
FIGURES: dict[str, tuple[str, Form]] = {
    "d_min": ("d_min", angstrom), "compl.": ("completeness", "{:.1f}%"), "mult.": ("multiplicity", "{:.1f}"),
    "I/sig": ("i_over_sigma", "{:.1f}"), "Rmeas": ("r_meas", "{:.3f}"),
    "CC1/2": ("cc_half", "{:.4f}"),
}  # fmt: skip
"""Columns of figures: of what, and how they are written."""


def comparison(story: Story) -> Table:
    """The figures of every data set there is, those of all together below."""
    drawn = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for heading in ("data set", "images", "group", *FIGURES):
        drawn.add_column(heading, justify="left" if heading in ("data set", "group") else "right", no_wrap=True)
    for chapter in story.chapters:
        if chapter.has_result:
            drawn.add_row(chapter.name, *_figures(chapter.result), style="bold" if chapter is story.together else "")
    return drawn


def _figures(result: Mapping[str, Any]) -> list[str]:
    images = str(result.get("n_images_used") or result.get("n_images") or "")
    values = [(result.get(key), form) for key, form in FIGURES.values()]
    figures = ["" if value is None else written(value, form) for value, form in values]
    return [images, str(result.get("space_group") or ""), *figures]


def story_times(story: Story) -> str:
    """When things happened, from the command on."""
    said = [f"{what} {seconds:.0f}" for what, seconds in sorted(story.times.items(), key=lambda one: one[1])]
    return f"seconds from the command: {', '.join(said)}"


def last_words(story: Story, results: Path) -> list[str]:
    """Where the files are, and what to do next."""
    done = [chapter for chapter in story.chapters if chapter.has_result]
    files = [f"    {results / chapter.name / name}" for chapter in done[-1:] for name in FILES]
    others = [f"    {results / chapter.name}/" for chapter in done[:-1]]
    lines = ["the files:", *files] if files else []
    lines += ["the same of each crystal:", *others] if others else []
    return [
        *lines,
        "what to do next:",
        "    the pages again, whenever you like:",
        f"        autoproc serve {results}",
        "    the same with your own images:",
        "        autoproc run /data/visit --serve",
    ]
