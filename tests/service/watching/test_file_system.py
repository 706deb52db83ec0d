from pathlib import Path

import pytest

from autoproc.service.watching.file_system import Mount, events_come, has_events, mount_of, mounts_now, parsed_mounts
from autoproc.service.watching.params import WatchParams

MOUNTINFO = r"""22 27 0:21 / /proc rw,relatime shared:5 - proc proc rw
27 1 259:2 / / rw,relatime shared:1 - ext4 /dev/nvme0n1p2 rw
41 27 0:35 / /dls/i03 rw,relatime shared:2 master:3 - nfs4 filer:/i03 rw,vers=4.2
42 41 0:36 / /dls/i03/data rw - gpfs gpfs0 rw
43 27 0:37 / /mnt/with\040space rw - beegfs beegfs_nodev rw
44 27 8:1 / /scratch rw - autofs systemd-1 rw
45 44 8:2 / /scratch rw - xfs /dev/sda1 rw
not a mount at all
"""


def mounted(path):
    return mount_of(Path(path), parsed_mounts(MOUNTINFO))


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/home/user", "ext4"),
        ("/dls/i03", "nfs4"),
        ("/dls/i03/processing/x", "nfs4"),
        ("/dls/i03/data/2026/mx1-1", "gpfs"),
        ("/dls/i03/database", "nfs4"),
        ("/mnt/with space/x", "beegfs"),
        ("/scratch/visit", "xfs"),
    ],
)
def test_the_type_is_that_of_the_nearest_mount_above(path, kind):
    assert mounted(path).kind == kind


def test_without_mounts_nothing_is_known():
    assert mount_of(Path("/data"), []) is None
    assert parsed_mounts("") == []


@pytest.mark.parametrize(
    ("kind", "method", "events"),
    [("ext4", "auto", True), ("nfs4", "auto", False), ("gpfs", "auto", False), ("lustre", "auto", False),
     ("fuse.sshfs", "auto", False), ("nfs4", "native", True), ("ext4", "polling", False)],
)  # fmt: skip
def test_the_choice(tmp_path, kind, method, events):
    params = WatchParams(method=method)
    assert has_events(tmp_path, params, [Mount(Path("/"), kind)]) is events


def test_other_types_may_be_declared_local(tmp_path):
    params = WatchParams(local_file_systems=("fuse.mergerfs",))
    assert has_events(tmp_path, params, [Mount(Path("/"), "fuse.mergerfs")])
    assert not has_events(tmp_path, params, [Mount(Path("/"), "ext4")])


def test_local_disks_are_tried_and_believed(tmp_path):
    assert events_come(tmp_path)
    assert not events_come(tmp_path / "missing")
    assert list(tmp_path.iterdir()) == []


def test_a_directory_that_is_not_there_yet_is_polled(tmp_path):
    assert not has_events(tmp_path / "later", WatchParams(), [Mount(Path("/"), "ext4")])


def test_this_machine_has_mounts():
    assert mount_of(Path("/").resolve(), mounts_now()) is not None
