"""Who helps with a sweep that another process has: takes pieces from the last on, until it is over."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from autoproc.errors import AutoprocError
from autoproc.formats.images.damaged_frames import ForgivingReader
from autoproc.integration import packed_blocks
from autoproc.models.experiment import Experiment
from autoproc.service.sharing.leader import SPOTS
from autoproc.service.sharing.lives import Lives
from autoproc.service.sharing.pieces import Arrays, Pieces
from autoproc.service.sharing.pieces_in_turn import LEADER
from autoproc.spot_finding.packed_frames import packed
from autoproc.spot_finding.params import FindSpotsParams
from autoproc.stages.find_spots import StrongPixelSearch, search_of
from autoproc.threads import map_in_order

LOOK = 0.1
"""Seconds between two looks for a stage to help with."""
LONGEST_REST = 120.0
"""Seconds without anything to do after which a helper goes: to index and refine takes less, and when a sweep is scaled
there is nothing more to help with. A judgement."""


class CannotHelp(Exception):
    """What is asked for would not come out as it does where the sweep is."""


class Helper:
    """One process that helps. folder : of the parts; who : its name there."""

    def __init__(
        self,
        folder: Path,
        who: str,
        experiment: Experiment,
        reader: ForgivingReader,
        params: FindSpotsParams,
        n_threads: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._folder, self._who, self._clock = folder, who, clock
        self._experiment, self._reader, self._params, self._n_threads = experiment, reader, params, n_threads
        self._lives = Lives(folder, clock)
        self._do: Callable[[int], Arrays] = lambda number: {}
        self._doing: Path | None = None
        self.n_done = 0
        self.declined: list[str] = []

    def work(self) -> None:
        """Until the sweep's process is gone, or done, or has had nothing to do for long."""
        idle_since = self._clock()
        while self._lives.is_alive(LEADER) and self._clock() - idle_since < LONGEST_REST:
            try:
                is_done = self.turn()
            except OSError:  # the stage is over, and gone
                is_done = False
            if is_done:
                idle_since = self._clock()
            else:
                time.sleep(LOOK)

    def turn(self) -> bool:
        """Do one piece, if there is one; returns whether there was. Raises OSError."""
        pieces = Pieces.last_in(self._folder)
        if pieces is None:
            return False
        free = set(range(pieces.n)) - pieces.claimed()
        number = next((n for n in sorted(free, reverse=True) if pieces.claim(n, self._who)), None)
        if number is None:
            return False
        try:
            pieces.answer(number, self._made(pieces, number), self._who)
            self.n_done += 1
        except (CannotHelp, ValueError, KeyError, AutoprocError) as error:
            self.declined.append(str(error))
            pieces.decline(number, str(error))
        return True

    def _made(self, pieces: Pieces, number: int) -> Arrays:
        if self._doing != pieces.folder:
            task = pieces.task()
            self._do = self._search(task) if pieces.kind == SPOTS else self._measuring(task)
            self._doing = pieces.folder
        self._reader.damaged.clear()  # frames of this piece are meant
        made = self._do(number)
        said = self._reader.warnings(self._experiment.scan.image_range[0])
        if said:  # whoever has the sweep is to find that out, and says so
            raise CannotHelp("; ".join(said))
        return made

    def _search(self, task: Arrays) -> Callable[[int], Arrays]:
        """For spots on a range of images."""
        search: StrongPixelSearch = search_of(self._experiment, self._reader, self._reader.mask, self._params)
        n_frames, size = map(int, task["size"])
        if n_frames != self._reader.n_frames or bytes(task["key"]).decode() != search.key():
            raise CannotHelp("the images, or what is looked for on them, are not what they are where the sweep is")

        def found(number: int) -> Arrays:
            frames = range(number * size, min((number + 1) * size, n_frames))
            return packed(list(map_in_order(search, frames, self._n_threads)))

        return found

    def _measuring(self, task: Arrays) -> Callable[[int], Arrays]:
        """Blocks of rotation."""
        what, lit = packed_blocks.unpacked(task, self._reader, self._n_threads)
        edges: np.ndarray = task["edges"]

        def measured(number: int) -> Arrays:
            return packed_blocks.measured_apart(what, lit, range(*edges[number].tolist()))

        return measured
