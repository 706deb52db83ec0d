"""Symbolic links and links in files lead no further than the visit, or than the folders that are listed."""

from __future__ import annotations

import os

import h5py
import numpy as np
import pytest
from cbf_files import write_image, write_sweep
from nexus_files import SIZE, write_master

from autoproc.errors import UnreadableFile
from autoproc.formats import confinement
from autoproc.formats.confinement import (
    LET_IT_LEAD,
    LeadsOut,
    NotForReader,
    is_within,
    may_lead_into,
    open_descriptor,
    read_for,
)
from autoproc.formats.hdf5.nexus import read_master
from autoproc.formats.registry import kind_of, open_reader, read_experiment, read_image_models
from autoproc.formats.sweeps import find_series
from autoproc.importing.params import ImportParams
from autoproc.service.probing.probe_process import orders
from autoproc.stages.import_sweep import import_sweeps


@pytest.fixture(autouse=True)
def _no_roots():
    may_lead_into(())
    yield
    may_lead_into(())


@pytest.fixture
def visit(tmp_path):
    (tmp_path / "visits" / "mine" / "a").mkdir(parents=True)
    (tmp_path / "theirs").mkdir()
    return tmp_path / "visits" / "mine" / "a"


def linked_sweep(visit, theirs):
    """Five images, the fourth and fifth kept elsewhere."""
    for n in range(1, 6):
        home = theirs if n > 3 else visit
        name = f"x_000{n}.cbf"
        write_image(home / name, {"Start_angle": f"{(n - 1) * 0.5:.4f} deg."})
        if home is theirs:
            (visit / name).symlink_to(theirs / name)


def test_an_image_elsewhere_is_said_and_not_read(tmp_path, visit):
    linked_sweep(visit, tmp_path / "theirs")
    with pytest.raises(UnreadableFile, match=r"x_0004.cbf.*symbolic link.*import_sweep.link_roots") as raised:
        read_image_models(visit / "x_0004.cbf")
    assert raised.value.advice == LET_IT_LEAD
    said = import_sweeps([visit], ImportParams(max_damaged_fraction=0.6))
    words = " ".join([*(w for s in said.experiments for w in s.warnings), *(str(f.error) for f in said.failures)])
    assert "link_roots" in words or "x_0004" in words


def test_an_image_in_a_listed_folder_is_read(tmp_path, visit):
    linked_sweep(visit, tmp_path / "theirs")
    may_lead_into([str(tmp_path / "theirs")])
    found = import_sweeps([visit]).experiments[0].experiment
    assert found.scan.n_images == 5
    assert open_reader(found).read(4).shape == open_reader(found).read(0).shape


@pytest.mark.parametrize("where", ["visits/mine/a/deeper", "visits/mine/b"])
def test_links_within_the_visit_are_followed(tmp_path, visit, where):
    (tmp_path / where).mkdir()
    write_image(tmp_path / where / "x_0001.cbf", {})
    (visit / "x_0001.cbf").symlink_to(tmp_path / where / "x_0001.cbf")
    assert kind_of(visit / "x_0001.cbf") == "cbf"


def test_links_to_folders_out_of_the_visit_are_passed_over_and_said(tmp_path, visit):
    write_sweep(tmp_path / "theirs", "x_####.cbf", range(1, 6))
    write_sweep(visit, "y_####.cbf", range(1, 6))
    (visit / "linked").symlink_to(tmp_path / "theirs")
    found = find_series([visit])
    assert [series.template.name for series in found.series] == ["y_####.cbf"]
    ((path, why),) = found.passed_over
    assert path == visit / "linked"
    assert "leads out of its visit; if that is meant, give the folder that it leads to: import_sweep.link_roots=" in why
    (skipped,) = import_sweeps([visit]).skipped
    assert skipped.path == visit / "linked"
    may_lead_into([tmp_path / "theirs"])
    assert [series.template.name for series in find_series([visit]).series] == ["x_####.cbf", "y_####.cbf"]


@pytest.mark.parametrize("where", ["visits/mine/a/deeper", "visits/mine/b"])
def test_links_to_folders_within_the_visit_are_followed(tmp_path, visit, where):
    write_sweep(tmp_path / where, "x_####.cbf", range(1, 6))
    (visit / "linked").symlink_to(tmp_path / where)
    found = find_series([visit])
    assert [series.template.name for series in found.series] == ["x_####.cbf"]
    assert not found.passed_over


def test_a_folder_that_holds_the_link_is_a_circle_unless_it_is_above_what_was_given(visit):
    (visit / "b").mkdir()
    (visit / "b" / "up").symlink_to(visit)
    (visit / "b" / "root").symlink_to("/")
    write_sweep(visit, "y_####.cbf", range(1, 6))
    found = find_series([visit])
    assert [path.name for path, _ in found.passed_over] == ["root"]
    assert len(found.series) == 1


def test_the_folder_that_is_given_may_itself_be_a_link(tmp_path, visit):
    write_sweep(tmp_path / "theirs", "x_####.cbf", range(1, 6))
    (visit / "linked").symlink_to(tmp_path / "theirs")
    assert len(find_series([visit / "linked"]).series) == 1


def test_a_folder_that_is_itself_a_link_is_the_users_choice(tmp_path, visit):
    write_image(tmp_path / "theirs" / "x_0001.cbf", {})
    (visit / "linked").symlink_to(tmp_path / "theirs")
    assert kind_of(visit / "linked" / "x_0001.cbf") == "cbf"


def test_links_in_a_circle_and_to_nothing_are_errors(visit):
    (visit / "a.cbf").symlink_to(visit / "b.cbf")
    (visit / "b.cbf").symlink_to(visit / "a.cbf")
    (visit / "c.cbf").symlink_to(visit / "nothing")
    for name in ("a.cbf", "c.cbf"):
        with pytest.raises(UnreadableFile):
            kind_of(visit / name)


def test_a_master_that_is_a_link(tmp_path, visit):
    write_master(tmp_path / "theirs" / "x_master.h5", np.ones((4, *SIZE)))
    (visit / "x_master.h5").symlink_to(tmp_path / "theirs" / "x_master.h5")
    with pytest.raises(LeadsOut):
        open_descriptor(visit / "x_master.h5")
    with pytest.raises(UnreadableFile, match=r"cannot be read \(it is a symbolic link.*\): .*link_roots=FOLDER"):
        read_master(visit / "x_master.h5")
    may_lead_into([tmp_path / "theirs"])
    assert len(read_master(visit / "x_master.h5").parts) == 1


@pytest.mark.parametrize("is_virtual", [False, True])
def test_links_and_virtual_sources_in_a_listed_folder_are_followed(tmp_path, visit, is_virtual):
    master, other = write_master(visit / "x_master.h5", np.ones((4, *SIZE))), tmp_path / "theirs" / "other.h5"
    with h5py.File(other, "w") as handle:
        handle["data"] = np.ones((4, *SIZE), np.uint16)
    with h5py.File(master, "r+") as handle:
        del handle["entry/data/data"]
        if is_virtual:
            layout = h5py.VirtualLayout((4, *SIZE), np.uint16)
            layout[:] = h5py.VirtualSource(str(other), "data", (4, *SIZE))
            handle.create_virtual_dataset("entry/data/data", layout)
        else:
            handle["entry/data/data"] = h5py.ExternalLink(str(other), "data")
    with pytest.raises(UnreadableFile, match=r"outside of its visit\): if that is meant.*link_roots=FOLDER"):
        read_master(master)
    may_lead_into([tmp_path / "theirs"])
    assert read_master(master).whole.scan.n_images == 4


def test_a_root_of_everything_has_no_limit(tmp_path, visit):
    assert not is_within(tmp_path / "theirs" / "x", visit)
    may_lead_into(["/"])
    assert is_within(tmp_path / "theirs" / "x", visit)


def test_a_folder_at_the_top_has_no_parent_to_share(tmp_path):
    assert not is_within(tmp_path, type(tmp_path)("/data"))


def test_probes_are_told_the_roots():
    assert b'"link_roots": ["/store/raw"]' in orders(ImportParams(link_roots=("/store/raw",)), 1)


def test_what_a_master_links_to_outside_is_not_called_damaged(visit, tmp_path):
    outside = tmp_path / "theirs" / "secret"
    outside.write_bytes(b"word\n")
    master = write_master(visit / "x_master.h5", np.ones((3, *SIZE)), link=True)
    with h5py.File(master, "r+") as handle:
        del handle["entry/data/data_000001"]
        handle["entry/data/data_000001"] = h5py.ExternalLink(str(outside), "/entry/data/data")
    with pytest.raises(UnreadableFile, match="links to 'secret', which lies outside") as caught:
        read_master(master)
    assert caught.value.facts["path"] == master


def test_files_are_read_for_somebody_only_from_folders_that_he_may_read(visit):
    sibling = visit.parent / "b"
    sibling.mkdir()
    write_image(visit / "own.cbf")
    write_image(sibling / "other.cbf")
    (visit / "link.cbf").symlink_to(sibling / "other.cbf")
    (visit / "folder").symlink_to(sibling)
    asked = []

    def may_read(folder):
        asked.append(folder)
        return folder == str(visit)

    with read_for(may_read):
        read_image_models(visit / "own.cbf")
        for name in ("link.cbf", "folder/other.cbf"):
            with pytest.raises(UnreadableFile, match="a folder that you may not read"):
                read_image_models(visit / name)
            with pytest.raises(NotForReader):
                open_descriptor(visit / name)
    assert set(asked) == {str(visit), str(sibling)}
    read_image_models(visit / "link.cbf")


def test_nothing_is_left_open_that_is_not_for_the_reader(visit):
    write_image(visit / "own.cbf")
    before = sorted(os.listdir("/proc/self/fd"))
    with read_for(lambda _: False), pytest.raises(NotForReader):
        open_descriptor(visit / "own.cbf")
    assert sorted(os.listdir("/proc/self/fd")) == before


def test_frames_are_read_for_somebody_only_from_data_files_that_he_may_read(visit):
    sibling = visit.parent / "b"
    sibling.mkdir()
    master = write_master(visit / "x_master.h5", np.ones((3, *SIZE)), link=True)
    data = visit / "x_data_000001.h5"

    def first_frame():
        return open_reader(read_experiment(master)).read(0)

    with read_for(lambda folder: folder == str(visit)):
        assert first_frame().any()
        data.rename(sibling / data.name)
        data.symlink_to(sibling / data.name)
        with pytest.raises(UnreadableFile):
            first_frame()
    assert first_frame().any()


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("visits/mine/a/x.cbf", True),
        ("visits/mine/a/deep/er/x.cbf", True),
        ("visits/mine/b/x.cbf", True),
        ("visits/mine/x.cbf", True),
        ("visits/mine", True),
        ("visits/mine/a/%2e%2e/x.cbf", True),  # a name like others
        ("visits/mine/a/..%2f/x.cbf", True),
        ("visits/mine/\udcff/x.cbf", True),  # bytes that are no UTF-8
        ("visits/mine/a\n/x.cbf", True),
        ("visits/x.cbf", False),
        ("visits/mine2/x.cbf", False),  # begins with the same letters
        ("visits/min/x.cbf", False),
        ("visits/MINE/a/x.cbf", False),
        ("theirs/visits/mine/a/x.cbf", False),
        ("x.cbf", False),
    ],
)
def test_what_lies_in_a_folder_or_the_one_above_is_within(tmp_path, visit, where, expected):
    assert is_within(tmp_path / where, visit) is expected


@pytest.mark.parametrize("way", ["../../../theirs/x", "../../mine2/x", "deeper/../../../../theirs/x", "/etc/hostname"])
@pytest.mark.parametrize("is_chain", [False, True])
def test_links_lead_no_further_by_whatever_way(tmp_path, visit, way, is_chain):
    for folder in (tmp_path / "theirs", tmp_path / "visits" / "mine2", visit / "deeper"):
        folder.mkdir(exist_ok=True)
        (folder / "x").write_text("theirs")
    link = visit / "x_0001.cbf"
    link.symlink_to(way)
    if is_chain:
        (visit / "x_0002.cbf").symlink_to("x_0001.cbf")
        link = visit / "x_0002.cbf"
    with pytest.raises(LeadsOut):
        open_descriptor(link)


def test_a_folder_that_links_out_leads_no_file_out(tmp_path, visit):
    (tmp_path / "theirs" / "x").write_text("theirs")
    (visit / "way_out").symlink_to(tmp_path / "theirs")
    (visit / "x_0001.cbf").symlink_to("way_out/x")
    with pytest.raises(LeadsOut):
        open_descriptor(visit / "x_0001.cbf")


def test_the_folder_above_counts_where_it_is_of_the_same_group(tmp_path, visit, monkeypatch):
    groups = {visit.parent.parent: 0, visit.parent: 1000, visit: 1000}
    monkeypatch.setattr(confinement, "_group_of", groups.get)
    assert is_within(visit.parent / "data" / "x.h5", visit)
    assert not is_within(visit.parent.parent / "theirs" / "x.h5", visit.parent)
    assert is_within(visit.parent / "data" / "x.h5", visit.parent)
    may_lead_into([visit.parent.parent])
    assert is_within(visit.parent.parent / "theirs" / "x.h5", visit.parent)
