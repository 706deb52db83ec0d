"""Who sees a sweep: as the kernel would let him read the folder of its images."""

from __future__ import annotations

import grp
import os
import pwd
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoproc.dashboard.access.rights import (
    ENTER,
    GROUP,
    MASK,
    OWN_GROUP,
    READ,
    USER,
    AclEntry,
    Folder,
    Ways,
    granted,
    may_ask,
    may_see,
    read_acl,
)
from autoproc.dashboard.access.viewer import HOLDER, People, Viewer

IDS = st.integers(1, 5)
BITS = st.integers(0, 7)
VIEWERS = st.builds(lambda uid, groups: Viewer("u", uid, frozenset(groups)), IDS, st.sets(IDS))
ENTRIES = st.lists(
    st.builds(AclEntry, st.sampled_from([USER, GROUP]), BITS, IDS)
    | st.builds(AclEntry, st.just(OWN_GROUP), BITS, st.just(0)),
    max_size=4,
).flatmap(lambda entries: st.builds(lambda bits: (*entries, AclEntry(MASK, bits, 0)), BITS))
PLAIN = st.builds(Folder, IDS, IDS, st.integers(0, 0o777))
FOLDERS = PLAIN | st.builds(Folder, IDS, IDS, st.integers(0, 0o777), ENTRIES)
WAYS = st.lists(FOLDERS, max_size=4)


def open_to(viewer):
    return Folder(viewer.uid, 99, 0o700)


@given(WAYS, VIEWERS)
def test_who_may_ask_sees(way, viewer):
    assert may_see(way, viewer) or not may_ask(way, viewer)


@given(WAYS)
def test_the_staff_sees_all_and_where_there_is_no_folder_nobody_else_does(way):
    assert may_see(way, HOLDER)
    assert may_ask(way, HOLDER)
    assert not may_see([], Viewer("u", 1, frozenset({1})))


@given(FOLDERS, WAYS, VIEWERS)
def test_a_closed_folder_anywhere_on_the_way_closes_all_below(closed, way, viewer):
    if not granted(closed, viewer).bits & ENTER:
        for place in range(len(way) + 1):
            assert not may_see([*way[:place], closed, *way[place:]], viewer)


@given(FOLDERS, VIEWERS)
def test_who_sees_may_read_and_enter(folder, viewer):
    bits = granted(folder, viewer).bits
    assert may_see([open_to(viewer), folder], viewer) == (bits & (READ | ENTER) == READ | ENTER)


@given(FOLDERS, VIEWERS, IDS)
def test_another_group_closes_nothing_but_what_others_have(folder, viewer, group):
    more = Viewer(viewer.name, viewer.uid, viewer.groups | {group})
    if granted(folder, viewer).is_known:
        assert granted(folder, viewer).bits & ~granted(folder, more).bits == 0


@given(PLAIN, VIEWERS)
def test_without_a_list_three_bits_count(folder, viewer):
    who = 6 if viewer.uid == folder.owner else 3 if folder.group in viewer.groups else 0
    assert granted(folder, viewer) == (folder.mode >> who & 7, who > 0)


@given(FOLDERS, VIEWERS)
def test_the_mask_is_the_most_that_all_but_owner_and_others_have(folder, viewer):
    mask = [entry.bits for entry in folder.acl if entry.kind == MASK]
    if mask and viewer.uid != folder.owner and granted(folder, viewer).is_known:
        assert granted(folder, viewer).bits & ~mask[0] == 0


@given(PLAIN, VIEWERS, BITS, BITS)
def test_bits_of_the_mode_are_not_the_groups_where_there_is_a_list(folder, viewer, own, mask):
    with_list = Folder(folder.owner, folder.group, folder.mode, (AclEntry(OWN_GROUP, own, 0), AclEntry(MASK, mask, 0)))
    if viewer.uid != folder.owner and folder.group in viewer.groups:
        assert granted(with_list, viewer).bits == own & mask


def test_what_all_users_may_read_is_seen_but_nothing_is_asked_of_it():
    viewer, folder = Viewer("u", 1, frozenset({2})), Folder(5, 6, 0o755)
    assert may_see([folder], viewer)
    assert not may_ask([folder], viewer)
    assert may_ask([folder], Viewer("u", 1, frozenset({6})))


@given(st.binary(max_size=40))
def test_lists_of_another_kind_are_not_read_as_something_else(value):
    try:
        entries = read_acl(value)
    except OSError:
        return
    assert value == struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)


def test_a_folder_that_is_not_there_is_nobodys(tmp_path):
    assert Ways().to(str(tmp_path / "gone")) == ()
    (tmp_path / "file").touch()
    assert Ways().to(str(tmp_path / "file")) == ()
    assert Ways().to("/\0") == ()


def test_links_lead_through_the_folders_of_their_targets(tmp_path):
    hidden = tmp_path / "hidden"
    (hidden / "data").mkdir(parents=True)
    (tmp_path / "link").symlink_to(hidden / "data")
    for folder in (tmp_path, hidden / "data"):
        folder.chmod(0o755)
    hidden.chmod(0o700)
    way = Ways().to(str(tmp_path / "link"))
    assert way[-1].mode == 0o755
    assert any(folder.mode == 0o700 for folder in way)


def test_a_list_of_the_system_is_read(tmp_path):
    value = struct.pack("<I", 2) + b"".join(
        struct.pack("<HHI", *entry)
        for entry in [(1, 7, 2**32 - 1), (USER, 5, 1234), (4, 0, 2**32 - 1), (MASK, 7, 2**32 - 1), (32, 0, 2**32 - 1)]
    )
    try:
        os.setxattr(tmp_path, "system.posix_acl_access", value)
    except OSError as error:
        pytest.skip(f"no such lists here: {error}")
    last = Ways().to(str(tmp_path))[-1]
    assert granted(last, Viewer("u", 1234)) == (5, True)
    assert granted(last, Viewer("u", 1235, frozenset({os.getgid()}))).bits == 0


def test_groups_are_asked_for_again_after_a_while():
    now = [0.0]
    people = People(clock=lambda: now[0])
    assert not people.remembered("root")[1]
    assert people.named("root").uid == 0
    assert people.remembered("root")[1]
    now[0] = 400.0
    assert not people.remembered("root")[1]


def test_members_of_the_staff_see_all():
    group = grp.getgrgid(os.getgid()).gr_name
    name = pwd.getpwuid(os.getuid()).pw_name
    assert People(group).named(name).sees_all
    assert not People("").named(name).sees_all
    assert not People("no-such-group").named(name).sees_all
