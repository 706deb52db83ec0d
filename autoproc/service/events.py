"""What happens to sweeps, as it is told to whoever listens, and the lines in which people read it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from autoproc.legible import legible, legible_lines
from autoproc.service.results.brief import failure_lines, result_line
from autoproc.wording import counted, images_in_words

Kind = Literal[
    "found", "extended", "again", "already", "listed", "started", "said", "processed", "failed", "not combined",
    "put back", "crashed", "set aside", "interrupted", "stopped", "handed back", "left", "taken up", "taken over",
    "hook failed", "trouble", "begin", "stopping", "end", "notice", "probed", "provisional", "placed",
]  # fmt: skip
NOTABLE_WAIT = 5.0
"""Seconds in the queue that are told; a worker that is free takes a sweep up within one or two."""
BAD = ("failed", "set aside", "crashed", "hook failed", "trouble")


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened: what, to which sweep ("" for the program itself), and the facts."""

    kind: Kind
    sweep: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_bad(self) -> bool:
        """Somebody should look at it."""
        return self.kind in BAD


Listener = Callable[[Event], None]


def event_lines(event: Event) -> list[str]:
    """An event as people read it. What a worker says may be of several lines; nothing else can feign one."""
    shown = legible_lines if event.kind == "said" else legible
    return [shown(line) for line in _lines(event)]


def details_lines(event: Event) -> list[str]:
    """The traceback of a flaw of the program, for the log."""
    return [f"    {legible(line)}" for line in str(event.facts.get("details", "")).splitlines()]


def _lines(event: Event) -> list[str]:
    name, facts = event.sweep, event.facts
    match event.kind:
        case "found" | "extended" | "again":
            because = {"extended": ", more of them than before", "again": ", once more"}.get(event.kind, "")
            partial = f", partial: {facts['partial']}" if facts.get("partial") else ""
            changes = f", with {parameters_in_words(facts['changes'])}" if facts.get("changes") else ""
            n_images, whole = facts["n_images"], facts.get("n_whole", facts["n_images"])
            count = counted(n_images, "image") if whole == n_images else f"{images_in_words(whole, n_images)} images"
            together = f" of {facts['n_sweeps']} sweeps together" if facts.get("n_sweeps") else ""
            return [f"{name}: {count}{together}{because}{changes}{partial}"]
        case "processed":
            return [result_line(name, dict(facts)) + _times(facts)]
        case "failed" | "not combined":
            return failure_lines(name, dict(facts))
        case "set aside":
            return [f"{name}: SET ASIDE: {facts['error']}", f"    {facts['hint']}"]
        case "put back":
            return [f"{name}: {facts['error']}; tried again in {facts['delay']:.0f} s"]
        case "crashed":
            return [f"{name}: {facts['error']}; tried again"]
        case "started":
            return [f"{name}: started" + (f", attempt {facts['attempt']}" if facts["attempt"] > 1 else "")]
        case "left":
            return [f"{name}: {facts['text']}; it goes on, and the next autoproc run takes its result"]
        case "taken up":
            return [f"{name}: it went on while no autoproc run was there ({facts['executor']}, {facts['handle']})"]
        case "taken over":
            return [f"{name}: processed {facts['text']}"]
        case _ if "text" in facts:
            return [f"{name}: {facts['text']}" if name and event.kind != "said" else facts["text"]]
    return [f"{name}: {event.kind}"]


def parameters_in_words(changes: Mapping[str, str]) -> str:
    """Parameters as they were given."""
    return " ".join(f"{key}={value}" for key, value in changes.items())


def _times(facts: Mapping[str, Any]) -> str:
    words = times_in_words(facts.get("processing_time"), facts.get("waited"))
    return words and f"  time {words}"


def times_in_words(processing: float | None, waited: float | None) -> str:
    """How long a sweep was worked on, and how long it had waited before; "" where that is not known."""
    if processing is None:
        return ""
    before = f" after waiting {duration(waited)}" if waited is not None and waited >= NOTABLE_WAIT else ""
    return f"{duration(processing)}{before}"


def duration(seconds: float) -> str:
    """Seconds as people say them."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    if seconds < 6000:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.0f} h" if seconds < 172800 else f"{seconds / 86400:.0f} days"
