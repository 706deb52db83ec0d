"""What is integrated while images come is what is made of them afterwards, to the bit, or is not used."""

from __future__ import annotations

import threading
import time
from dataclasses import replace

import numpy as np
import pytest
from followed_for_tests import LONGEST, catch_up, follow, quick_waits, sweeps_of, turn
from quiet_observer import Quiet
from simulated import simulated_sweep

from autoproc.config import Config
from autoproc.following import early_integration
from autoproc.integration.milestones import milestones
from autoproc.linear_algebra import one_blas_thread
from autoproc.simulation.beamline import Collection
from autoproc.simulation.beamline_hdf5 import Hdf5Writing, write_hdf5
from autoproc.stages.early_work import EarlyWork, milestone_key
from autoproc.stages.integrate_stretches import Integrating, integrate_stretches
from autoproc.stages.pipeline import find_spots_of_sweep, open_frames, stretches_params

N = 36
HOW = {
    "first": 12.0, "growth": 1.5, "shares": (0.56, 0.83), "min_images": 20, "min_images_more": 5, "surveyed_first": 30,
    "surveyed_more": 20,
}  # fmt: skip


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    quick_waits(monkeypatch)


@pytest.fixture(scope="module", autouse=True)
def as_in_a_worker():
    with one_blas_thread:
        yield


def configured():
    config = Config()
    integrate = config.integrate.model_copy(update={"stretches": config.integrate.stretches.model_copy(update=HOW)})
    return config.model_copy(update={"integrate": integrate})


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    return simulated_sweep(tmp_path_factory, "nxmx", n_images=N, width=0.6).start


@pytest.fixture(scope="module")
def whole(source, tmp_path_factory):
    """The master of a sweep that was followed while its file grew, and what was made of it early."""
    folder = tmp_path_factory.mktemp("followed")
    with pytest.MonkeyPatch.context() as monkeypatch:
        quick_waits(monkeypatch)
        follower = followed(source, folder, configured(), growing=True)
    follower.close()
    return folder / "x_master.h5", follower.work


@pytest.fixture(scope="module")
def alone(whole):
    """What is made of it without."""
    return afterwards(whole[0], configured())[1]


def followed(source, folder, config, **how):
    """A follower of a sweep that was written, with all that it makes early."""
    follower = follow(
        folder / "x_master.h5", write_hdf5(source, folder, "x", Collection(0.0), Hdf5Writing(**how)), config
    )
    catch_up(follower, N)
    wait_for(follower, 30)
    return follower


def wait_for(follower, n_images):
    end = time.monotonic() + 4 * LONGEST
    while follower.work.stretches.result().n_images < n_images:
        assert time.monotonic() < end, f"integrated until image {follower.work.stretches.n_images}"
        turn(follower)
        time.sleep(0.05)


def afterwards(path, config, work=None):
    """What a pipeline has of the milestones of a complete sweep: how many were made early, and all of it."""
    (experiment,) = sweeps_of(path, config)
    reader = open_frames(experiment, config, is_read_again=True)
    found = find_spots_of_sweep(experiment, reader, config, Quiet().watch, work)
    until, params = list(found.by_milestone), stretches_params(config)
    n_reached, done = (0, Integrating()) if work is None else work.integrated(experiment, until, params)
    return n_reached, integrate_stretches(experiment, until[n_reached:], reader, params, 2, done)


def assert_same(one, other):
    assert one.n_images == other.n_images
    assert len(one.stretches) == len(other.stretches) > 0
    for mine, theirs in zip(one.stretches, other.stretches, strict=True):
        for a, b in (
            (mine.predictions.hkl, theirs.predictions.hkl), (mine.predictions.xyz, theirs.predictions.xyz),
            (mine.bbox, theirs.bbox), (mine.measured.measurements.table, theirs.measured.measurements.table),
            (mine.measured.background.mean, theirs.measured.background.mean),
            (mine.measured.profiles.coefficients, theirs.measured.profiles.coefficients),
        ):  # fmt: skip
            np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(one.seen.background.total, other.seen.background.total)
    np.testing.assert_array_equal(one.seen.untrusted.is_shadowed, other.seen.untrusted.is_shadowed)


def test_milestones_of_these_sweeps(source):
    (experiment,) = sweeps_of(source, configured())
    for planned in (None, N):
        reached = milestones(N, experiment.scan.oscillation[1], configured().integrate.stretches, planned)
        assert reached == (20, 30)


def test_of_a_file_that_grows(whole, alone):
    path, work = whole
    assert work.words == f"while they came, {N} images were searched for spots, and the first 30 integrated"
    n_reached, early = afterwards(path, configured(), work.copy())
    assert n_reached == 2
    assert_same(early, alone)


def test_of_files_of_one_image_each(tmp_path_factory):
    config = configured()
    sweep = simulated_sweep(tmp_path_factory, "minicbf", n_images=N, width=0.6)
    follower = follow(sweep.start, [0], config)
    catch_up(follower, N)
    wait_for(follower, 20)
    n_reached, early = afterwards(sweep.start, config, follower.work)
    assert n_reached >= 1
    assert_same(early, afterwards(sweep.start, config)[1])


def test_what_is_under_way_is_waited_for_and_used(tmp_path, source, alone, monkeypatch):
    """The order comes while a stretch is integrated."""
    config, quickly, gate = configured(), early_integration.next_milestone, threading.Event()

    def slowly(*arguments):
        gate.wait(LONGEST)
        return quickly(*arguments)

    monkeypatch.setattr(early_integration, "next_milestone", slowly)
    follower = follow(tmp_path / "x_master.h5", write_hdf5(source, tmp_path, "x", Collection(0.0)), config)
    catch_up(follower, N)
    while not follower.work.stretches.is_busy:
        turn(follower)
    assert follower.work.stretches.n_images == 0
    follower.close()
    threading.Timer(0.3, gate.set).start()
    n_reached, early = afterwards(tmp_path / "x_master.h5", config, follower.work)
    assert n_reached == 1
    assert_same(early, alone)


def test_it_is_not_used_where_parameters_or_spots_are_others(whole):
    config, path, work = configured(), whole[0], whole[1].copy()
    (experiment,) = sweeps_of(path, config)
    params = stretches_params(config)
    found = find_spots_of_sweep(experiment, open_frames(experiment, config, True), config, Quiet().watch, work)
    until = list(found.by_milestone)
    assert work.integrated(experiment, until, params)[0] == 2
    others = params.model_copy(update={"integrate": params.integrate.model_copy(update={"d_min": 2.5})})
    assert work.integrated(experiment, until, others)[0] == 0
    moved = [(n, spots.replace(xyz_obs_px=spots["xyz_obs_px"] + 1e-9)) for n, spots in until]
    assert work.integrated(experiment, moved, params)[0] == 0
    assert work.integrated(experiment, until[:1], params)[0] == 0


def test_it_is_not_used_before_all_its_images_were_found_to_be_what_they_were(whole):
    config, path, work = configured(), whole[0], whole[1].copy()
    (experiment,) = sweeps_of(path, config)
    alone = find_spots_of_sweep(experiment, open_frames(experiment, config, True), config, Quiet().watch)
    assert work.integrated(experiment, list(alone.by_milestone), stretches_params(config))[0] == 0


def test_that_it_fails_costs_what_was_early_and_nothing_else(tmp_path, source, monkeypatch):
    config = configured()
    calls = []

    def fail(*arguments):
        calls.append(arguments)
        raise MemoryError("there is none")

    monkeypatch.setattr(early_integration, "next_milestone", fail)
    follower = follow(tmp_path / "x_master.h5", write_hdf5(source, tmp_path, "x", Collection(0.0)), config)
    catch_up(follower, N)
    while not calls:
        turn(follower)
    follower.work.stretches.result()
    with pytest.raises(MemoryError, match="there is none"):
        follower.turn(lambda: False)
    for _ in range(5):
        follower.turn(lambda: False)
    assert len(calls) == 1  # and is not begun again
    n_reached, so_far = afterwards(tmp_path / "x_master.h5", config, follower.work)
    assert (n_reached, len(so_far.stretches)) == (0, 2)


def test_keys_tell_models_apart(source):
    config = configured()
    (experiment,) = sweeps_of(source, config)
    found = find_spots_of_sweep(experiment, open_frames(experiment, config, True), config, Quiet().watch)
    (n, spots), *_ = found.by_milestone
    params = stretches_params(config)
    key = milestone_key(experiment, n, spots, params)
    assert key == milestone_key(experiment, n, spots, params)
    panel = experiment.detector[0]
    others = [
        replace(experiment, detector=replace(experiment.detector, panels=(replace(panel, mask=((0, 2, 0, 3),)),))),
        replace(experiment, beam=replace(experiment.beam, wavelength=experiment.beam.wavelength + 1e-12)),
        replace(experiment, scan=replace(experiment.scan, oscillation=(0.1, 0.6))),
    ]
    assert len({key, *(milestone_key(one, n, spots, params) for one in others)}) == 4
    assert EarlyWork().integrated(experiment, [(n, spots)], params)[0] == 0
