"""What a list of sweeps shows, as its address says it: so that it can be sent to a colleague, and gone back to."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from starlette.datastructures import QueryParams

from autoproc.service.job_queue.sweep_query import ORDERS, SweepQuery
from autoproc.wording import VERDICTS

PAGE = 100
"""Rows of a page: as many as a browser lays out at once without being slow."""
LAST_PAGE = 10_000_000


@dataclass(frozen=True, slots=True)
class View:
    """Sweeps that are looked at together, by the light that they have. name : in words; lamp : its colour."""

    name: str
    lamp: str = "open"
    states: tuple[str, ...] = ()
    verdicts: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """In one word."""
        return self.name.replace(" ", "_")


VIEWS = (
    View("all"),
    View("running", "work", ("running",)),
    View("waiting", "open", ("queued",)),
    View("interrupted", "look", ("interrupted",)),
    *(View(words, verdict, verdicts=(verdict,)) for verdict, words in VERDICTS.items()),
    View("failed", "bad", ("failed", "set_aside")),
    View("left out", "open", ("cancelled", "not_combined")),
)


@dataclass(frozen=True, slots=True)
class VisitAddress:
    """What is asked for; see SweepQuery. page : from 1."""

    text: str = ""
    states: tuple[str, ...] = ()
    verdicts: tuple[str, ...] = ()
    visit: str | None = None
    folder: str | None = None
    order: str = "latest"
    is_descending: bool = True
    by_folder: bool = False
    page: int = 1

    @classmethod
    def of(cls, asked: QueryParams) -> VisitAddress:
        """The parameters of an address; what is asked for in error is left out."""
        number, order = asked.get("page", "1"), asked.get("sort", "latest")
        page = int(number) if number.isascii() and number.isdecimal() and len(number) < 9 else 1
        return cls(
            text=asked.get("q", "").strip(),
            states=tuple(asked.getlist("state")),
            verdicts=tuple(asked.getlist("verdict")),
            visit=asked.get("visit") or None,
            folder=asked.get("folder") or None,
            order=order if order in ORDERS else "latest",
            is_descending=asked.get("way", "down") != "up",
            by_folder=asked.get("group") == "folder",
            page=min(max(page, 1), LAST_PAGE),
        )

    def query(self, interrupted: frozenset[int], first: int | None = None, most: int = PAGE) -> SweepQuery:
        """The same for the queue; first : of the stretch, where it is not that of the page."""
        return SweepQuery(
            self.text, self.states, self.verdicts, self.visit, self.folder, self.order, self.is_descending,
            self.by_folder, tuple(sorted(interrupted)), (self.page - 1) * PAGE if first is None else first, most,
        )  # fmt: skip

    @property
    def fields(self) -> list[tuple[str, str]]:
        """Names and values of the parameters, without what goes without saying."""
        pairs = [("q", self.text), *(("state", state) for state in self.states)]
        pairs += [("verdict", verdict) for verdict in self.verdicts]
        pairs += [("visit", self.visit or ""), ("folder", self.folder or "")]
        pairs += [("sort", self.order if self.order != "latest" else ""), ("way", "" if self.is_descending else "up")]
        pairs += [("group", "folder" if self.by_folder else ""), ("page", str(self.page) if self.page > 1 else "")]
        return [(name, value) for name, value in pairs if value]

    def fields_but(self, *names: str) -> list[tuple[str, str]]:
        """Those of other names: what a form sends along."""
        return [(name, value) for name, value in self.fields if name not in names]

    @property
    def search(self) -> str:
        """The part of the address that follows its path."""
        return f"?{urlencode(self.fields)}" if self.fields else ""

    def link(self, **changes: Any) -> str:
        """The address of the page with changes, at its first sheet if no other is named."""
        return f"/{replace(self, **{'page': 1, **changes}).search}"

    def viewing(self, view: View) -> str:
        """The address of the page with the sweeps of a view."""
        return self.link(states=view.states, verdicts=view.verdicts)

    def shows(self, view: View) -> bool:
        """These are the sweeps on the page."""
        return (self.states, self.verdicts) == (view.states, view.verdicts)

    def sorted_by(self, order: str, is_descending_first: bool) -> str:
        """The address of the page sorted by another column; by the same, the other way round."""
        is_same = order == self.order
        return self.link(order=order, is_descending=not self.is_descending if is_same else is_descending_first)
