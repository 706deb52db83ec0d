"""Sweeps that are probed in memory, as a follower does it."""

from __future__ import annotations

import numpy as np

from autoproc.config import Config
from autoproc.geometry.detector import pixel_resolution
from autoproc.models.reflections import Reflections
from autoproc.spot_finding.image_facts import ImageFacts, image_facts
from autoproc.spot_finding.pixels import SpotPixels
from autoproc.stages.find_spots import FoundSpots, find_spots, search_of
from autoproc.stages.probe_sweep import ProbeParams, probe_sweep


def probe_params(config=None):
    config = config or Config()
    return ProbeParams(config.index, config.refine, config.bravais_settings)


def probed(reader, experiment, planned=None):
    """The report of a probe of all frames of a reader."""
    params = Config().find_spots
    found = find_spots(experiment, reader, reader.mask, params, 1)
    return probe_sweep(experiment, found, facts_of(reader, experiment, params), planned, probe_params()).report


def facts_of(reader, experiment, params):
    search = search_of(experiment, reader, reader.mask, params)
    d, sizes = pixel_resolution(experiment.detector[0], experiment.beam), (params.min_spot_size, params.max_spot_size)
    facts = []
    for frame in range(reader.n_frames):
        image = reader.read(frame)
        facts.append(image_facts(frame + 1, search.on(frame, image).strong, image, search.mask, d, sizes))
    return facts


def found_spots(spots: Reflections) -> FoundSpots:
    """Spots that were made up, each of one pixel."""
    n = len(spots)
    x, y, z = np.floor(spots["xyz_obs_px"]).astype(np.int32).T
    pixels = SpotPixels(np.arange(n + 1), x, y, z, np.full(n, 100, np.int32), np.ones(n, np.float32))
    spots = spots.replace(intensity_sum=np.full(n, 100.0), variance_sum=np.full(n, 100.0))
    return FoundSpots(spots, pixels, np.zeros(1, int), 0, 1)


def facts_alike(n, n_spots):
    """Of n images with as many spots each."""
    return [ImageFacts(number, n_spots, 2.0, 0, 0, 1.0) for number in range(1, n + 1)]
