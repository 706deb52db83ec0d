"""Whatever happens to who opens a file, the program gets an answer, or hears why there is none; others get theirs."""

from __future__ import annotations

import faulthandler
import os
import signal
import socket
import time
from pathlib import Path

import pytest

from autoproc.importing.params import ImportParams
from autoproc.service.probing import answers, fence, probe_process
from autoproc.service.probing.fence import NoProbes, ProbingProcesses
from autoproc.service.probing.probe_process import ProbeProcess, orders, serve
from autoproc.service.probing.questions import KindOf, Unanswered
from autoproc.service.processes.begin_process import launch_probe

GIGABYTE = 1 << 30
CBF = b"###CBF: VERSION 1.5\n"


class Forked:
    """As much of subprocess.Popen as a probe needs."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._status: int | None = None

    def poll(self) -> int | None:
        return self.wait(0.0) if self._status is None else self._status

    def wait(self, timeout: float | None = None) -> int | None:
        deadline = time.monotonic() + (timeout or 0.0)
        while self._status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self._status = os.waitstatus_to_exitcode(status)
            elif time.monotonic() >= deadline:
                return None
            else:
                time.sleep(0.005)
        return self._status


def forked(its: socket.socket) -> Forked:
    """In place of launch_probe: begins at once, with what the test has patched."""
    pid = os.fork()
    if pid:
        return Forked(pid)
    try:
        os.setpgid(0, 0)
        with socket.socket(fileno=os.dup(its.fileno())) as mine:
            for number in map(int, os.listdir("/proc/self/fd")):
                if number > 2 and number != mine.fileno() and is_socket(number):
                    os.close(number)
            serve(mine, lambda memory: None)
    finally:
        os._exit(0)


def is_socket(number: int) -> bool:
    try:
        return os.readlink(f"/proc/self/fd/{number}").startswith("socket:")
    except OSError:
        return False


def misbehaving(path: Path) -> str:
    """In place of kind_of: the name of the file says what goes wrong."""
    faulthandler.disable()
    kind = path.name.partition("_")[0]
    if kind.endswith("once"):
        if path.exists():
            return "cbf"
        path.touch()
        kind = kind.removesuffix("once")
    match kind:
        case "hang":
            time.sleep(60)
        case "spin":
            while True:
                pass
        case "crash":
            os.kill(os.getpid(), signal.SIGSEGV)
        case "exit":
            os._exit(7)
        case "greedy":
            raise MemoryError
        case "flaw":
            raise KeyError("a")
    return "cbf"


@pytest.fixture
def ask(monkeypatch, tmp_path):
    """Ask about files of some names; gives the answers by name."""
    monkeypatch.setattr(answers, "kind_of", misbehaving)
    asking = ProbingProcesses(orders(ImportParams(), GIGABYTE), 0.5, forked)

    def ask_of(*names, seconds=20.0):
        numbers = {asking.ask(KindOf(tmp_path / name)): name for name in names}
        found = {}
        deadline = time.monotonic() + seconds
        while len(found) < len(names):
            assert time.monotonic() < deadline, found
            found |= {numbers[number]: answer for number, answer in asking.answers(0.2)}
        return found

    yield ask_of
    asking.close()


def test_questions_are_answered(ask):
    assert ask("a", "b") == {"a": "cbf", "b": "cbf"}


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        ("hang", "reading it takes longer than 0.5 s"),
        ("spin", "reading it takes longer than 0.5 s"),
        ("crash", "reading it ends the process that does (SIGSEGV)"),
        ("exit", "reading it ends the process that does (exit status 7)"),
        ("greedy", "reading it takes more memory than watch.probe_memory"),
        ("flaw", "cannot be told (KeyError: 'a')"),
    ],
)
def test_who_kills_or_stalls_its_probe_twice_is_told_and_the_next_is_answered(ask, kind, why):
    found = ask(kind, "good")
    assert isinstance(found[kind], Unanswered)
    assert found[kind].message == why
    assert ("Traceback" in found[kind].facts.get("details", "")) == (kind == "flaw")
    assert found["good"] == "cbf"


@pytest.mark.parametrize("kind", ["hangonce", "crashonce"])
def test_once_is_forgiven(ask, kind):
    assert ask(kind) == {kind: "cbf"}


def test_the_others_do_not_wait_for_second_chances(ask):
    names = [f"hang_{n}" for n in range(4)]
    begun = time.monotonic()
    assert ask(*names, "good")["good"] == "cbf"
    assert time.monotonic() - begun >= 4 * 0.5  # all of them, one after the other
    begun = time.monotonic()
    assert ask("good") == {"good": "cbf"}
    assert time.monotonic() - begun < 0.5


def test_a_disk_that_does_not_answer_is_asked_again(ask, monkeypatch):
    monkeypatch.setattr(ProbeProcess, "waits_for_disk", True)
    monkeypatch.setattr(fence, "MOST_DISK_WAITS", 2)
    assert ask("hang")["hang"].message == "its disk does not answer"


def test_who_is_given_no_time_is_waited_for_but_not_for_ever(monkeypatch, tmp_path):
    """On a machine that is busy otherwise, the quick process would answer if it could."""
    monkeypatch.setattr(answers, "kind_of", misbehaving)
    monkeypatch.setattr(ProbeProcess, "cpu_seconds", 0.0)
    asking = ProbingProcesses(orders(ImportParams(), GIGABYTE), 1.0, forked)
    try:
        asking.ask(KindOf(tmp_path / "spin"))
        while not asking._quick.process.is_ready or not asking._quick._asked:
            asking.answers(0.01)
        begun = time.monotonic()
        while not asking._patient.n_open:
            assert asking.answers(0.05) == []
        assert 0.8 < time.monotonic() - begun < 3.0  # ten times a tenth of a second
    finally:
        asking.close()


def test_who_has_had_its_time_is_not_waited_for(monkeypatch, tmp_path):
    monkeypatch.setattr(answers, "kind_of", misbehaving)
    monkeypatch.setattr(fence, "LONGEST_STARVED", 1000.0)
    asking = ProbingProcesses(orders(ImportParams(), GIGABYTE), 1.0, forked)
    try:
        asking.ask(KindOf(tmp_path / "spin"))
        deadline = time.monotonic() + 20.0
        while not asking._patient.n_open:
            assert time.monotonic() < deadline
            asking.answers(0.05)
    finally:
        asking.close()


def test_nobody_waits_for_an_answer_longer_than_asked(ask, tmp_path, monkeypatch):
    asking = ProbingProcesses(orders(ImportParams(), GIGABYTE), 30.0, forked)
    try:
        asking.ask(KindOf(tmp_path / "hang"))
        begun = time.monotonic()
        assert asking.answers(0.3) == []
        assert time.monotonic() - begun < 1.0
    finally:
        asking.close()


def talking(said: bytes):
    """A process under somebody's spell: it says this, and hears nothing."""

    def launch(its: socket.socket) -> Forked:
        pid = os.fork()
        if pid:
            return Forked(pid)
        try:
            os.setpgid(0, 0)
            while True:
                os.write(its.fileno(), said)
        finally:
            os._exit(0)

    return launch


@pytest.mark.parametrize("said", [b"\0\0\0\2{}", b"\xff" * 64, b"\0\0\0\0", b'\0\0\0\7"ready"'])
def test_a_process_that_talks_nonsense_is_no_harm(tmp_path, said):
    asking = ProbingProcesses(orders(ImportParams(), GIGABYTE), 0.5, talking(said))
    try:
        number = asking.ask(KindOf(tmp_path / "x"))
        deadline = time.monotonic() + 20
        found = []
        try:
            while not found:
                assert time.monotonic() < deadline
                found = asking.answers(0.2)
        except NoProbes:
            return
        ((answered, answer),) = found
        assert answered == number
        assert isinstance(answer, Unanswered)
    finally:
        asking.close()


def test_processes_that_cannot_be_started_are_said_so(tmp_path):
    def stillborn(its):
        pid = os.fork()
        if not pid:
            os._exit(3)
        return Forked(pid)

    asking = ProbingProcesses(orders(ImportParams(), GIGABYTE), 0.5, stillborn)
    asking.ask(KindOf(tmp_path / "x"))
    with pytest.raises(NoProbes, match="exit status 3"):
        asking.answers(10.0)
    asking.close()


def test_processes_that_somebody_kills_are_begun_anew(tmp_path):
    begun = []

    def killed_at_first(its):
        begun.append(its)
        pid = os.fork()
        if not pid:
            if len(begun) <= 5:
                os.kill(os.getpid(), signal.SIGKILL)
            os._exit(3)
        return Forked(pid)

    asking = ProbingProcesses(orders(ImportParams(), GIGABYTE), 0.5, killed_at_first)
    asking.ask(KindOf(tmp_path / "x"))
    with pytest.raises(NoProbes, match="exit status 3"):
        asking.answers(20.0)
    asking.close()
    assert len(begun) >= 8


def test_the_real_process_has_no_secrets_and_a_limit(tmp_path, monkeypatch):
    monkeypatch.setenv("PASSWORD", "not-for-your-eyes")
    secret = (tmp_path / "secret").open("wb")
    os.set_inheritable(secret.fileno(), True)
    image = tmp_path / "x.cbf"
    image.write_bytes(CBF)
    asking = ProbingProcesses(orders(ImportParams(), GIGABYTE), 60.0, launch_probe)
    try:
        number = asking.ask(KindOf(image))
        found = []
        while not found:
            found = asking.answers(1.0)
        assert found == [(number, "cbf")]
        home = Path(f"/proc/{asking._quick.process._process.pid}")
        assert b"not-for-your-eyes" not in (home / "environ").read_bytes()
        open_files = [os.readlink(home / "fd" / name) for name in os.listdir(home / "fd")]
        assert str(tmp_path / "secret") not in open_files
        limits = (home / "limits").read_text()
        assert [line.split()[3:5] for line in limits.splitlines() if line.startswith("Max file size")] == [["0", "0"]]
        (memory,) = [line.split()[3] for line in limits.splitlines() if line.startswith("Max address space")]
        assert GIGABYTE < int(memory) < 6 * GIGABYTE
    finally:
        asking.close()
        secret.close()


def test_a_process_ends_with_its_program(tmp_path):
    ours, its = socket.socketpair()
    with its:
        process = forked(its)
    ours.close()
    assert process.wait(5.0) is not None


def test_long_messages_arrive_whole(monkeypatch, ask):
    monkeypatch.setattr(probe_process, "CHUNK", 1000)
    name = "long" + "x" * 200
    assert ask(*(f"{name}{n}" for n in range(200))) == {f"{name}{n}": "cbf" for n in range(200)}
