"""A disk, a clock and a detector for tests of the watcher: time passes only when a test, or the watcher, waits."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import cbf_files

from autoproc.service.probing.answers import Inside
from autoproc.service.watching.directories import Disk
from autoproc.service.watching.params import WatchParams
from autoproc.service.watching.watcher import Watcher


class Clock:
    def __init__(self, now=1_000_000_000.0):
        self.now = now

    def __call__(self):
        return self.now


class CountingDisk(Disk):
    """The real disk with the clock's times; counts what it is asked."""

    def __init__(self, clock):
        self.clock = clock
        self.times = {}
        self.stats = Counter()
        self.lists = Counter()
        self.before_stat = lambda path: None

    def touch(self, path, at=None):
        self.times[Path(path)] = self.clock.now if at is None else at

    def list(self, path):
        self.lists[Path(path)] += 1
        return super().list(path)

    def stat(self, path):
        self.stats[Path(path)] += 1
        self.before_stat(Path(path))
        real = super().stat(path)
        at = self.times.get(Path(path), 0.0)
        return SimpleNamespace(
            st_dev=real.st_dev, st_ino=real.st_ino, st_size=real.st_size, st_mtime=at, st_ctime=at,
            st_mtime_ns=int(at * 1e9), st_mode=real.st_mode,
        )  # fmt: skip


class FollowingDisk(CountingDisk):
    """What changes on the real disk has changed just now, by the test's clock; for writers that are not the test."""

    def __init__(self, clock):
        super().__init__(clock)
        self.seen = {}

    def stat(self, path):
        real = os.stat(path)
        if self.seen.get(Path(path)) != (real.st_mtime_ns, real.st_size):
            self.seen[Path(path)] = (real.st_mtime_ns, real.st_size)
            self.touch(path)
        return super().stat(path)


class FakeNews:
    """Events that a test sends; waiting makes the clock go on."""

    def __init__(self, clock, covered=False):
        self.clock, self.covered = clock, covered
        self.paths = set()
        self.on_wait = lambda: None

    def told(self):
        told, self.paths = self.paths, set()
        return told

    def covers(self, directory):
        return self.covered

    def wait(self, seconds):
        self.clock.now += max(seconds, 1e-3)
        self.on_wait()

    def close(self):
        pass


class Hutch:
    """A watched folder, and what a detector does in it."""

    def __init__(
        self, folder, covered=False, once=False, known=lambda fingerprint: 0, disk_class=CountingDisk, **params
    ):
        self.folder = folder
        self.clock = Clock()
        self.disk = disk_class(self.clock)
        self.news = FakeNews(self.clock, covered)
        self.disk.touch(folder)
        self.params = WatchParams(**params)
        self.once, self.known = once, known
        self.probe = Inside()
        self.watcher = self.restarted()

    def restarted(self):
        self.watcher = Watcher(
            [self.folder], self.params, self.probe, self.once, self.known,
            disk=self.disk, clock=self.clock, news=self.news,
        )  # fmt: skip
        return self.watcher

    def made(self, relative="."):
        path = self.folder
        for part in Path(relative).parts:
            path = path / part
            if not path.exists():
                path.mkdir()
                self.disk.touch(path)
                self.disk.touch(path.parent)
        return path

    def image(self, number, template="x_####.cbf", folder=".", start=None, width=0.5, changes=None, seed=None):
        """Write one image now; start is the angle of the first one."""
        directory = self.made(folder)
        digits = template.count("#")
        path = directory / template.replace("#" * digits, f"{number:0{digits}d}")
        angle = 10.0 + (number - 1) * width if start is None else start
        said = {"Start_angle": f"{angle:.4f} deg.", "Angle_increment": f"{width:.4f} deg."}
        cbf_files.write_image(path, {**said, **(changes or {})}, number if seed is None else seed)
        self.disk.touch(path)
        self.disk.touch(directory)
        return path

    def images(self, numbers, every=0.1, **arguments):
        """Write images, some seconds between them; the watcher is not asked meanwhile."""
        for number in numbers:
            self.image(number, **arguments)
            self.clock.now += every

    def watched_images(self, numbers, every=0.1, **arguments):
        """The same while the watcher watches; returns what it found."""
        found = []
        for number in numbers:
            self.image(number, **arguments)
            found += self.after(every)
        return found

    def after(self, seconds):
        """What is found within so many seconds."""
        end = self.clock.now + seconds
        found = []
        while self.clock.now < end:
            found += self.watcher.poll(end - self.clock.now)
        return found

    def remove(self, path):
        os.remove(path)
        self.disk.touch(path.parent)
