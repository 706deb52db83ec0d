"""Ways in which sweeps are processed while something is killed: each has its folder, its images and its program."""

from __future__ import annotations

import random
import subprocess
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from collected import slurm
from collected.beamline import Beamline
from collected.program import QueueFile, autoproc, rows

from autoproc.simulation import simulate, small_params, write_sweep
from killing.at_work import AtWork, followers_at_work, workers_at_work

PATIENT = ("service.max_crashes=10000", "service.retry_delay=0.1", "service.lease=5")
"""Workers are killed here more often than any sweep would do by itself."""
FEW = 2
"""Sweeps that wait or are under way, below which there is to be more work."""
AT_ONCE = 4
"""Sweeps that are asked for again at once."""


class Kind:
    """Sweeps that lie there, and workers of the program.

    reference, output : results of the undisturbed run, and of the one that is disturbed
    """

    settings: tuple[str, ...] = ("-j", "2")
    undisturbed: tuple[str, ...] = ()

    def __init__(self, folder: Path, n_sweeps: int, n_images: int) -> None:
        self.folder, self.n_sweeps, self.n_images = folder, n_sweeps, n_images
        self.images, self.reference, self.output = folder / "images", folder / "undisturbed", folder / "killed"
        self.queue = QueueFile(self.output)
        self.images.mkdir(parents=True, exist_ok=True)

    def __enter__(self) -> Kind:
        """Make images."""
        for n in range(self.n_sweeps):
            simulated = simulate(small_params(n_images=self.n_images, d_min=3.0, hot_pixels=0, seed=n))
            write_sweep(simulated, self.images, f"x{n}")
        return self

    def __exit__(self, *_: object) -> None:
        """Whatever was begun beside the program ends."""

    def begin(self) -> subprocess.Popen[bytes]:
        """The program, which is to be killed."""
        return autoproc("run", self.images, "-o", self.output, *PATIENT, *self.settings)

    def at_work(self, program: int) -> list[AtWork]:
        """Processes that have a sweep now."""
        return workers_at_work(self.output)

    def keep_busy(self, chance: random.Random) -> None:
        """See to it that there is work: of what is done, some is asked for once more."""
        done = self.queue.names_in("processed")
        if done and len(self.queue.names_in("queued", "running")) < FEW:
            with autoproc("reprocess", *chance.sample(done, min(AT_ONCE, len(done))), "-o", self.output) as asking:
                asking.wait()

    @property
    def life(self) -> float:
        """Seconds for which a sweep is worked on, over which the moments are spread."""
        return median(row["finished_at"] - row["started_at"] for row in rows(self.reference))

    def before(self) -> None:
        """What is done before anything is killed."""
        self.run_undisturbed()

    def after(self) -> None:
        """What is done when enough was killed: the rest of the work."""
        self._run_once(self.output, *PATIENT, *self.settings)

    def run_undisturbed(self) -> None:
        """The results that there have to be."""
        self._run_once(self.reference, "-j", "1", *self.undisturbed)

    def left_over(self) -> list[str]:
        """What there is beside the results that should not be there."""
        return []

    def _run_once(self, output: Path, *settings: str) -> None:
        if status := autoproc("run", self.images, "--once", "-o", output, *settings).wait():
            raise RuntimeError(f"the run into {output} ended with exit status {status}")


class Live(Kind):
    """Sweeps that are being collected, one after another, each followed and then processed by the same worker.

    They are in no group: the undisturbed run has each of them once, however many there are by then.
    """

    settings = ("-j", "2", "groups.by=none")
    undisturbed = ("groups.by=none",)
    image_format = "cbf"
    rate = 12.0
    """Images a second: some five seconds of collecting, as many as of processing."""

    def __enter__(self) -> Live:
        self._beamline: Beamline | None = None
        self._n_begun = 0
        return self

    def __exit__(self, *_: object) -> None:
        if self._beamline is not None:
            self._beamline.stop()

    def at_work(self, program: int) -> list[AtWork]:
        """Those that follow a sweep as well."""
        self._collect()
        return [*super().at_work(program), *followers_at_work(program, self.output)]

    def keep_busy(self, chance: random.Random) -> None:
        """The next sweep is collected."""
        self._collect()

    @property
    def life(self) -> float:
        """While it is collected, and as long again."""
        return 2 * self.n_images / self.rate

    def before(self) -> None:
        """Nothing: which sweeps there will be is known afterwards."""

    def after(self) -> None:
        """The sweep that is being collected is collected, and the rest of the work done."""
        if self._beamline is not None:
            self._beamline.wait()
        super().after()
        self.run_undisturbed()

    def _collect(self) -> None:
        """Begin the next sweep, unless one is under way, or many wait."""
        if self._beamline is not None:
            if self._beamline.is_writing or len(self.queue.names_in("queued", "running")) >= FEW:
                return
            self._beamline.wait()
        self._n_begun += 1
        options = {"first": self._n_begun, "images": self.n_images, "rate": self.rate, "format": self.image_format}
        self._beamline = Beamline(self.images, *(f"--{name}={value}" for name, value in options.items()))


class LiveHdf5(Live):
    """The same with files that are open meanwhile."""

    image_format = "hdf5"


class Slurm(Kind):
    """Sweeps that lie there, and jobs of Slurm, which outlive the program."""

    settings = (
        "service.executor=slurm", "service.takes_over=false", "service.slurm.n_cores=1", "service.slurm.n_jobs=2",
        "service.slurm.poll_interval=1",
    )  # fmt: skip

    def __enter__(self) -> Slurm:
        self._leaving = ExitStack()
        self._leaving.enter_context(slurm.slurm_in(self.folder.absolute() / "slurm"))
        super().__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._leaving.close()

    def left_over(self) -> list[str]:
        """Jobs of Slurm."""
        return [f"Slurm still has the job {job}" for job in slurm.jobs()]


KINDS: dict[str, type[Kind]] = {"local": Kind, "live": Live, "live_hdf5": LiveHdf5, "slurm": Slurm}
