"""What was done on a sweep's images while they came, for the stages that would do it again."""

from __future__ import annotations

from dataclasses import dataclass, field

from autoproc.formats.images.damaged_frames import ForgivingReader
from autoproc.integration.early_survey import EarlySurvey
from autoproc.integration.look import Early as EarlySeen
from autoproc.models.experiment import Experiment
from autoproc.spot_finding.early import EarlySearch
from autoproc.stages.find_spots import Early as EarlyFound


@dataclass(slots=True)
class EarlyWork:
    """Strong pixels that were found, and frames that were looked at. It stands only for what would be the same."""

    search: EarlySearch = field(default_factory=EarlySearch)
    survey: EarlySurvey | None = None

    def copy(self) -> EarlyWork:
        """The same, to be used up in place of this."""
        return EarlyWork(self.search.copy(), None if self.survey is None else self.survey.copy())

    @property
    def words(self) -> str:
        """How much of it there is."""
        n_seen = 0 if self.survey is None else len(self.survey)
        return f"while they came, {len(self.search)} images were searched for spots, {n_seen} looked at for integration"

    def found(self, experiment: Experiment, reader: ForgivingReader) -> EarlyFound:
        """For finding the spots of a sweep."""
        first = experiment.scan.image_range[0]
        return lambda key: self.search.of(key, first, reader.stamp)

    def seen(self, experiment: Experiment, reader: ForgivingReader) -> EarlySeen | None:
        """For integrating it."""
        survey, first = self.survey, experiment.scan.image_range[0]
        return None if survey is None else lambda key: survey.of(key, first, reader.stamp)
