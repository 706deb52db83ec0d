"""How directories are watched, and when a sweep's images are taken to be all there."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from autoproc.params import Params


class WatchParams(Params):
    """How directories are watched, and when a sweep's images are taken to be all there."""

    method: Literal["auto", "native", "polling"] = "auto"
    """How news are noticed: by the kernel's events (native), by looking again and again (polling), or by events on
    local disks and looking elsewhere (auto): no kernel tells what another machine writes to a shared disk."""
    local_file_systems: tuple[str, ...] = (
        "bcachefs", "btrfs", "ext2", "ext3", "ext4", "f2fs", "jfs", "ramfs", "reiserfs", "tmpfs", "xfs", "zfs",
        "overlay", "exfat", "vfat", "ntfs3",
    )  # fmt: skip
    """Types of file system, as in /proc/self/mountinfo, that only this machine writes to; all others (nfs4, gpfs,
    lustre, cifs, beegfs, cephfs, fuse) are polled."""
    poll_interval: float = Field(1.0, gt=0)
    """Seconds between looks at the directories that change and at unfinished sweeps: one look is one stat of a
    directory. Short beside the settle time, so that it adds nothing to the wait that matters. With more than a few
    hundred unfinished sweeps it is longer, 2 ms for each, so that looking leaves time for the rest."""
    rescan_interval: float = Field(30.0, gt=0)
    """Longest time between looks at a directory, seconds: quiet ones are looked at after 5% of the time that they
    have been quiet, until this. It also bounds how long a lost event goes unnoticed."""
    stable_time: float = Field(2.0, ge=0)
    """Seconds that a file must have been there unchanged to be whole; detectors write an image in much less, and
    some file systems keep times to 2 s only."""
    settle_time: float = Field(5.0, ge=0)
    """Least time without a new image, seconds, after which a sweep that does not say how many images it should have
    is complete: several times what a busy file server holds files back."""
    settle_images: float = Field(20.0, ge=0)
    """The same as a multiple of the time between images, which counts where it is longer: detectors write evenly,
    so that 20 images late is no hiccup."""
    stall_time: float = Field(300.0, gt=0)
    """Seconds without a new image after which a sweep that lacks images is processed as it is, and called partial.
    Injections and short losses of beam are over by then; if images come later, it is processed again."""
    probe_time: float = Field(20.0, gt=0)
    """Seconds that looking at the files of one sweep may take, headers only. Files are opened by processes of their
    own, which are ended then; a sweep whose files do that twice is listed as unreadable, not processed."""
    probe_memory: float = Field(2.0, gt=0)
    """Gigabytes that looking at the files of one sweep may take: many times what headers and masks need."""
    visit_depth: int = Field(0, ge=0)
    """What is a visit, for the order in which sweeps are processed: 0 the whole watched directory, 1 each directory in
    it, 2 each directory in those. Where visits lie side by side below the watched directory it is 1."""
    exclude: tuple[str, ...] = ()
    """Directories to pass over, as names or whole paths with wildcards: processed, */tmp/*. Names that begin with
    a dot are always passed over."""
    n_followed: int = Field(1, ge=0)
    """Sweeps whose images are searched as they come, each by a worker of its own, which processes the sweep when it is
    complete: its results come the sooner, and status and pages show meanwhile what the images do. 0 follows none, and
    so does an executor that has sweeps processed elsewhere."""
