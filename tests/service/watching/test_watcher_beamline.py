"""The watcher with a real disk and a real clock, beside a beamline that writes; nothing here depends on speed."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from cbf_files import write_sweep
from ccd_files import counts, write_marccd, write_smv
from simulated import simulated_sweep

from autoproc.service.probing.answers import Inside
from autoproc.service.sweeps.found_sweep import FoundSweep, ListedImages
from autoproc.service.watching.directory_events import KernelEvents, NoEvents
from autoproc.service.watching.params import WatchParams
from autoproc.service.watching.watcher import Watcher
from autoproc.simulation.beamline import Collection, collect, write_cbf, write_screening, write_snapshots
from autoproc.simulation.beamline_hdf5 import Hdf5Writing, write_hdf5

PATIENCE = 120.0
N = 12
ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def images(tmp_path):
    return write_sweep(tmp_path / "source", numbers=range(1, N + 1), changes={"N_images": str(N)})


def found_until(watcher, is_enough):
    end = time.monotonic() + PATIENCE
    found = watcher.poll(1.0)
    while not is_enough(found):
        assert time.monotonic() < end, found
        found += watcher.poll(1.0)
    return found


def watched_while(steps, visit, params, is_enough):
    """What a watcher finds while a beamline writes; it is running before the first image comes."""
    watcher = Watcher([visit], params, Inside())
    watcher.poll(0)
    beamline = threading.Thread(target=collect, args=(steps,))
    beamline.start()
    try:
        return found_until(watcher, is_enough)
    finally:
        beamline.join()
        watcher.close()


def is_whole(found):
    return any(isinstance(item, FoundSweep) and item.n_images == N for item in found)


@pytest.mark.parametrize("method", ["native", "polling"])
@pytest.mark.parametrize("arrival", ["written", "slowly", "rsync"])
def test_a_sweep_in_directories_made_meanwhile(images, tmp_path, method, arrival):
    visit = tmp_path / "visit"
    visit.mkdir()
    steps = write_cbf(images, visit / "a/b/c", "y_###.cbf", Collection(rate=40.0, arrival=arrival, in_order=False))
    params = WatchParams(method=method, poll_interval=0.2, stable_time=0.3)
    found = watched_while(steps, visit, params, is_whole)
    assert [(sweep.state, sweep.path.name, sweep.n_images) for sweep in found] == [("complete", "y_###.cbf", N)]
    assert time.time() - PATIENCE < found[0].completed_at <= time.time()


@pytest.mark.parametrize(("write", "template"), [
    (write_smv, "y_###.img"), (write_marccd, "y.####"),
])  # fmt: skip
def test_sweeps_of_ccd_detectors_are_waited_for(tmp_path, write, template):
    (tmp_path / "source").mkdir()
    (tmp_path / "visit").mkdir()
    files = [tmp_path / "source" / str(n) for n in range(N)]
    for n, path in enumerate(files):
        write(path, counts(n), start=n * 0.5)
    steps = write_cbf(files, tmp_path / "visit", template, Collection(rate=20.0, arrival="slowly"))
    params = WatchParams(poll_interval=0.2, stable_time=0.3, settle_time=2.0, settle_images=1)
    found = watched_while(steps, tmp_path / "visit", params, is_whole)
    assert [(sweep.state, sweep.path.name, sweep.n_images) for sweep in found] == [("complete", template, N)]


def test_events_or_polling_as_configured(tmp_path):
    for method, kind in (("native", KernelEvents), ("polling", NoEvents)):
        watcher = Watcher([tmp_path], WatchParams(method=method), Inside())
        assert isinstance(watcher._news, kind)
        watcher.close()


def test_events_say_which_directory(tmp_path):
    (tmp_path / "a").mkdir()
    news = KernelEvents([tmp_path], gather=0.05)
    assert news.covers(tmp_path / "a")
    (tmp_path / "link").symlink_to(tmp_path / "a")
    assert not news.covers(tmp_path / "link")
    (tmp_path / "a" / "x_0001.cbf").write_bytes(b"x")
    told = set()
    end = time.monotonic() + PATIENCE
    while tmp_path / "a" not in told and time.monotonic() < end:
        news.wait(1.0)
        told |= news.told()
    assert tmp_path / "a" in told
    news.close()


def test_where_other_file_systems_are_mounted_nothing_is_told(tmp_path):
    news = KernelEvents([tmp_path], silent=[tmp_path / "nfs"])
    assert not news.covers(tmp_path / "nfs")
    assert not news.covers(tmp_path / "nfs" / "visit")
    assert news.covers(tmp_path / "nfs2")
    assert not news.covers(tmp_path.parent)
    news.close()


def test_without_watches_to_be_had_nothing_is_covered(tmp_path, monkeypatch):
    def full(*args, **kwargs):
        raise OSError(28, "inotify watch limit reached")

    monkeypatch.setattr("watchdog.observers.api.BaseObserver.schedule", full)
    news = KernelEvents([tmp_path])
    assert not news.covers(tmp_path)
    news.close()
    assert not news.covers(tmp_path)


def test_reading_images_makes_no_news(images):
    news = KernelEvents([images[0].parent], gather=0.05)
    images[0].read_bytes()
    os.listdir(images[0].parent)
    news.wait(0.3)
    assert news.told() == set()
    news.close()


def test_screening_shots_and_snapshots_are_listed_beside_the_sweep(images, tmp_path):
    visit = tmp_path / "visit"
    alone = write_sweep(tmp_path / "other", numbers=range(1, N + 1))
    collect(write_screening(alone, visit, "y_screen_##.cbf", 3), sleep=lambda seconds: None)
    collect(write_snapshots(visit, "y_snapshot"), sleep=lambda seconds: None)
    collect(write_cbf(images, visit, "y_###.cbf", Collection(rate=0)))
    watcher = Watcher([visit], WatchParams(settle_time=0.5, stable_time=0.2, poll_interval=0.1), Inside(), once=True)
    found = found_until(watcher, lambda found: watcher.n_waiting == 0)
    watcher.close()
    listed = {item.what for item in found if isinstance(item, ListedImages)}
    assert listed == {"screening", "snapshot"}
    assert [item.name for item in found if isinstance(item, FoundSweep)] == ["y"]


@pytest.mark.parametrize("method", ["native", "polling"])
def test_an_hdf5_sweep_in_many_files(tmp_path_factory, tmp_path, method):
    source = simulated_sweep(tmp_path_factory, "nxmx", n_images=N).start
    steps = write_hdf5(source, tmp_path, "y", Collection(rate=0), Hdf5Writing(virtual=True, images_per_file=3))
    for _ in steps:  # by this process, which could not read meanwhile what it writes
        pass
    watcher = Watcher([tmp_path], WatchParams(method=method, poll_interval=0.2), Inside())
    found = found_until(watcher, is_whole)
    watcher.close()
    assert [(sweep.state, sweep.image_range) for sweep in found] == [("complete", None)]


def test_the_script_writes_a_visit(tmp_path):
    script = ROOT / "scripts" / "simulate_beamline"
    options = ["--images", "4", "--sweeps", "2", "--rate", "0", "--pause", "0", "--order", "random", "--snapshots"]
    subprocess.run([sys.executable, str(script), str(tmp_path), *options], check=True, capture_output=True)
    params = WatchParams(settle_time=0.5, stable_time=0.2, poll_interval=0.1)
    watcher = Watcher([tmp_path], params, Inside(), once=True)
    found = found_until(watcher, lambda found: watcher.n_waiting == 0)
    watcher.close()
    sweeps = [item for item in found if isinstance(item, FoundSweep)]
    assert sorted((sweep.name, sweep.n_images) for sweep in sweeps) == [("crystal1_1", 4), ("crystal2_1", 4)]


def test_looking_is_no_news(tmp_path):
    """10,000 directories that are looked at would else fill the kernel's queue, and be looked at again for it."""
    for n in range(20):
        (tmp_path / f"d{n}").mkdir()
        (tmp_path / f"d{n}" / "x_0001.cbf").write_bytes(b"pixels")
    news = KernelEvents([tmp_path], gather=0.05)
    try:
        time.sleep(0.2)
        news.told()
        for place in tmp_path.iterdir():
            assert [entry.name for entry in os.scandir(place)] == ["x_0001.cbf"]
            (place / "x_0001.cbf").read_bytes()
        news.wait(0.3)
        assert news.told() == set()
        (tmp_path / "d3" / "x_0002.cbf").write_bytes(b"pixels")
        news.wait(5.0)
        assert tmp_path / "d3" in news.told()
    finally:
        news.close()
