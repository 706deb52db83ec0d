"""A queue whose sweeps are small text files, and whose processing takes milliseconds and can be made to go wrong."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import signal
import time
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from forked_workers import forked_worker

from autoproc.config import Config
from autoproc.service import daemon as daemon_module
from autoproc.service.daemon import Daemon
from autoproc.service.events import Event
from autoproc.service.executing.executors import Executors
from autoproc.service.executing.local import LocalExecutor
from autoproc.service.intake import Intake
from autoproc.service.job_queue.job import JobState
from autoproc.service.job_queue.jobs import JobQueue
from autoproc.service.notices.hooks import Hooks
from autoproc.service.params import ServiceParams
from autoproc.service.processes.cores_and_memory import Shares
from autoproc.service.processing.order import Order
from autoproc.service.results.outputs import Outputs
from autoproc.service.supervisor import Plan, Supervisor
from autoproc.service.sweeps.found_sweep import FoundSweep, fingerprint

GIGABYTE = 1 << 30
SHARES = Shares(n_workers=2, n_threads=1, memory=4 * GIGABYTE, seconds=30)


def found(path: Path, **changes) -> FoundSweep:
    """A sweep of a file, with one image for each of its bytes."""
    content = path.read_bytes() if path.exists() else b""
    mark = fingerprint(path, content[:8])
    sweep = FoundSweep(path, "cbf", None, len(content), mark, "complete", "", path.stem, str(path.parent), 1000.0)
    return replace(sweep, **changes)


def result_of(content: bytes) -> bytes:
    """What processing makes of a file."""
    return b"".join(hashlib.sha256(content + bytes([n])).digest() for n in range(200))


def process_fake(order: Order, console, pause: float = 0.0) -> dict:
    """Processing, in steps with pauses. The name of a sweep may begin with what is to go wrong."""
    if order.members:
        return _put_together(order)
    path = Path(order.path)
    content = path.read_bytes()
    _go_wrong(path, order)
    (order.folder / "stages").mkdir(exist_ok=True)
    for n in range(3):
        (order.folder / "stages" / f"{n}.refl").write_bytes(content)
        time.sleep(pause)
    merged = result_of(content)
    with (order.folder / "merged.mtz").open("wb") as file:
        for part in range(0, len(merged), 1600):
            file.write(merged[part : part + 1600])
            file.flush()
            time.sleep(pause / 4)
    summary = {"status": "processed", "sweep": order.name, "space_group": "P 1", "unit_cell": [1.0] * 6, "d_min": 2.0}
    if path.stem.startswith("bad"):
        summary = {"status": "failed", "error": "no spots", "error_stage": "find_spots", "error_hint": "look at it"}
    if path.stem.startswith(("few", "many")):
        n_spots = 30 if path.stem.startswith("few") else 3000
        summary = {"status": "failed", "error": "too few", "error_stage": "refine", "n_spots": n_spots}
    (order.folder / "summary.json").write_text(json.dumps(summary))
    return summary | ({"lost": "3 images were gone"} if path.stem.startswith("lost") else {})


def _put_together(order: Order) -> dict:
    """A group: the names of its members, once all their results are there."""
    output = order.folder.parents[2]
    merged = b"".join((output / name / "merged.mtz").read_bytes() for name, _ in order.members)
    (order.folder / "merged.mtz").write_bytes(merged)
    summary = {"status": "processed", "sweep": order.name, "members": dict(order.members)}
    (order.folder / "summary.json").write_text(json.dumps(summary))
    return summary


def _go_wrong(path: Path, order: Order) -> None:
    kind = path.stem.partition("_")[0]
    once = path.with_suffix(".gone-wrong")
    if kind.endswith("once"):
        if once.exists():
            return
        once.touch()
        kind = kind.removesuffix("once")
    match kind:
        case "crash":
            os.kill(os.getpid(), signal.SIGSEGV)
        case "exit":
            os._exit(7)
        case "hang":
            time.sleep(60)
        case "greedy":
            hoard = []
            while True:
                hoard.append(bytearray(os.urandom(1 << 20)) * 16)
                time.sleep(0.005)
        case "full":
            (order.folder / "merged.mtz").write_bytes(b"half of it")
            raise OSError(errno.ENOSPC, "No space left on device", str(order.folder / "merged.mtz"))
        case "denied":
            raise PermissionError(errno.EACCES, "Permission denied", str(path))


@dataclass
class Service:
    """A queue with its supervisor, for tests that turn it by hand."""

    output: Path
    params: ServiceParams = field(default_factory=lambda: ServiceParams(retry_delay=0.01))
    shares: Shares = SHARES
    pause: float = 0.0
    is_patient: bool = True
    events: list[Event] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.outputs = Outputs(self.output)
        self.outputs.make_folders()
        self.queue = JobQueue(self.output / ".autoproc" / "queue.sqlite")
        self.hooks = Hooks(self.params, self.outputs, self.events.append)
        plan = Plan(Config(), self.params, is_patient=self.is_patient)
        launch = partial(forked_worker, processing=partial(process_fake, pause=self.pause))
        self.local = LocalExecutor(self.shares, self.params, launch)
        self.executors = Executors(self.local)
        self.supervisor = Supervisor(self.queue, self.outputs, plan, self.hear, self.executors)
        self.intake = Intake(self.queue, self.outputs, self.hear)

    def hear(self, event: Event) -> None:
        self.events.append(event)
        self.hooks(event)

    def work(self, seconds: float = 20.0) -> None:
        """Until nothing is left to do."""
        deadline = time.monotonic() + seconds
        while not all(job.state.is_settled for job in self.queue.rows()):
            assert time.monotonic() < deadline, self.queue.rows()
            self.supervisor.step()
            self.supervisor.wait(0.01)
            self.hooks.poll()

    def until(self, condition, seconds: float = 10.0) -> None:
        """Until something is so."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline
            self.supervisor.step()
            self.supervisor.wait(0.01)

    def told(self, *kinds: str) -> list[str]:
        """The sweeps of these events, in order."""
        return [event.sweep for event in self.events if event.kind in kinds]

    def close(self) -> None:
        self.supervisor.hand_back()
        self.queue.close()


class FilesFinder:
    """Finds files that come to a folder."""

    def __init__(self, folder: Path, intake: Intake) -> None:
        self.folder, self.intake = folder, intake
        self._seen: set[Path] = set()

    def poll(self, timeout: float) -> list[FoundSweep]:
        new = [found(path) for path in sorted(self.folder.glob("*.img")) if path not in self._seen]
        self._seen |= {sweep.path for sweep in new}
        news = [sweep for sweep in new if self.intake.n_known(sweep.fingerprint) < sweep.n_images]
        if not news:
            time.sleep(timeout)
        return news


def run_daemon(images: Path, output: Path, params: ServiceParams, pause: float, is_endless: bool) -> None:
    """The daemon's loop over a folder of files, until all is done (or for ever)."""
    daemon_module.PATIENCE = 0.005
    service = Service(output, params, pause=pause)
    finder = FilesFinder(images, service.intake)
    daemon = Daemon(service.supervisor, service.intake, service.hooks, service.hear, finder)
    n_files = len(list(images.glob("*.img")))

    def is_done() -> bool:
        rows = service.queue.rows()
        return not is_endless and len(rows) >= n_files and all(job.state.is_settled for job in rows)

    with daemon.stop.listening():
        daemon.run(is_done, grace_time=params.grace_time)


def forked_daemon(
    images: Path, output: Path, params: ServiceParams, pause: float = 0.0, is_endless: bool = True
) -> int:
    """The same in a process of its own; returns its number."""
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        run_daemon(images, output, params, pause, is_endless)
        status = 0
    except KeyboardInterrupt:
        status = 130
    except BaseException:
        import traceback

        Path(f"{output}.trouble").write_text(traceback.format_exc())
    finally:
        os._exit(status)


def children(pid: int) -> list[int]:
    """The processes that a process has begun."""
    try:
        return list(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))
    except OSError:
        return []


def check_results(images: Path, output: Path) -> None:
    """Every sweep has one result, whole and right; nothing is left over."""
    files = {path.stem: path for path in images.glob("*.img")}
    folders = {path.name for path in output.iterdir() if not path.name.startswith(".")}
    assert folders == set(files)
    for name, path in files.items():
        assert (output / name / "merged.mtz").read_bytes() == result_of(path.read_bytes()), name
        assert json.loads((output / name / "summary.json").read_text())["sweep"] == name
        assert len(list((output / name / "stages").iterdir())) == 3
    assert list((output / ".autoproc" / "work").iterdir()) == []
    queue = JobQueue(output / ".autoproc" / "queue.sqlite")
    rows = queue.rows()
    assert sorted(job.name for job in rows) == sorted(files)
    assert {job.state for job in rows} == {JobState.processed}
    for job in rows:
        assert [entry["event"] for entry in job.story].count("processed") == 1, job.story
    queue.close()
