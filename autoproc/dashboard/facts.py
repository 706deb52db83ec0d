"""What programs are told and may ask, as models: the description of the interface is written from them."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Figure = float | None


class Facts(BaseModel):
    """Of what is told, nothing is left undescribed."""

    model_config = ConfigDict(extra="forbid")


class SweepFacts(Facts):
    """A sweep of the queue; figures are null until it has results. Times are seconds since 1970."""

    id: int = Field(description="its number in the queue")
    name: str = Field(description="of its folder of results")
    state: str = Field(
        description="queued, running, interrupted (nobody works on it any more), processed, failed, cancelled, "
        "set_aside (it ended its worker too often) or not_combined (a group of which no two sweeps agree)"
    )
    lamp: str = Field(description="good, look, bad or open")
    verdict: str = Field(description="what that means, in words")
    visit: str = Field(description="the directory watched under which it was found")
    path: str = Field(description="template with #, or master file")
    folder: str = Field(description="of its images")
    kind: str = Field(description="of its images; combined: several sweeps")
    group: str = Field(description="of sweeps, that its data are part of; empty without one")
    members: list[str] = Field(description="of a group: its sweeps")
    left_out: list[str] = Field(description="of these, those of which nothing is in the result")
    run: int = Field(description="how often it was begun")
    n_images: int
    n_images_used: int | None
    space_group: str | None
    unit_cell: list[float] | None = Field(description="Angstrom and degrees")
    d_min: Figure = Field(description="Angstrom")
    completeness: Figure = Field(description="%")
    multiplicity: Figure
    r_meas_inner: Figure = Field(description="Rmeas at low resolution: that of the first shell")
    cc_half: Figure
    isa: Figure
    cc_anom_inner: Figure = Field(description="anomalous correlation in the inner shell, if significant (1%)")
    n_lattices: int | None
    words: str = Field(description="why its light is not green, how far it is, or what is wrong")
    hint: str = Field(description="what to do about it")
    doing: str = Field(description="stage that is under way")
    percent: int | None = Field(description="part of the stage that is done, where that is known")
    found_at: float
    started_at: Figure
    finished_at: Figure
    latency: Figure = Field(
        description="seconds from the arrival of the last image to the results in their place; null for what was asked "
        "for after that, by name or again"
    )
    processing_time: Figure = Field(description="seconds that it was worked on, the last time")
    waited: Figure = Field(description="seconds from the last image, or from when it was asked for, to the beginning")
    priority: float
    can: list[str] = Field(description="what can be asked for of it")


class ArrivingFacts(Facts):
    """Images that are coming; not in the queue yet."""

    name: str
    path: str
    n_images: int = Field(description="so far")
    words: str = Field(description="what lacks, and what is waited for")
    until: Figure = Field(description="when it is taken as it is if nothing more comes; seconds since 1970")
    state: str = Field(description="arriving")


class ProbedFacts(Facts):
    """What a probe of the crystal found while its sweep was collected."""

    rotation: float = Field(description="degrees that it looked at")
    n_images: int
    light: Literal["stop", "look", "good"]
    words: list[str] = Field(description="the most urgent first")


class CurveFacts(Facts):
    """What images show, a point for some images after one another: medians of them; null where nothing is known."""

    per_point: int = Field(description="images for each point")
    image: list[float] = Field(description="number in the middle of each point's images")
    n_spots: list[Figure]
    d_min: list[Figure] = Field(description="resolution that the spots reach, Angstrom")
    n_on_ice: list[Figure] = Field(description="spots on the rings of ice")
    n_beside_ice: list[Figure] = Field(description="spots beside these, on as much of the detector")
    level: list[Figure] = Field(description="counts of a pixel between the spots")


class LiveFacts(Facts):
    """A sweep that is searched while it is collected. Times are seconds since 1970."""

    key: str = Field(description="what it is called in addresses", pattern="^[0-9a-f]{16}$")
    name: str
    path: str = Field(description="template with #, or master file")
    sweep: str = Field(description="the name under which it is processed; empty while images come")
    n_there: int = Field(description="images that have come")
    n_planned: int | None = Field(description="images that are to come in all; null where nothing says so")
    n_searched: int
    n_integrated: int = Field(description="first images until which it is integrated")
    n_waiting: int = Field(description="images that have come and are not searched yet")
    every: int = Field(description="of those that wait one in so many is searched first")
    backlog: str = Field(description="the same in words")
    why_not: str = Field(description="why it cannot be followed now")
    ahead: str = Field(description="how far it is processed in case no more images come, in words; else empty")
    unprobed: str = Field(description="why the crystal will not be probed; empty where that is not known")
    provisional: str = Field(description="what the sweep comes to after a part of its images, in words; else empty")
    n_dark: int = Field(description="images without beam")
    dark: list[tuple[int, int]] = Field(description="first and last of stretches of them, the latest")
    is_icy: bool = Field(description="the latest images have spots on the rings of ice")
    probes: list[ProbedFacts]
    curves: CurveFacts
    heard_at: float = Field(description="when its worker has told something last")
    written_at: float


class LiveSweepsFacts(Facts):
    """The sweeps that are followed."""

    sweeps: list[LiveFacts]


class VisitFacts(Facts):
    """The sweeps that were asked for, a page of them, and how the visit stands."""

    number: int = Field(description="of the last change: events go on from it")
    n_found: int = Field(description="sweeps that fit, on all pages")
    rows: list[SweepFacts]
    counts: dict[str, int] = Field(description="how many sweeps there are of each kind")
    arriving: list[ArrivingFacts]
    n_arriving: int
    is_attended: bool = Field(description="a program is at work on the queue")
    at_work: str = Field(description="who is at work, in words")


class Refusal(Facts):
    """Why something could not be done, and what to do."""

    error: str
    hint: str


class Reprocess(Facts):
    """Process a sweep again."""

    parameters: dict[str, str] = Field(
        default_factory=dict,
        max_length=1000,
        description="Parameters to change, as TABLE.KEY: VALUE of the command line; those that were changed before "
        "stay changed.",
    )


class Priority(Facts):
    """Process a sweep sooner or later than others that wait."""

    priority: float | None = Field(
        None,
        ge=-1e6,
        le=1e6,
        allow_inf_nan=False,
        description="The greater, the sooner; 0 is what nobody has asked for; null: before all others that wait.",
    )
