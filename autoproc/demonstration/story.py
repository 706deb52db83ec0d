"""What has happened until now: to each crystal, and to all of them together; and the lines in which it is told."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any, Literal

from autoproc.demonstration.crystals import GROUP, N_IMAGES, DemoCrystal
from autoproc.service.results.brief import doubts_in_words
from autoproc.service.sweeps.sample_groups import COMBINED
from autoproc.wording import angstrom, counted

Light = Literal["", "good", "look", "stop"]
TOGETHER = f"{COMBINED}/{GROUP}"
LIGHTS: Mapping[str, Light] = {"good": "good", "look": "look", "bad": "stop"}
"""Of what the checks of a result came to."""
FEW = 6
"""Images whose spots are enough to say how many there are on one."""


@dataclass(frozen=True, slots=True)
class DemoLine:
    """Something to be told.

    seconds : since the command was given; who : the crystal, "" for all; light : of a verdict
    """

    seconds: float
    who: str
    text: str
    light: Light = ""


@dataclass(slots=True)
class Chapter:
    """What is known of a crystal, or of all together.

    n_written, n_searched : images; spots : on each point of its curve; d_min : that they reach, Angstrom
    last_image : when it came, seconds; light, verdict : of the latest probe
    state : what is done with it; result : the gist of its summary; summary : all of it
    """

    name: str
    what: str
    n_images: int
    n_written: int = 0
    n_searched: int = 0
    spots: tuple[float, ...] = ()
    d_min: float | None = None
    last_image: float | None = None
    light: Light = ""
    verdict: str = ""
    state: str = "to come"
    result: Mapping[str, Any] = field(default_factory=dict)
    summary: Mapping[str, Any] = field(default_factory=dict)

    @property
    def has_result(self) -> bool:
        """It was processed."""
        return self.result.get("status") == "processed"


class Story:
    """Hears what beamline and program tell.

    summary_of : of a name of results, its summary; clock : seconds since the command was given
    """

    def __init__(
        self,
        crystals: Sequence[DemoCrystal],
        summary_of: Callable[[str], Mapping[str, Any]],
        clock: Callable[[], float],
    ) -> None:
        self.crystals = {one.name: Chapter(one.name, one.what, N_IMAGES) for one in crystals}
        self.together = Chapter(TOGETHER, "all of them together", sum(c.n_images for c in self.crystals.values()))
        self.times: dict[str, float] = {}
        self.watched_at: float | None = None
        self._summary_of, self._clock = summary_of, clock

    def now(self) -> float:
        """Seconds since the command was given."""
        return self._clock()

    @property
    def chapters(self) -> list[Chapter]:
        """Of each crystal, and of all together at last."""
        return [*self.crystals.values(), self.together]

    @property
    def is_over(self) -> bool:
        """Nothing more is to come: all are done, or one has failed and the others are done."""
        settled = [one.result for one in self.crystals.values()]
        if not all(settled):
            return False
        n_done = sum(one.has_result for one in self.crystals.values())
        return n_done < 2 or len(self.together.result.get("members") or ()) >= n_done or self._is_left

    @property
    def _is_left(self) -> bool:
        return bool(self.together.result) and not self.together.has_result

    @property
    def missing(self) -> list[str]:
        """What should be there in the end and is not."""
        lacking = [_why_missing(one) for one in self.crystals.values() if not one.has_result]
        inside = len(self.together.result.get("members") or ())
        if not self.together.has_result:
            lacking.append(f"{TOGETHER}: the combined data set{_because(self.together)}")
        elif inside < len(self.crystals):
            lacking.append(f"{TOGETHER}: it is of {inside} crystals, not of {len(self.crystals)}")
        return lacking

    def beamline(self, told: Mapping[str, Any]) -> list[DemoLine]:
        """A crystal is mounted, or an image is written."""
        chapter = self.crystals[told["crystal"]]
        chapter.n_written = int(told["image"])
        if chapter.n_written == 0:
            chapter.state = "mounted"
            return [self._line(chapter, f"on the beamline: {chapter.what} (the program is not told)")]
        chapter.state = "collected"
        if chapter.n_written == 1:
            self._first("first image")
            return [self._line(chapter, f"images come: 1 of {chapter.n_images} is written")]
        if chapter.n_written == chapter.n_images:
            chapter.last_image = self._clock()
            chapter.state = "all images there"
            return [self._line(chapter, f"the last of {chapter.n_images} images is written")]
        return []

    def live(self, facts: Mapping[str, Any]) -> list[DemoLine]:
        """What the program has found on the images of a crystal until now."""
        chapter = self.crystals.get(str(facts.get("name")))
        if chapter is None or chapter.result:
            return []
        before = chapter.n_searched
        chapter.n_searched = int(facts.get("n_searched", 0))
        curves = facts.get("curves") or {}
        chapter.spots = tuple(n for n in curves.get("n_spots") or () if n is not None)
        reach = [d for d in curves.get("d_min") or () if d is not None]
        chapter.d_min = median(reach) if reach else None
        if before < FEW <= chapter.n_searched and chapter.spots:
            self._first("first spots")
            to = f", to {angstrom(chapter.d_min)} A" if chapter.d_min is not None else ""
            return [self._line(chapter, f"spots found: {median(chapter.spots):.0f} an image{to}")]
        return []

    def event(self, record: Mapping[str, Any]) -> list[DemoLine]:
        """Something that the program has written to its log."""
        kind, name = record.get("event"), str(record.get("sweep") or "")
        chapter = self.together if name == TOGETHER else self.crystals.get(name)
        if chapter is None:
            return self._of_the_program(record)
        match kind:
            case "probed":
                return [self._probed(chapter, record)]
            case "found" if chapter is self.together:
                chapter.state = "waiting"
                return [self._line(chapter, f"{record.get('n_sweeps', 'several')} crystals are put together")]
            case "extended" | "again" if chapter is self.together:
                chapter.state = "waiting"
                return [self._line(chapter, f"put together once more, of {record.get('n_sweeps', 'all')} crystals")]
            case "provisional":
                return [self._line(chapter, str(record.get("text", "")))]
            case "started":
                chapter.state = "processed now"
            case "processed":
                return self._processed(chapter, record)
            case "failed" | "not combined" | "set aside":
                chapter.state, chapter.result = "failed", dict(record) | {"status": "failed"}
                return [self._line(chapter, f"{kind}: {record.get('error')}; {record.get('hint') or ''}", "stop")]
        return []

    def _of_the_program(self, record: Mapping[str, Any]) -> list[DemoLine]:
        if record.get("event") in ("trouble", "crashed", "notice"):
            return [self.line(str(record.get("text") or record.get("error") or record["event"]), "look")]
        if record.get("event") == "begin":
            self.watched_at = self._clock()
            return [self.line("the program looks for images")]
        return []

    def _probed(self, chapter: Chapter, record: Mapping[str, Any]) -> DemoLine:
        chapter.light = record.get("light", "")
        chapter.verdict = str(record.get("text", ""))
        self._first("first verdict")
        return self._line(chapter, f"the probe says {chapter.light.upper()} {chapter.verdict}", chapter.light)

    def _processed(self, chapter: Chapter, record: Mapping[str, Any]) -> list[DemoLine]:
        chapter.state, chapter.result = "done", dict(record)
        chapter.summary = self._summary_of(chapter.name)
        if chapter is self.together:
            self.times["combined data set"] = self._clock()
        else:
            self._first(f"result of {chapter.name}")
        first, *others = result_texts(chapter)
        if chapter is not self.together and not chapter.light:
            others.append("its images were all there before it was probed: the machine has much else to do")
        light = LIGHTS.get(str(record.get("verdict")), "")
        return [self._line(chapter, first, light), *(self._line(chapter, text) for text in others)]

    def line(self, text: str, light: Light = "") -> DemoLine:
        """Something to be told of the whole, at this time."""
        return DemoLine(self._clock(), "", text, light)

    def _line(self, chapter: Chapter, text: str, light: Light = "") -> DemoLine:
        return DemoLine(self._clock(), chapter.name, text, light)

    def _first(self, what: str) -> None:
        self.times.setdefault(what, self._clock())


def _why_missing(chapter: Chapter) -> str:
    if chapter.n_written < chapter.n_images:
        return f"{chapter.name}: {chapter.n_written} of {chapter.n_images} images were written, and there is no result"
    return f"{chapter.name}: its result{_because(chapter)}"


def _because(chapter: Chapter) -> str:
    return f" ({chapter.result['error']})" if chapter.result.get("error") else ""


def result_texts(chapter: Chapter) -> list[str]:
    """A result in a few lines: figures, then what was found and decided."""
    result, summary = chapter.result, chapter.summary
    latency = result.get("latency")
    when = f"result {latency:.0f} s after the last image" if latency is not None else "result"
    cell = " ".join(f"{x:.1f}" for x in (result.get("unit_cell") or ())[:3])
    texts = [f"{when}: {result.get('space_group')}, {cell}, {figures_in_words(result)}"]
    doubts = doubts_in_words(dict(result))
    texts += [doubts] if doubts else []
    if (result.get("n_lattices") or 1) > 1:
        texts.append(f"{counted(result['n_lattices'], 'lattice')} found{_decided(summary, 'index')}")
    damage = summary.get("damage") or {}
    if damage.get("is_significant"):
        texts.append(f"damage: intensities change by {damage['change']:.0%} over the sweep, B grows by "
                     f"{damage['b_growth']:.1f} A^2{_decided(summary, 'scale', 'leave out the last')}")  # fmt: skip
    texts += [
        f"set aside: {name}: {why}" for sets in (result.get("aside") or {}).values() for name, why in sets.items()
    ]
    return texts


def figures_in_words(result: Mapping[str, Any]) -> str:
    """The figures that people ask for first; what is not known is left out."""
    said = []
    if result.get("d_min") is not None:
        said.append(f"{angstrom(result['d_min'])} A")
    if result.get("completeness") is not None:
        said.append(f"{result['completeness']:.1f}% complete")
    if result.get("multiplicity") is not None:
        said.append(f"multiplicity {result['multiplicity']:.1f}")
    if result.get("r_meas") is not None:
        said.append(f"Rmeas {result['r_meas']:.3f}")
    if result.get("cc_half") is not None:
        said.append(f"CC1/2 {result['cc_half']:.3f}")
    return ", ".join(said)


def _decided(summary: Mapping[str, Any], stage: str, what: str = "look for lattice") -> str:
    """What was decided in a stage, and kept, with its reason; "" where nothing was."""
    for one in summary.get("decisions") or ():
        if one.get("stage") == stage and one.get("kept") and str(one.get("what", "")).startswith(what):
            return f"; decided: {one['what']}, for {str(one['because']).partition(';')[0]}"
    return ""
