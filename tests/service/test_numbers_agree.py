"""Every number on every page is that of one field of summary.json."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest
from processed import processed_sweep

from autoproc.reports.report_html import report_of, report_page
from autoproc.reports.summary import format_summary, summarise
from autoproc.reports.visit_index import sweep_row, visit_index
from autoproc.service.processing.process_sweep import plain
from autoproc.service.results.brief import brief, result_line
from autoproc.service.status import FIGURES
from autoproc.stages.pipeline import Processing
from autoproc.wording import images_in_words

Summary = dict[str, Any]


def overall(key: str) -> Callable[[Summary], Any]:
    return lambda s: s["merging_statistics"]["overall"][key]


def inner(key: str) -> Callable[[Summary], Any]:
    return lambda s: s["merging_statistics"]["inner"][key]


def shown(form: str, value: Callable[[Summary], Any]) -> Callable[[Summary], str]:
    return lambda s: form.format(value(s))


N_UNREAD = 5
INDEX = {
    "space group": shown("{}", lambda s: s["space_group"]),
    "unit cell (Å, degrees)": lambda s: " ".join(f"{x:.1f}" for x in s["unit_cell"]),
    "resolution (Å)": shown("{:.2f}", lambda s: s["d_min"]),
    "complete": shown("{:.1f}%", overall("completeness")),
    "Rmeas low": shown("{:.3f}", inner("r_meas")),
    "CC½": shown("{:.3f}", overall("cc_half")),
    "lattices": shown("{}", lambda s: s["n_lattices"]),
    "images": lambda s: "{n_images_used} of {n_images}".format(**s),
}
REPORT = {
    "space group": INDEX["space group"],
    "resolution (Å)": INDEX["resolution (Å)"],
    "completeness": INDEX["complete"],
    "multiplicity": shown("{:.1f}", overall("multiplicity")),
    "Rmeas at low resolution": INDEX["Rmeas low"],
    "CC½": INDEX["CC½"],
    "ISa": shown("{:.1f}", lambda s: s["isa"]),
    "Wilson B (Å²)": shown("{:.1f}", lambda s: s["wilson_b"]),
    "images": INDEX["images"],
    "spots": shown("{}", lambda s: s["n_spots"]),
    "of the spots indexed": shown("{:.1f}%", lambda s: 100 * s["fraction_indexed"]),
    "lattices": INDEX["lattices"],
}
STATUS = {"d_min": lambda s: s["d_min"], "compl.": overall("completeness"), "Rmeas": overall("r_meas"),
          "CC1/2": overall("cc_half")}  # fmt: skip


class Cells(HTMLParser):
    """The texts of the elements of some names, and of facts: <div class="fact"><b>value</b><span>name</span></div>."""

    def __init__(self, *names: str) -> None:
        super().__init__()
        self._names, self.texts, self._depth = names, [], 0

    def handle_starttag(self, tag: str, _: Any) -> None:
        if tag in self._names:
            self.texts.append("")
            self._depth += 1

    def handle_endtag(self, tag: str) -> None:
        self._depth -= tag in self._names

    def handle_data(self, data: str) -> None:
        if self._depth:
            self.texts[-1] = f"{self.texts[-1]}{data}".strip()


def texts(page: str, *names: str) -> list[str]:
    parser = Cells(*names)
    parser.feed(page)
    return parser.texts


@pytest.fixture(scope="module")
def processing(tmp_path_factory: pytest.TempPathFactory) -> Processing:
    """With a Wilson B, which so few data do not give, and some images that could not be read."""
    done = processed_sweep(tmp_path_factory)
    merged, found = replace(done.merged, wilson_b=23.4), replace(done.found, n_unread=N_UNREAD)
    return replace(done, merged=merged, found=found)


@pytest.fixture(scope="module")
def summary(processing: Processing) -> Summary:
    made: Summary = plain(summarise("demo", processing, None))
    assert made["n_images_used"] == made["n_images"] - N_UNREAD
    values = {s: [f(made) for f in (overall(s), inner(s))] for s in ("r_meas", "completeness", "multiplicity")}
    assert all(a != b for a, b in values.values()), "a test that cannot tell them apart"
    return made


def test_the_table_of_a_visit(summary: Summary) -> None:
    page = visit_index([sweep_row("demo", "processed", brief(summary), 7)])
    heads, cells = texts(page, "th"), texts(page, "td")
    assert len(cells) == len(heads) + 2, "a row of figures, and one that says why the light is not green"
    found = dict(zip(heads, cells[: len(heads)], strict=True))
    assert {k: found[k] for k in INDEX} == {k: f(summary) for k, f in INDEX.items()}
    assert set(heads) - set(INDEX) == {"", "sweep", "files"}, "a column whose number nobody has compared"


def test_the_report(summary: Summary, processing: Processing) -> None:
    page = report_page(summary, report_of(summary, processing))
    facts = re.findall(r'<div class="fact[^"]*"><b>(.*?)</b><span>(.*?)</span></div>', page, re.DOTALL)
    found = {name: value for value, name in facts}
    cell = re.sub("<[^>]*>", "", found.pop("unit cell (Å, degrees)"))
    assert cell == " ".join(f"{x:.2f}" for x in summary["unit_cell"])
    assert found == {name: form(summary) for name, form in REPORT.items()}


def test_the_table_of_the_queue(summary: Summary) -> None:
    kept = brief(summary)
    assert {name: kept[key] for name, (key, _) in FIGURES.items()} == {n: f(summary) for n, f in STATUS.items()}
    assert f"Rmeas {overall('r_meas')(summary):.3f}" in result_line("demo", kept)
    assert images_in_words(kept["n_images"], kept["n_images_used"]) == INDEX["images"](summary)


def test_the_page_of_text(summary: Summary, processing: Processing) -> None:
    head = format_summary(summary, processing).split("What was done")[0]
    assert f"{summary['d_min']:.2f} A    {overall('completeness')(summary):.1f}% complete" in head
    assert f"multiplicity {overall('multiplicity')(summary):.1f}" in head
    assert f"ISa {summary['isa']:.1f}" in head
