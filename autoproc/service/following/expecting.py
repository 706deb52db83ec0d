"""By which orders sweeps that are coming will be processed, as far as is known: who follows them may begin with it.

OUTPUT/.autoproc/ahead/PROGRAM/ has a folder for each, where results are held until they are asked for, and a file that
says which program that is.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from autoproc.config import Config
from autoproc.service.following.live_folder import key_of
from autoproc.service.job_queue.jobs import JobQueue
from autoproc.service.processes.program import is_dead, this_program
from autoproc.service.processing.order import Order
from autoproc.service.results.outputs import Outputs
from autoproc.service.sweeps.sweep_names import folder_name, free_name

FOLDER = "ahead"
PROGRAM = "program"


class Expecting:
    """Expected orders. What turns out to be another costs what was made by the one that was expected, and nothing else.

    config : of the program, with the threads of its workers; watched : the folders in which sweeps are found
    """

    def __init__(self, queue: JobQueue, outputs: Outputs, config: Config, watched: Sequence[Path]) -> None:
        self._queue, self._outputs, self._config, self._watched = queue, outputs, config, watched
        self.folder = outputs.state / FOLDER / key_of(this_program())

    def order(self, path: str, name: str) -> Order:
        """That of a sweep, without its images. Raises OSError where nothing can be held."""
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / PROGRAM).write_text(this_program())
        images = Path(path).parent
        name = free_name(folder_name, name, images, self._folder_of)
        above = [root for root in self._watched if images.is_relative_to(root)]
        visit = str(max(above, key=lambda root: len(root.parts), default=""))
        held = self._held(path)
        return Order(
            0, 0, name, path, None, "", held, held.with_suffix(".json"), self._config, visit=visit,
            place=self._outputs.folder(name, 1),
        )  # fmt: skip

    def forget(self, path: str) -> None:
        """Remove what is held of a sweep whose worker is gone."""
        shutil.rmtree(self._held(path), ignore_errors=True)

    def close(self) -> None:
        """Nothing more is held; who has been asked for what is held may still be about to take it."""
        with suppress(OSError):
            if os.listdir(self.folder) == [PROGRAM]:
                shutil.rmtree(self.folder)

    def _folder_of(self, name: str) -> Path | None:
        job = self._queue.by_name(name)
        return None if job is None else Path(job.path).parent

    def _held(self, path: str) -> Path:
        return self.folder / key_of(path)


def remove_abandoned(outputs: Outputs) -> None:
    """Remove what programs have left that are gone."""
    with suppress(OSError):
        for entry in os.scandir(outputs.state / FOLDER):
            program = ""
            with suppress(OSError, ValueError):
                program = (Path(entry.path) / PROGRAM).read_text()
            if not program or is_dead(program):
                shutil.rmtree(entry.path, ignore_errors=True)
