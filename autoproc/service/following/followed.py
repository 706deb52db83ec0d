"""What is known of a sweep while it is collected, in numbers and in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from autoproc.decisions.probe import PROBED, dark_images
from autoproc.models.image_facts import ImageFacts, is_icy
from autoproc.wording import angstrom, counted, ordinal, written

LATEST = 20
"""Images whose middle is told: of a single one there is little to say."""


@dataclass(frozen=True, slots=True)
class Probed:
    """What a probe found after so many degrees: stop, look or good, and why, in words; n_images : looked at."""

    rotation: float
    light: str
    words: tuple[str, ...]
    n_images: int = 0

    @property
    def line(self) -> str:
        """All of it."""
        return f"after {self.rotation:.0f} degrees: {'; '.join(self.words)}"


@dataclass(slots=True)
class Followed:
    """One sweep, as a worker tells of it.

    images : what each shows, by its number; n_there : that have come; n_planned : that are to come, None where nothing
        says so; n_waiting, every, width, n_integrated : see following.follower.Progress
    why_not : it cannot be followed now
    probes : in their order; provisional : what the sweep came to when it was last told, in words
    ahead : how far it is processed in case that no more images come, "" where it is not
    """

    path: str
    name: str
    images: dict[int, ImageFacts] = field(default_factory=dict)
    n_there: int = 0
    n_planned: int | None = None
    n_waiting: int = 0
    every: int = 1
    width: float = 0.0
    n_integrated: int = 0
    why_not: str = ""
    probes: list[Probed] = field(default_factory=list)
    provisional: str = ""
    ahead: str = ""

    def come(self, n_images: int) -> None:
        """So many images are there, whether or not its worker has seen them yet."""
        self.n_waiting += max(0, n_images - self.n_there)
        self.n_there = max(n_images, self.n_there)

    def take(self, messages: Sequence[dict[str, Any]]) -> None:
        """What a worker has told."""
        for said in messages:
            match said["message"]:
                case "followed":
                    self._take_images(said)
                case "probed":
                    report, words = said["report"], tuple(said["words"])
                    self.probes.append(Probed(report["rotation"], said["light"], words, report["n_images"]))
                case "provisional":
                    self.provisional = str(said["words"])
                case "ahead":
                    self.ahead = str(said["doing"])
                case _:
                    self.why_not = str(said["why"])

    def _take_images(self, said: dict[str, Any]) -> None:
        self.why_not = ""
        self.n_there, self.n_planned = said["n_there"], said["n_planned"]
        self.n_waiting, self.every, self.width = said["n_waiting"], said["every"], said["width"]
        self.n_integrated = said["n_integrated"]
        self.images |= {one.image: one for one in (ImageFacts(*row) for row in said["images"])}

    @property
    def words(self) -> str:
        """What the latest images show; "" where nothing is known yet."""
        if not self.images:
            return f"cannot be followed: {self.why_not}" if self.why_not else ""
        latest = self.latest
        n_spots = _middle([one.n_spots for one in latest])
        said = [f"{counted(round(n_spots), 'spot')} an image"]
        reach = [one.d_min for one in latest if one.d_min is not None]
        if reach:
            said.append(f"to {written(_middle(reach), angstrom)} A")
        if self.is_icy:
            said.append("ice")
        dark = self.dark
        if dark:
            said.append(f"no beam on {counted(len(dark), 'image')}")
        if self.n_waiting:
            said.append(self.backlog)
        told = [", ".join(said)]
        if self.ahead:
            told.append(self.ahead_words)
        if self.provisional:
            told.insert(0, self.provisional)
        if self.probes:
            told.insert(0, self.probes[-1].line)
        elif self.unprobed:
            told.insert(0, self.unprobed)
        return "; ".join(told)

    @property
    def unprobed(self) -> str:
        """Why the crystal will not be probed, where that is known."""
        planned = (self.n_planned or 0) * self.width
        if not planned or planned >= PROBED[0]:
            return ""
        return f"not probed: {planned:.3g} degrees are planned, and {PROBED[0]:g} are needed"

    @property
    def ahead_words(self) -> str:
        """How far it is processed in case that no more images come."""
        return f"processed in case no more images come: {self.ahead}" if self.ahead else ""

    @property
    def backlog(self) -> str:
        """How many images wait to be searched, and in which order that is done."""
        first = f", every {ordinal(self.every)} first" if self.every > 1 else ""
        return f"{self.n_waiting:,} not searched yet{first}"

    @property
    def dark(self) -> list[int]:
        """Numbers of the images without beam, ascending."""
        facts = list(self.images.values())
        dark = dark_images([one.level for one in facts], [one.n_spots for one in facts])
        return sorted(facts[place].image for place in dark)

    @property
    def latest(self) -> list[ImageFacts]:
        """The last images, in order."""
        return [self.images[number] for number in sorted(self.images)[-LATEST:]]

    @property
    def is_icy(self) -> bool:
        """The last images together have ice."""
        return is_icy(sum(one.n_on_ice for one in self.latest), sum(one.n_beside for one in self.latest))


def _middle(values: Sequence[float]) -> float:
    return sorted(values)[len(values) // 2]
