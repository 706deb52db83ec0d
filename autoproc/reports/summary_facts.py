"""summary.json as it is described, for whoever reads one that may be damaged, or of an earlier version."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from autoproc.sound_facts import Described


class RangeFacts(Described):
    """Statistics of a range of resolution."""

    d_max: float | None = None
    d_min: float | None = None
    completeness: float | None = None
    multiplicity: float | None = None
    i_over_sigma: float | None = None
    r_merge: float | None = None
    r_meas: float | None = None
    r_pim: float | None = None
    cc_half: float | None = None
    cc_anom: float | None = None
    cc_anom_significant: bool | None = None
    n_observations: int | None = None
    n_unique: int | None = None


class StatisticsFacts(Described):
    """All reflections, and the shells at both ends."""

    overall: RangeFacts = Field(default_factory=RangeFacts)
    inner: RangeFacts = Field(default_factory=RangeFacts)
    outer: RangeFacts = Field(default_factory=RangeFacts)


class CheckFacts(Described):
    """One of the checks."""

    name: str
    value: str
    usual: str
    verdict: str = Field(pattern="^(good|look|bad)$")
    advice: str = ""


class QualityFacts(Described):
    """What the checks came to."""

    verdict: str | None = Field(None, pattern="^(good|look|bad)$")
    checks: list[CheckFacts] = Field(default_factory=list)


class DecisionFacts(Described):
    """A line of the journal."""

    stage: str
    what: str
    because: str
    kept: bool
    fallen: bool = False


class GivenFacts(Described):
    """A parameter that a file of the visit has given."""

    key: str
    value: str
    file: str


class ToldFacts(Described):
    """What files of the visit have said: each with a digest of its content, and what was taken from them."""

    files: dict[str, str] = Field(default_factory=dict)
    results_in: str | None = None
    given: list[GivenFacts] = Field(default_factory=list)


class SummaryFacts(Described):
    """What pages show of summary.json; all else in it is left as it is."""

    autoproc_version: str = ""
    sweep: str = ""
    status: str = ""
    error: str | None = None
    error_stage: str | None = None
    error_hint: str | None = None
    space_group: str | None = None
    alternatives: list[str] = Field(default_factory=list)
    unit_cell: list[float] | None = Field(None, min_length=6, max_length=6)
    n_lattices: int | None = None
    n_images: int | None = None
    n_images_used: int | None = None
    n_without_beam: int | None = None
    n_spots: int | None = None
    fraction_indexed: float | None = None
    wavelength: float | None = None
    wavelengths: list[dict[str, Any]] = Field(default_factory=list)
    data_sets: list[dict[str, Any]] = Field(default_factory=list)
    rmsd: dict[str, float] | None = None
    d_min: float | None = None
    isa: float | None = None
    wilson_b: float | None = None
    merging_statistics: StatisticsFacts | None = None
    warnings: list[str] = Field(default_factory=list)
    recipes: list[str] = Field(default_factory=list)
    quality: QualityFacts = Field(default_factory=QualityFacts)
    decisions: list[DecisionFacts] = Field(default_factory=list)
    timings: dict[str, float] = Field(default_factory=dict)
    latency: float | None = None
    no_latency: str = ""
    told_by_visit: ToldFacts | None = None
