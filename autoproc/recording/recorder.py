"""Messages of a stream become sweeps in a folder: which series there are, and what is said of them."""

from __future__ import annotations

import errno
import os
import re
import shutil
import time
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

from autoproc.errors import AutoprocError
from autoproc.recording.known_series import KnownSeries, outcome
from autoproc.recording.messages import EndMessage, ImageMessage, StartMessage, parse_message
from autoproc.recording.naming import WITHOUT_START, free_stem, name_of
from autoproc.recording.params import RecordParams
from autoproc.recording.room import make_room
from autoproc.recording.saved_starts import SavedStarts
from autoproc.recording.series import RecordedSeries
from autoproc.recording.start_facts import StartFacts, facts_of
from autoproc.wording import counted

Say = Callable[[str, bool], None]
"""Tells the user something; True for what is wrong."""

FLUSH_TIME = 0.1
"""Seconds that readers may wait for an image that is written: few images at the rates of detectors."""
LATE_TIME = 5.0
"""Seconds for images that lack when a series is said to be over: relays send by several ways. Chosen, not measured."""
MOST_KNOWN = 64
"""Series that are remembered when they are over, for images that come late."""
RESERVE = 64 << 20
"""Bytes left free on the disk, so that files can still be closed well."""
MOST_SAID = 20
"""Refused images of a series, or bad messages in a row, that are told one by one."""
TRIAL, TRIAL_BYTES = ".autoproc_record.part", 1 << 20
"""A file with which it is tried whether there is room again, and its size beyond that of an image."""
FULL_DISK = (errno.ENOSPC, errno.EDQUOT)
FULL = re.compile(rf"errno = ({errno.ENOSPC}|{errno.EDQUOT})\b")
"""How HDF5 says it."""
UNSTARTED = (
    "{name}: its images come, but its start was missed, and with it wavelength, distance and angles: it is recorded "
    "without a master file, and cannot be processed unless the start comes yet"
)


class DiskFull(AutoprocError):
    """There is no room for an image."""

    what = "there is no room for images in {path}"
    hint = "make room; what comes meanwhile waits in memory, up to record.memory megabytes"
    retryable = True


class Recorder:
    """Takes messages in the order in which they come; several series may be under way at once."""

    def __init__(
        self, folder: Path, params: RecordParams, say: Say, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._folder, self._params, self._say, self._clock = folder, params, say, clock
        self._known: OrderedDict[str, KnownSeries] = OrderedDict()
        self._starts = SavedStarts(folder)
        self._n_bad = 0
        self._has_failed = False
        self._flushed = clock()

    def take(self, content: bytes) -> None:
        """Record what a message says. Raises DiskFull: the same message is to be given again later."""
        self._require_room(len(content))
        try:
            message = parse_message(content)
        except AutoprocError as error:
            self._n_bad += 1
            if self._n_bad <= MOST_SAID:
                self._say(str(error), True)
            return
        self._n_bad = 0
        match message:
            case StartMessage():
                if self._begin(message):
                    self._starts.save(message.series, content)
            case ImageMessage():
                self._image(message)
            case EndMessage():
                self._end(message)

    def poll(self) -> None:
        """Let readers see what was written, and close what is over; to be called again and again."""
        now = self._clock()
        if now - self._flushed >= FLUSH_TIME:
            self._flushed = now
            for known in self._open():
                self._done(known, known.series.flush)
        for known in self._open():
            if known.due is not None and now >= known.due:
                self._close(known)
            elif now - known.heard >= self._params.idle_time:
                self._close(known, "was never told to be over")

    def close(self) -> None:
        """Close all files, as recording stops."""
        for known in self._open():
            self._close(known, "was under way when recording stopped" if known.due is None else "")
            known.series.give_up()

    def _open(self) -> list[KnownSeries]:
        return [known for known in self._known.values() if known.series.is_open]

    def _begin(self, message: StartMessage) -> bool:
        """Take a start message; False for one that came before."""
        facts = facts_of(message)
        known = self._known.get(message.series)
        before = None if known is None else known.series.facts
        if known is None or (before is not None and not _is_repeated(known, before, facts)):
            if known is not None:
                self._close(known, "was begun again")
            known = self._new(message.series, *name_of(self._params.name, message.fields))
        elif before is not None:
            return False
        else:
            self._say(f"{known.series.name}: its start came after images; it has a master file now", False)
        self._careful(known, lambda: known.series.describe(facts))
        for warning in facts.warnings:
            self._say(f"{known.series.name}: {warning}", True)
        return True

    def _new(self, key: str, name: Path, lacking: list[str]) -> KnownSeries:
        """A series that begins; lacking : what its name should have had."""
        self._make_room()
        stem = free_stem(self._folder, name, {known.series.stem for known in self._known.values()})
        known = KnownSeries(RecordedSeries(key, stem, None, self._params), self._clock())
        self._known.pop(key, None)
        self._known[key] = known
        while len(self._known) > MOST_KNOWN:
            self._close(self._known.popitem(last=False)[1], "is left, as too many are under way")
        if lacking:
            self._say(f"{stem.name}: its start does not give {', '.join(lacking)} for its name", True)
        return known

    def _image(self, message: ImageMessage) -> None:
        known = self._known.get(message.series) or self._unstarted(message)
        known.heard = self._clock()
        if known.is_lost:
            return
        self._store(known, message)
        if known.due is not None:
            known.due = known.heard if known.series.is_whole else known.heard + LATE_TIME

    def _unstarted(self, message: ImageMessage) -> KnownSeries:
        """A series that begins with an image: its recording was interrupted, or its start was missed."""
        start = self._saved_start(message.series)
        if start is not None:
            self._begin(start)
            known = self._known[message.series]
            self._say(f"{known.series.name}: its recording was interrupted; this has what comes from here on", True)
            return known
        number = "unknown" if message.series_id is None else message.series_id
        known = self._new(message.series, Path(f"series_{number}{WITHOUT_START}"), [])
        self._say(UNSTARTED.format(name=known.series.name), True)
        return known

    def _saved_start(self, series: str) -> StartMessage | None:
        saved = self._starts.find(series)
        try:
            start = None if saved is None else parse_message(saved)
        except AutoprocError:  # damaged: as good as none
            return None
        return start if isinstance(start, StartMessage) and start.series == series else None

    def _store(self, known: KnownSeries, message: ImageMessage) -> None:
        series, is_first = known.series, not known.series.n_present
        try:
            is_new = self._careful(known, lambda: series.take(message))
        except DiskFull:
            raise
        except AutoprocError as error:
            known.n_refused += 1
            if known.n_refused <= MOST_SAID:
                self._say(str(error), True)
            return
        known.n_repeated += is_new is False
        if is_first and is_new:
            n = "images" if series.n_images is None else counted(series.n_images, "image")
            self._say(f"{series.name}: recording {n} to {series.stem}_*.h5", False)

    def _end(self, message: EndMessage) -> None:
        known = self._known.get(message.series)
        if known is None:
            return
        known.heard = self._clock()
        known.due = known.heard if known.series.is_whole else known.heard + LATE_TIME
        if not known.series.n_present:
            self._say(f"{known.series.name}: over, and no image of it has come", False)

    def _make_room(self) -> None:
        if not self._params.max_size:
            return
        stems = {known.series.stem for known in self._open()}
        for sweep in make_room(self._folder, self._params.max_size, self._params.keep_time, stems):
            self._say(f"{sweep.stem.name}: deleted, as sweeps may take {self._params.max_size:g} GB here", False)

    def _close(self, known: KnownSeries, why: str = "") -> None:
        """Close the files of a series, and say what has come of it; where the disk is full, try again later."""
        if not known.series.is_open or not self._done(known, known.series.close):
            return
        if known.due is not None or known.series.is_whole:
            self._starts.forget(known.series.key)
        known.due = known.due or self._clock()
        for text, is_bad in outcome(known, why):
            self._say(text, is_bad)

    def _done(self, known: KnownSeries, act: Callable[[], None]) -> bool:
        """Do something with the files of a series that can wait; whether it was done."""
        try:
            self._careful(known, act)
        except DiskFull:
            return False
        return not known.is_lost

    def _careful(self, known: KnownSeries, act: Callable[[], bool | None]) -> bool | None:
        """Do something with the files of a series. Raises DiskFull; another failure costs that series, no other."""
        try:
            return act()
        except (OSError, RuntimeError) as error:
            number = getattr(error, "errno", None)
            if number in FULL_DISK or FULL.search(str(error)):
                self._has_failed = True
                raise DiskFull(path=self._folder) from error
            known.is_lost = True
            known.series.give_up()
            reason = os.strerror(number) if number else str(error)[:200]
            self._say(f"{known.series.name}: it cannot be recorded any further ({reason})", True)
            return None

    def _require_room(self, n_bytes: int) -> None:
        """Raise DiskFull unless there is room. Where writing has failed, a file tells; free space would miss quotas."""
        try:
            is_full = shutil.disk_usage(self._folder).free < n_bytes + RESERVE
            if self._has_failed and not is_full:
                _try_to_write(self._folder / TRIAL, n_bytes + TRIAL_BYTES)
        except OSError as error:
            is_full = error.errno in FULL_DISK  # of other reasons whoever writes there is told
        if is_full:
            raise DiskFull(path=self._folder)
        if self._has_failed:
            self._has_failed = False
            for known in self._open():
                known.series.renew()


def _try_to_write(path: Path, n_bytes: int) -> None:
    try:
        path.write_bytes(bytes(n_bytes))
    finally:
        path.unlink(missing_ok=True)


def _is_repeated(known: KnownSeries, before: StartFacts, facts: StartFacts) -> bool:
    """A start is one that came before, not that of a series begun again."""
    return known.due is None and (before.arm_date, before.n_images) == (facts.arm_date, facts.n_images)
