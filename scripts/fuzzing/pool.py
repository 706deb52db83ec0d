"""Trying inputs in child processes that may hang, crash or eat memory: what came of each."""

from __future__ import annotations

import contextlib
import faulthandler
import json
import os
import random
import resource
import select
import shutil
import signal
import sys
import time
import traceback
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from autoproc.errors import AutoprocError
from autoproc.legible import legible_lines
from fuzzing.readers import Reader

ACCEPTED, REFUSED, FOREIGN, HANG, CRASH = "accepted", "refused", "foreign", "hang", "crash"
GREEDY = "greedy"
DEADLINE = 2.0
"""Seconds of processor time that a reader may take for one input: those of the machine do not count."""
PATIENCE = 30.0
"""Seconds after which one that waits for something, and takes no processor time, hangs as well."""
MEMORY = 2 << 30
"""Bytes that a child may take beside what it has when it begins, as watch.probe_memory."""
FREE_MEMORY = 64 << 20
"""Bytes that any input may cost at its peak: what is loaded when it is first needed is among them."""
MEMORY_A_BYTE = 40
"""Bytes at the peak that each byte of an input may cost besides."""
BATCH = 250
"""Inputs that one child tries."""
SANITISED = "asan" in os.environ.get("LD_PRELOAD", "")
"""The address sanitiser keeps its books in terabytes of address space, which no limit may forbid."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an input: index, kind, and the error's class or the signal; details are the traceback."""

    index: int
    kind: str
    name: str
    details: str = ""

    @property
    def is_failure(self) -> bool:
        """It should not have been so."""
        return self.kind in (FOREIGN, HANG, CRASH, GREEDY)


def chance_for(seed: int, reader: str, index: int) -> random.Random:
    """The random numbers of one input."""
    return random.Random(f"{seed}:{reader}:{index}")


def tried(reader: Reader, seed: int, indices: range, scratch: Path, kept: Path) -> Iterator[Outcome]:
    """Try inputs one by one; those that fail are kept below `kept`."""
    waiting = indices
    while waiting:
        done = 0
        for outcome in _batch(reader, seed, waiting[:BATCH], scratch):
            done += 1
            if outcome.is_failure:
                _keep(outcome, reader.name, scratch, kept)
            yield outcome
        waiting = waiting[done:]


def _batch(reader: Reader, seed: int, indices: range, scratch: Path) -> Iterator[Outcome]:
    """One child, until it is through or dead."""
    receiving, sending = os.pipe()
    heard, hearing = os.pipe()
    trace = scratch / "trace"
    trace.write_bytes(b"")
    pid = os.fork()
    if not pid:
        os.close(receiving)
        os.close(hearing)
        _be_child(reader, seed, indices, scratch, (sending, heard))
    os.close(sending)
    os.close(heard)
    n_done = 0
    with open(receiving, "rb", buffering=0) as pipe:
        for line in _lines(pipe, pid):
            facts = json.loads(line)
            n_done += 1
            yield Outcome(**facts)
            if facts["kind"] in (FOREIGN, GREEDY):  # its input is to be kept before the next takes its place
                os.write(hearing, b".")
    os.close(hearing)
    with contextlib.suppress(ProcessLookupError):
        if n_done < len(indices):
            _await_end(pid)
    _, status = os.waitpid(pid, 0)
    if n_done < len(indices):
        yield _how_it_died(indices[n_done], status, trace)


def _lines(pipe: object, pid: int) -> Iterator[bytes]:
    """Lines as they come, until the other end is closed or a child that waits for something sends nothing for long."""
    buffer = b""
    while True:
        if not select.select([pipe], [], [], PATIENCE)[0]:
            if is_starved(pid):
                continue
            return
        part = os.read(pipe.fileno(), 1 << 16)  # type: ignore[attr-defined]
        if not part:
            return
        buffer += part
        *lines, buffer = buffer.split(b"\n")
        yield from lines


def is_starved(pid: int) -> bool:
    """A process would work if the machine let it, so that it does not hang."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "R"
    except OSError:
        return False


def _await_end(pid: int) -> None:
    """Kill one that does not end by itself."""
    for _ in range(50):
        if os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            return
        time.sleep(0.02)
    os.kill(pid, signal.SIGKILL)


def _how_it_died(index: int, status: int, trace: Path) -> Outcome:
    details = trace.read_text(errors="replace")
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        kind = HANG if number in (signal.SIGPROF, signal.SIGKILL) else CRASH
        return Outcome(index, kind, signal.Signals(number).name, details)
    return Outcome(index, CRASH, f"exit status {os.WEXITSTATUS(status)}", details)


def _be_child(reader: Reader, seed: int, indices: range, scratch: Path, pipes: tuple[int, int]) -> None:
    sending, heard = pipes
    trace = (scratch / "trace").open("w")
    try:
        os.dup2(trace.fileno(), 2)
        sys.stderr = trace
        faulthandler.enable(trace)
        faulthandler.register(signal.SIGPROF, trace, chain=True)
        warnings.simplefilter("ignore")
        if not SANITISED:
            _limit_memory()
        for index in indices:
            outcome = one(reader, seed, index, scratch / "input")
            facts = {"index": index, "kind": outcome.kind, "name": outcome.name, "details": outcome.details}
            os.write(sending, json.dumps(facts).encode() + b"\n")
            if outcome.kind in (FOREIGN, GREEDY):
                os.read(heard, 1)
    except BaseException:
        traceback.print_exc(file=trace)
        trace.flush()
        os._exit(1)
    finally:
        os._exit(0)


def _limit_memory() -> None:
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * os.sysconf("SC_PAGE_SIZE") + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def one(reader: Reader, seed: int, index: int, folder: Path) -> Outcome:
    """Make one input and read it, in this process."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    reader.write(folder, chance_for(seed, reader.name, index))
    return read(reader, index, folder)


def read(reader: Reader, index: int, folder: Path) -> Outcome:
    """Read an input that is there."""
    before = _peak_from_now_on()
    outcome = _read_in_time(reader, index, folder)
    allowed = FREE_MEMORY + MEMORY_A_BYTE * sum(path.lstat().st_size for path in folder.rglob("*"))
    taken = _memory("VmHWM") - before
    if taken > allowed and not outcome.is_failure and not SANITISED:
        return Outcome(index, GREEDY, f"{taken >> 20} MB, {outcome.kind} {outcome.name}".strip())
    return outcome


def _peak_from_now_on() -> int:
    """Bytes in use; the kernel forgets how many it was that were in use at the most."""
    Path("/proc/self/clear_refs").write_text("5")
    return _memory("VmRSS")


def _memory(name: str) -> int:
    status = Path("/proc/self/status").read_text()
    return int(status.partition(f"{name}:")[2].split()[0]) << 10


def _read_in_time(reader: Reader, index: int, folder: Path) -> Outcome:
    signal.setitimer(signal.ITIMER_PROF, DEADLINE)
    try:
        reader.read(folder)
    except AutoprocError as error:
        legible_lines(f"{error.message} {error.advice}")
        return Outcome(index, REFUSED, type(error).__name__)
    except reader.refusals as error:
        return Outcome(index, REFUSED, type(error).__name__)
    except BaseException as error:
        return Outcome(index, FOREIGN, type(error).__name__, traceback.format_exc()[-6000:])
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    return Outcome(index, ACCEPTED, "")


def _keep(outcome: Outcome, reader: str, scratch: Path, kept: Path) -> None:
    folder = kept / f"{reader}-{outcome.index}"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(scratch / "input", folder / "input", symlinks=True)
    (folder / "why.txt").write_text(f"{outcome.kind} {outcome.name}\n\n{outcome.details}", errors="replace")
