"""Where a sweep's results go: what its stages say is logged, what they give is written while the next computes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from autoproc.console import Console
from autoproc.formats.dials.expt import write_expt
from autoproc.formats.dials.image_numbers import to_file_frames
from autoproc.formats.dials.refl import write_refl
from autoproc.formats.images.frames import ImageReader
from autoproc.models.experiment import Experiment
from autoproc.models.reflections import Reflections
from autoproc.service.results.outputs import sync_folder

DOING = {
    "index": "Indexing", "refine": "Refining", "symmetry": "Determining the symmetry", "scale": "Scaling",
    "estimate_resolution": "Estimating the resolution", "anisotropy": "Looking in every direction",
    "damage_analysis": "Analysing damage", "merge": "Merging",
}  # fmt: skip


class SweepFolder:
    """An Observer of the pipeline that logs and keeps what the stages give.

    Files are written one after the other by a thread, and put on the disk at once, so that little is left to wait for
    in the end. What goes wrong with one is raised when the next is given, or in the end. As a context it waits for all.
    """

    def __init__(self, folder: Path, console: Console) -> None:
        self.folder = folder
        self.console = console
        self._writer = ThreadPoolExecutor(1, "stage files")
        self._writing: list[Future[None]] = []
        (folder / "stages").mkdir(parents=True, exist_ok=True)

    def __enter__(self) -> SweepFolder:
        return self

    def __exit__(self, *_: object) -> None:
        self._writer.shutdown()

    def stage(self, name: str, report: str) -> None:
        """Log a stage's report."""
        self.console.log(f"\n{name}\n{'=' * len(name)}\n{report}")

    def keep(self, stem: str, experiments: Sequence[Experiment], reflections: Reflections | None) -> None:
        """Have stages/STEM.expt and .refl written. Raises OSError where an earlier file could not be."""
        self._raise_for([future for future in self._writing if future.done()])
        self._writing.append(self._writer.submit(self._write, stem, tuple(experiments), reflections))

    def settle(self) -> None:
        """Wait until all files are written. Raises OSError where one could not be."""
        self._raise_for(self._writing)

    @property
    def has_failed(self) -> bool:
        """A file could not be written."""
        return any(future.done() and future.exception() is not None for future in self._writing)

    def watch(self, reader: ImageReader, label: str, n_reads: int) -> AbstractContextManager[ImageReader]:
        """Show progress."""
        return self.console.watch(reader, label, n_reads)

    def busy(self, stage: str) -> AbstractContextManager[None]:
        """Show what is under way."""
        return self.console.busy(DOING.get(stage, stage))

    @staticmethod
    def _raise_for(futures: Sequence[Future[None]]) -> None:
        for future in futures:
            future.result()

    def _write(self, stem: str, experiments: Sequence[Experiment], reflections: Reflections | None) -> None:
        with written_whole(self.folder / "stages" / f"{stem}.expt") as part:
            write_expt(part, experiments)
        if reflections is not None:
            path = self.folder / "stages" / f"{stem}.refl"
            with written_whole(path) as part:
                write_refl(part, to_file_frames(reflections, experiments))
            sync_folder(path)


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """A name to write to, which becomes `path` when all went well; nothing is left behind otherwise."""
    part = path.with_name(f".{path.name}.part")
    try:
        yield part
        part.replace(path)
    except OSError as error:
        raise OSError(error.errno, error.strerror or str(error), str(path)) from error
    finally:
        part.unlink(missing_ok=True)
