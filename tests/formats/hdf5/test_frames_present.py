import os
import subprocess
import sys

import h5py
import numpy as np
import pytest

from autoproc.formats.hdf5.frames_present import frames_present

N, SHAPE = 6, (8, 10)


def frame(n):
    return np.full(SHAPE, n + 1, np.uint16)


def stack(file, n=N, maxshape=N, chunks=(1, *SHAPE), path="entry/data/data"):
    group, _, name = path.rpartition("/")
    file.require_group(group).attrs["NX_class"] = np.bytes_("NXdata")
    file["entry"].attrs["NX_class"] = np.bytes_("NXentry")
    return file.require_group(group).create_dataset(
        name, (n, *SHAPE), np.uint16, chunks=chunks, maxshape=(maxshape, *SHAPE) if chunks else None
    )


def write(path, present, **kind):
    with h5py.File(path, "w") as file:
        data = stack(file, **kind)
        for n in present:
            data[n] = frame(n)
    return path


def announce(master, **numbers):
    with h5py.File(master, "r+") as file:
        group = file.require_group("entry/instrument/detector/detectorSpecific")
        for path, kind in (("entry/instrument", "NXinstrument"), ("entry/instrument/detector", "NXdetector")):
            file[path].attrs["NX_class"] = np.bytes_(kind)
        for name, value in numbers.items():
            group[name] = value


def links(path, targets, names=None):
    with h5py.File(path, "w") as file:
        group = file.create_group("entry/data")
        file["entry"].attrs["NX_class"], group.attrs["NX_class"] = np.bytes_("NXentry"), np.bytes_("NXdata")
        for number, target in enumerate(targets, 1):
            group[f"data_{number:06d}"] = h5py.ExternalLink(target, "/entry/data/data")
    return path


def virtual(path, sources, n, step=1):
    layout = h5py.VirtualLayout((n, *SHAPE), np.uint16)
    start = 0
    for number, (name, size) in enumerate(sources):
        if step > 1:
            layout[number::step] = h5py.VirtualSource(name, "/entry/data/data", (size, *SHAPE))
        else:
            layout[start : start + size] = h5py.VirtualSource(name, "/entry/data/data", (size, *SHAPE))
        start += size
    with h5py.File(path, "w") as file:
        group = file.create_group("entry/data")
        file["entry"].attrs["NX_class"], group.attrs["NX_class"] = np.bytes_("NXentry"), np.bytes_("NXdata")
        group.create_virtual_dataset("data", layout, fillvalue=0)
    return path


def flags(there):
    return "".join("x" if present else "." for present in there.present)


def test_frames_are_there_when_their_chunks_are(tmp_path):
    there = frames_present(write(tmp_path / "x.h5", [0, 1, 4]))
    assert (flags(there), there.n_present, there.n_expected, there.is_sure) == ("xx..x.", 3, N, True)


def test_chunks_of_several_frames_and_parts_of_frames(tmp_path):
    assert flags(frames_present(write(tmp_path / "x.h5", [0, 5], chunks=(2, *SHAPE)))) == "xx..xx"
    with h5py.File(tmp_path / "y.h5", "w") as file:
        data = stack(file, chunks=(1, 4, 10))
        data[0] = frame(0)
        data[1, :4] = 7
    assert flags(frames_present(tmp_path / "y.h5")) == "x....."


def test_frames_without_chunks_are_not_sure(tmp_path):
    there = frames_present(write(tmp_path / "x.h5", [0], chunks=None))
    assert (there.n_present, there.is_sure) == (N, False)


def test_data_sets_that_grow_promise_nothing(tmp_path):
    assert frames_present(write(tmp_path / "x.h5", [0, 1], n=2, maxshape=None)).n_expected is None


def test_the_detector_says_how_many_it_was_armed_for(tmp_path):
    path = write(tmp_path / "x.h5", [0, 1], n=2, maxshape=None)
    announce(path, nimages=5, ntrigger=2)
    there = frames_present(path)
    assert (there.n_expected, flags(there)) == (10, "xx........")


def test_through_external_links(tmp_path):
    write(tmp_path / "a.h5", range(N))
    write(tmp_path / "b.h5", [0, 2])
    there = frames_present(links(tmp_path / "x_master.h5", ["a.h5", "b.h5"]))
    assert flags(there) == "xxxxxxx.x..."
    assert there.obstacle == ""


def test_links_to_files_that_are_not_there_yet(tmp_path):
    write(tmp_path / "a.h5", range(N))
    master = links(tmp_path / "x_master.h5", ["a.h5", "b.h5"])
    there = frames_present(master)
    assert (there.n_present, there.n_expected) == (N, None)
    assert there.obstacle == "b.h5 is missing or not readable yet"
    announce(master, nimages=N)
    assert frames_present(master).obstacle == ""  # more links than images: a detector that was armed for less


def test_through_virtual_data_sets(tmp_path):
    write(tmp_path / "a.h5", range(N))
    write(tmp_path / "b.h5", [1])
    there = frames_present(virtual(tmp_path / "x.nxs", [("a.h5", N), ("b.h5", N)], 2 * N))
    assert (flags(there), there.n_expected) == ("xxxxxx.x....", 2 * N)
    (tmp_path / "b.h5").unlink()
    there = frames_present(tmp_path / "x.nxs")
    assert flags(there) == "xxxxxx......"
    assert there.obstacle == "b.h5 is missing or not readable yet"


def test_through_virtual_data_sets_whose_sources_take_turns(tmp_path):
    write(tmp_path / "a.h5", range(N))
    write(tmp_path / "b.h5", [0, 1])
    assert flags(frames_present(virtual(tmp_path / "x.nxs", [("a.h5", N), ("b.h5", N)], 2 * N, step=2))) == (
        "xxxxx.x.x.x."
    )


def test_virtual_upon_virtual_and_a_link_between(tmp_path):
    write(tmp_path / "a.h5", [0, 3])
    virtual(tmp_path / "inner.h5", [("a.h5", N)], N)
    with h5py.File(tmp_path / "linking.h5", "w") as file:
        file["entry/data/data"] = h5py.ExternalLink("inner.h5", "/entry/data/data")
    assert flags(frames_present(virtual(tmp_path / "x.nxs", [("linking.h5", N)], N))) == "x..x.."


def test_virtual_data_sets_in_a_circle_end(tmp_path):
    virtual(tmp_path / "a.nxs", [("b.nxs", N)], N)
    virtual(tmp_path / "b.nxs", [("a.nxs", N)], N)
    there = frames_present(tmp_path / "a.nxs")
    assert there.n_present == 0
    assert there.obstacle


@pytest.mark.parametrize("content", [b"", b"\x89HDF\r\n\x1a\n", b"\x89HDF\r\n\x1a\n" + bytes(200), b"hello" * 100])
def test_half_written_files_are_an_obstacle_not_an_error(tmp_path, content):
    path = tmp_path / "x_master.h5"
    path.write_bytes(content)
    there = frames_present(path)
    assert there.n_present == 0
    assert "x_master.h5" in there.obstacle
    assert frames_present(tmp_path / "missing.h5").obstacle


def test_a_truncated_file(tmp_path):
    path = write(tmp_path / "x.h5", range(N))
    os.truncate(path, path.stat().st_size - 100)
    assert "not written to its end" in frames_present(path).obstacle


WRITER = """
import h5py, numpy as np, sys
path, libver, swmr = sys.argv[1], sys.argv[2] or None, sys.argv[3] == "swmr"
file = h5py.File(path, "w", libver=libver)
group = file.create_group("entry/data")
file["entry"].attrs["NX_class"], group.attrs["NX_class"] = np.bytes_("NXentry"), np.bytes_("NXdata")
data = group.create_dataset("data", (6, 8, 10), "u2", chunks=(1, 8, 10), maxshape=(None, 8, 10))
if swmr:
    file.swmr_mode = True
for line in sys.stdin:
    data[int(line)] = int(line) + 1
    file.flush()
    print("done", flush=True)
"""


@pytest.mark.parametrize(
    ("libver", "swmr", "is_seen"), [("latest", True, True), ("", False, True), ("latest", False, False)]
)
def test_while_the_writer_has_the_file_open(tmp_path, libver, swmr, is_seen):
    path = tmp_path / "x.h5"
    arguments = [sys.executable, "-c", WRITER, str(path), libver, "swmr" if swmr else ""]
    with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as writer:
        for n in (0, 3):
            writer.stdin.write(f"{n}\n")
            writer.stdin.flush()
            assert writer.stdout.readline() == "done\n"
        there = frames_present(path)
        assert flags(there) == ("x..x.." if is_seen else "")
        assert bool(there.obstacle) is not is_seen
        writer.stdin.close()
    assert flags(frames_present(path)) == "x..x.."


def test_the_first_frame_tells_sweeps_apart(tmp_path):
    a = frames_present(write(tmp_path / "x.h5", [0, 1])).first_frame
    later = frames_present(write(tmp_path / "x.h5", range(N))).first_frame
    assert a == later
    assert a
    with h5py.File(tmp_path / "x.h5", "r+") as file:
        file["entry/data/data"][0] = 99
    assert frames_present(tmp_path / "x.h5").first_frame != a
    assert frames_present(write(tmp_path / "y.h5", [1])).first_frame == b""
    write(tmp_path / "a.h5", [0])
    assert frames_present(virtual(tmp_path / "v.nxs", [("a.h5", N)], N)).first_frame == a
    assert frames_present(links(tmp_path / "l_master.h5", ["a.h5"])).first_frame == a


def test_room_without_any_image_is_said(tmp_path):
    there = frames_present(write(tmp_path / "x_master.h5", [], chunks=None))
    assert (there.n_present, there.obstacle) == (0, "x_master.h5 holds no images yet")
