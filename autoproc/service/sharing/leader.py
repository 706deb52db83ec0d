"""Whoever has a sweep, and shares its work: spots by ranges of images, intensities by overlapping blocks of rotation.

What comes out is what would without helpers, to the bit. All that helpers fail to do is done here.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np

from autoproc.integration.beam_level import FramesWithBeam
from autoproc.integration.packed_blocks import joined_in, packed
from autoproc.integration.passes import MeasuredReflections, ToMeasure, measure_all
from autoproc.service.sharing.lives import Lives, seen_alive
from autoproc.service.sharing.pieces import Arrays, Pieces
from autoproc.service.sharing.pieces_in_turn import LEADER, PiecesInTurn, Tally
from autoproc.service.sharing.wanted import ORDER, want
from autoproc.spot_finding.images import SearchedFrame
from autoproc.spot_finding.packed_frames import unpacked
from autoproc.stages.find_spots import Early
from autoproc.wording import counted

SPOTS, BLOCKS = "spots", "blocks"
MEGAPIXELS = 200.0
"""Of the images of a piece of spot finding: some two seconds of a core, beside which what is written of a piece, a
claim and a small file, is nothing. A judgement."""
FEWEST_BLOCKS = 3
"""Blocks of a piece at least: those on either side are looked at as well, to learn from."""
MANY_BLOCKS = 12
"""Blocks for each process from which on there are two pieces for each, so that none waits long for the slowest."""


class Leader:
    """Shares the work of a sweep by a folder, in which it is said how many helpers are wanted.

    Where the folder is another's, or cannot be written, there are no helpers.
    """

    def __init__(self, folder: Path, order: str, n_wanted: int, megapixels: float) -> None:
        self.folder, self._order, self._n_wanted, self._megapixels = folder, order, n_wanted, megapixels
        self._lives = Lives(folder)
        self._n_stages = 0
        self._is_open = False
        self._tallies: dict[str, Tally] = {}

    @contextmanager
    def open(self) -> Iterator[Leader]:
        """Helpers may come meanwhile."""
        with ExitStack() as stack:
            try:
                self.folder.mkdir()
                stack.callback(shutil.rmtree, self.folder, ignore_errors=True)
                stack.enter_context(seen_alive(self.folder, LEADER))
                (self.folder / ORDER).write_text(self._order, encoding="utf-8")
                want(self.folder, self._n_wanted)
                self._is_open = True
            except OSError as error:
                self._of(SPOTS).troubles.append(f"no helpers: {error}")
            yield self
            self._is_open = False

    @property
    def words(self) -> Sequence[str]:
        """What helpers have done, and what went wrong with them."""
        lines = []
        for kind, tally in self._tallies.items():
            whose = ", ".join(f"{n} by {who}" for who, n in sorted(tally.by_helper.items()))
            if whose:
                lines.append(f"{kind} in {counted(tally.n_pieces, 'piece')}: {whose}")
            lines += [f"{kind}: {trouble}" for trouble in tally.told]
        return lines

    def found(self, n_frames: int) -> Early:
        """What helpers find on frames, for a search that asks for them in order."""
        size = max(1, round(MEGAPIXELS / self._megapixels))
        n = -(-n_frames // size)

        def early(key: str) -> Callable[[int], SearchedFrame | None]:
            task = {"key": np.frombuffer(key.encode(), np.uint8), "size": np.array([n_frames, size])}
            return _FoundInTurn(self._in_turn(SPOTS, n, task), size)

        return early

    def measure(self, reader: FramesWithBeam, what: ToMeasure) -> MeasuredReflections:
        """As `measure_all`, with what helpers measure of it: with those that are there when it begins."""
        parts = ranges_of(len(what.blocks), len(self._helpers()))
        if len(parts) == 1:
            return measure_all(reader, what)
        edges = {"edges": np.array([(part.start, part.stop) for part in parts])}
        turn = self._in_turn(BLOCKS, len(parts), packed(what, reader) | edges)
        measured = []
        for number, part in enumerate(parts):
            theirs = turn.take(number, partial(joined_in, what=what, wanted=part, lit=reader))
            measured.append(measure_all(reader, what, part) if theirs is None else theirs)
        return MeasuredReflections.concatenate(measured)

    def _helpers(self) -> list[str]:
        return [who for who in self._lives.all() if who != LEADER] if self._is_open else []

    def _of(self, kind: str) -> Tally:
        return self._tallies.setdefault(kind, Tally())

    def _in_turn(self, kind: str, n: int, task: Arrays) -> PiecesInTurn:
        """Publish a stage, whose predecessor is over."""
        pieces, tally = None, self._of(kind)
        if self._is_open:
            try:
                pieces = self._published(kind, n, task)
            except OSError as error:
                tally.troubles.append(f"no helpers: {error}")
        return PiecesInTurn(pieces, self._lives, tally)

    def _published(self, kind: str, n: int, task: Arrays) -> Pieces:
        before = Pieces.last_in(self.folder)
        if before is not None:
            before.remove()
        self._n_stages += 1
        return Pieces.published(self.folder, self._n_stages, kind, n, task)


class _FoundInTurn:
    """What helpers have found on a frame; None where it is to be searched here. Frames are asked for in order.

    Several threads ask. Who is first in a piece takes it, and the others of its frames wait.
    """

    def __init__(self, turn: PiecesInTurn, size: int) -> None:
        self._turn, self._size = turn, size
        self._lock = threading.Lock()
        self._taken: dict[int, dict[int, SearchedFrame]] = {}

    def __call__(self, frame: int) -> SearchedFrame | None:
        number = frame // self._size
        if number not in self._taken:
            with self._lock:
                if number not in self._taken:
                    self._taken[number] = self._take(number)
        return self._taken[number].pop(frame, None)

    def _take(self, number: int) -> dict[int, SearchedFrame]:
        found = self._turn.take(number, unpacked)
        return {} if found is None else {one.frame: one for one in found}


def ranges_of(n_blocks: int, n_helpers: int) -> list[range]:
    """Which blocks are measured together where there are so many helpers: one range where there are none."""
    n_processes = n_helpers + 1
    n = n_processes * (2 if n_helpers and n_blocks >= MANY_BLOCKS * n_processes else 1)
    n = max(1, min(n, n_blocks // FEWEST_BLOCKS))
    edges = np.linspace(0, n_blocks, n + 1).astype(int).tolist()
    return [range(first, last) for first, last in pairwise(edges)]
