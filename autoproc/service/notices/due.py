"""Which notices are due: each thing that is wrong once as it begins and once when it is over, and not too many.

What stands is kept in a file, so that a program that is started again does not tell it anew.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from autoproc.service.notices.conditions import NAMES, What

HOUR = 3600.0
MOST_HELD = 20
"""Sentences that wait for room; of more the oldest go."""
MOST_BYTES = 1 << 16


@dataclass(frozen=True, slots=True)
class Notice:
    """What the staff is told. what : conditions, with commas between several; text : a sentence a line."""

    what: str
    state: Literal["begins", "over", "several"]
    text: str


@dataclass(slots=True)
class ToldTroubles:
    """What is wrong, as far as it was told; times are seconds since 1970.

    since : of each condition that was told, when it began; well_since : since when it seems to be over
    sent : when notices were sent within the last hour; held : (what, state, text) of those that wait for room
    """

    most_an_hour: int
    settled_for: float
    since: dict[What, float] = field(default_factory=dict)
    well_since: dict[What, float] = field(default_factory=dict)
    sent: list[float] = field(default_factory=list)
    held: list[tuple[str, str, str]] = field(default_factory=list)

    def due(self, wrong: Mapping[What, str], now: float) -> list[Notice]:
        """The notices to send now; wrong : what is wrong now, in words."""
        for what, words in wrong.items():
            self.well_since.pop(what, None)
            if what not in self.since:
                self.since[what] = now
                self.held.append((what, "begins", f"{NAMES[what]}: {words}"))
        for what in [what for what in self.since if what not in wrong]:
            if now - self.well_since.setdefault(what, now) >= self.settled_for:
                del self.since[what], self.well_since[what]
                self.held.append((what, "over", f"over: {NAMES[what]}"))
        self.sent = [at for at in self.sent if 0 <= now - at < HOUR]
        n_free = self.most_an_hour - len(self.sent)
        return self._taken(n_free, now) if self.held and n_free > 0 else []

    def _taken(self, n_free: int, now: float) -> list[Notice]:
        """One for each sentence while there is room, and one for all that are left where it is the last."""
        if len(self.held) <= n_free:
            notices = [Notice(what, "over" if state == "over" else "begins", text) for what, state, text in self.held]
        else:
            kept = self.held[-MOST_HELD:]
            whats = ",".join(dict.fromkeys(what for what, _, _ in kept))
            notices = [Notice(whats, "several", "\n".join(text for _, _, text in kept))]
        self.held = []
        self.sent += [now] * len(notices)
        return notices

    def write(self, path: Path) -> None:
        """Keep it. Raises OSError."""
        kept = {"since": self.since, "sent": self.sent, "held": self.held[-MOST_HELD:]}
        part = path.with_suffix(".part")
        part.write_text(json.dumps(kept), encoding="utf-8")
        part.replace(path)

    def read(self, path: Path) -> None:
        """As it was kept; a file that is damaged or not there says nothing."""
        with suppress(OSError, ValueError, TypeError, RecursionError):
            with path.open("rb") as file:
                kept: Any = json.loads(file.read(MOST_BYTES))
            times = {what: at for what, at in dict(kept["since"]).items() if what in NAMES and _is_time(at)}
            sent = [float(at) for at in kept["sent"] if _is_time(at)]
            held = [(str(what), str(state), str(text)) for what, state, text in kept["held"]]
            self.since, self.sent, self.held = times, sent, held


def _is_time(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def state_file(state: Path) -> Path:
    """Where it is kept, below the folder that holds the queue."""
    return Path(os.path.join(state, "notices.json"))
