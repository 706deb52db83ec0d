"""HDF5 sweeps while a writer, in a process of its own, has them open; time is the test's."""

import json
import shutil
import subprocess
import sys
from contextlib import contextmanager

import pytest
from simulated import simulated_sweep
from watched import FollowingDisk, Hutch

from autoproc.service.sweeps.found_sweep import ListedImages
from autoproc.simulation.beamline import Collection, collect
from autoproc.simulation.beamline_hdf5 import Hdf5Writing, write_hdf5

N = 12
WRITER = """
import json, sys
from pathlib import Path
from autoproc.simulation.beamline import Collection
from autoproc.simulation.beamline_hdf5 import Hdf5Writing, write_hdf5
source, folder, name, collection, writing = json.loads(sys.argv[1])
steps = write_hdf5(Path(source), Path(folder), name, Collection(**collection), Hdf5Writing(**writing))
for _ in sys.stdin:
    print(next(steps, "end"), flush=True)
"""


@pytest.fixture(scope="session")
def source(tmp_path_factory):
    return simulated_sweep(tmp_path_factory, "nxmx", n_images=N).start


@pytest.fixture
def hutch(tmp_path):
    return Hutch(tmp_path, disk_class=FollowingDisk)


@contextmanager
def writing_process(hutch, source, name, collection=None, **writing):
    """A function that lets the writer write the next frame; its files stay open until it has written all."""
    arguments = json.dumps([str(source), str(hutch.folder), name, {"rate": 10.0, **(collection or {})}, writing])
    command = [sys.executable, "-c", WRITER, arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield lambda: _next(process)
        process.kill()


def _next(process):
    process.stdin.write("\n")
    process.stdin.flush()
    said = process.stdout.readline().strip()
    return None if said == "end" else float(said)


def watched(hutch, step, most=None):
    """Write frame by frame, watching; returns what was found before the writer had ended."""
    found = []
    n = 0
    while most is None or n < most:
        pause = step()
        if pause is None:
            break
        n += 1
        found += hutch.after(max(pause, 0.01))
    return found


def only(found):
    assert len(found) == 1, found
    return found[0]


@pytest.mark.parametrize(
    "writing",
    [
        {"swmr": True},
        {"swmr": True, "virtual": True, "images_per_file": 5},
        {"swmr": True, "growing": True, "images_per_file": 5},
        {"swmr": False, "virtual": True},
    ],
    ids=str,
)
def test_a_sweep_is_complete_with_its_last_frame_while_its_files_are_still_open(hutch, source, writing):
    with writing_process(hutch, source, "x", {"in_order": False}, **writing) as step:
        found = watched(hutch, step, most=N + 1)
        found += hutch.after(3 if not writing.get("growing") else 8)
        sweep = only(found)
    assert (sweep.state, sweep.n_images, sweep.image_range) == ("complete", N, None)
    assert (sweep.kind, sweep.name, sweep.path) == ("hdf5", "x", hutch.folder / "x_master.h5")


@pytest.mark.parametrize("writing", [{"swmr": False, "recent": True}, {"swmr": False, "master_last": True}], ids=str)
def test_a_sweep_that_nobody_can_read_yet_is_waited_for(hutch, source, writing):
    with writing_process(hutch, source, "x", **writing) as step:
        assert watched(hutch, step, most=N) == []
        assert hutch.after(20) == []
        found = watched(hutch, step)
        sweep = only(found + hutch.after(20))
    assert (sweep.state, sweep.n_images) == ("complete", N)


@pytest.mark.parametrize("virtual", [False, True])
def test_an_aborted_collection_is_partial_as_far_as_it_goes(hutch, source, virtual):
    collect(write_hdf5(source, hutch.folder, "x", Collection(rate=0, n_images=7), Hdf5Writing(virtual=virtual)))
    sweep = only(hutch.after(320))
    assert (sweep.state, sweep.n_images, sweep.image_range) == ("partial", 7, (1, 7))
    assert sweep.reason == f"7 of {N} images are there; nothing came for 5 min"


@pytest.mark.parametrize("virtual", [False, True])
def test_data_files_that_never_come_leave_a_partial_sweep(hutch, source, virtual):
    writing = Hdf5Writing(virtual=virtual, images_per_file=5)
    collect(write_hdf5(source, hutch.folder, "x", Collection(rate=0), writing))
    (hutch.folder / "x_data_000003.h5").unlink()
    sweep = only(hutch.after(320))
    assert (sweep.state, sweep.n_images, sweep.image_range) == ("partial", 10, (1, 10))


def test_a_partial_sweep_that_goes_on_has_the_same_fingerprint(hutch, source):
    with writing_process(hutch, source, "x") as step:
        watched(hutch, step, most=8)
        partial = only(hutch.after(320))
        watched(hutch, step)
        whole = only(hutch.after(60))
    assert (partial.n_images, whole.n_images) == (7, N)
    assert partial.fingerprint == whole.fingerprint


def test_a_master_whose_images_never_come_is_listed(hutch, source):
    collect(write_hdf5(source, hutch.folder, "x", Collection(rate=0)))
    (hutch.folder / "x_data_000001.h5").unlink()
    listed = only(hutch.after(320))
    assert isinstance(listed, ListedImages)
    assert (listed.what, listed.n_images) == ("unreadable", 0)
    assert "x_data_000001.h5 is missing" in listed.reason


def test_sweeps_that_are_there_already_are_complete_at_once(hutch, source):
    for name in ("a", "b"):
        collect(write_hdf5(source, hutch.folder / name, name, Collection(rate=0), Hdf5Writing(virtual=name == "b")))
    assert sorted(sweep.name for sweep in hutch.watcher.poll(0)) == ["a", "b"]


def test_copying_a_sweep_file_by_file_master_first(hutch, source, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    collect(write_hdf5(source, elsewhere, "x", Collection(rate=0), Hdf5Writing(images_per_file=4)))
    found = []
    for path in sorted(elsewhere.iterdir(), key=lambda path: "master" not in path.name):
        content = path.read_bytes()
        copy = hutch.folder / path.name
        for size in (len(content) // 2, len(content)):
            copy.write_bytes(content[:size])
            found += hutch.after(4)
    sweep = only(found + hutch.after(20))
    assert (sweep.state, sweep.n_images) == ("complete", N)


def test_a_nxs_file_is_taken_before_the_master_of_the_same_frames(hutch, source):
    collect(write_hdf5(source, hutch.folder, "x", Collection(rate=0)))
    shutil.copy(hutch.folder / "x_master.h5", hutch.folder / "x.nxs")
    assert only(hutch.after(20)).path.name == "x.nxs"
    (hutch.folder / "x.nxs").unlink()
    hutch.restarted()
    assert only(hutch.after(20)).path.name == "x_master.h5"


def test_a_nxs_file_that_comes_after_the_master_is_no_new_sweep(hutch, source):
    collect(write_hdf5(source, hutch.folder, "x", Collection(rate=0)))
    only(hutch.after(20))
    shutil.copy(hutch.folder / "x_master.h5", hutch.folder / "x.nxs")
    assert hutch.after(50) == []
