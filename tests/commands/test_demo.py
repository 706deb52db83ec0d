"""`autoproc demo` says what is missing, and leaves nothing behind, whatever happens to its processes."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import webbrowser
from contextlib import suppress

import pytest
import typer
from demonstrated import whole_story

from autoproc.commands import demo
from autoproc.commands.browser import opened_in_browser
from autoproc.commands.demo import BEAMLINE, PROGRAM, Wishes, demo_command, free_port
from autoproc.commands.leaving import FAILED, INTERRUPTED, OK
from autoproc.dashboard.listening import PortTaken
from autoproc.dashboard.params import ServeParams
from autoproc.demonstration.place import DemoFolder

SLEEPS = "import time; time.sleep(60)"
DIES = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
FAILS = "import sys; print('no room on the disk', file=sys.stderr); sys.exit(3)"


@pytest.fixture
def begun(monkeypatch):
    """Stand-ins for the processes: what each does is set by its command; those that were begun are collected."""
    does = {"run": SLEEPS, "_beamline": SLEEPS}
    processes = []

    def begin(command, words, output=None, errors=None, given=subprocess.DEVNULL):
        program = [sys.executable, "-c", does[command]]
        processes.append(subprocess.Popen(program, stdin=given, stdout=output, stderr=errors))
        return processes[-1]

    monkeypatch.setattr(demo, "begin_beside", begin)
    monkeypatch.setattr(demo, "LOOK", 0.02)
    monkeypatch.setattr(demo, "free_port", lambda port: port or 8642)
    yield does, processes
    for process in processes:
        with suppress(OSError):
            process.kill()
        process.wait()


def left_with(folder, wishes=None):
    with pytest.raises(typer.Exit) as left:
        demo_command(folder, wishes or Wishes(4.0, browser=False))
    return left.value.exit_code


@pytest.mark.parametrize(("who", "command"), [(PROGRAM, "run"), (BEAMLINE, "_beamline")])
@pytest.mark.parametrize(("how", "said"), [(DIES, "signal 9"), (FAILS, "exit status 3")])
def test_a_process_that_ends_before_its_time_ends_it(tmp_path, begun, capsys, who, command, how, said):
    does, processes = begun
    does[command] = how
    assert left_with(tmp_path) == FAILED
    told = capsys.readouterr().out
    assert f"missing: {who} has ended ({said})" in told
    assert ("no room on the disk" in told) == (how == FAILS)
    assert "missing: demo_1" in told
    assert "missing: combined/demo" in told
    assert [process.returncode is not None for process in processes] == [True, True]


def test_a_program_that_ends_as_if_all_were_done_has_not_done_it(tmp_path, begun, capsys):
    does, _ = begun
    does["run"] = ""
    assert left_with(tmp_path) == FAILED
    assert f"{PROGRAM} has ended (exit status 0)" in capsys.readouterr().out


def test_no_news_for_long_ends_it(tmp_path, begun, capsys, monkeypatch):
    monkeypatch.setattr(demo, "PATIENCE", 0.1)
    assert left_with(tmp_path) == FAILED
    assert "nothing has happened" in capsys.readouterr().out
    assert all(process.returncode is not None for process in begun[1])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_all_processes(tmp_path, begun, monkeypatch, capsys, number):
    once = iter([number])
    monkeypatch.setattr(time, "sleep", lambda _: [os.kill(os.getpid(), one) for one in once])
    assert left_with(tmp_path) == INTERRUPTED
    assert len(begun[1]) == 2
    assert all(process.returncode is not None for process in begun[1])
    assert "stopped" in capsys.readouterr().err


def test_the_second_process_cannot_be_begun(tmp_path, begun, monkeypatch):
    first = demo.begin_beside

    def begin(command, *rest):
        if command == "_beamline":
            raise OSError(11, "Resource temporarily unavailable")
        return first(command, *rest)

    monkeypatch.setattr(demo, "begin_beside", begin)
    with pytest.raises(OSError, match="temporarily"):
        demo_command(tmp_path, Wishes(4.0, browser=False))
    assert begun[1][0].returncode is not None


@pytest.fixture
def told_at_once(begun, monkeypatch):
    """The whole story has happened before the first look."""
    story, _ = whole_story()
    monkeypatch.setattr(demo, "Story", lambda *_: story)
    return begun


def test_the_end_is_good_when_all_is_there(tmp_path, told_at_once, capsys):
    assert left_with(tmp_path) == OK
    told = capsys.readouterr().out
    assert "missing" not in told
    assert str(tmp_path / "processed" / "combined" / "demo" / "merged.mtz") in told


def test_the_pages_stay_until_ctrl_c_if_that_is_wanted(tmp_path, told_at_once, monkeypatch, capsys):
    alive = []

    def pause():
        alive.extend(process.poll() is None for process in told_at_once[1])
        raise KeyboardInterrupt

    monkeypatch.setattr(signal, "pause", pause)
    assert left_with(tmp_path, Wishes(4.0, browser=False, keep_running=True)) == OK
    assert alive == [True, True]
    assert "until Ctrl-C" in capsys.readouterr().out
    assert all(process.returncode is not None for process in told_at_once[1])


def test_the_beamline_begins_when_the_program_watches(tmp_path, begun, monkeypatch):
    monkeypatch.setattr(demo, "SEATED", 0.0)
    does, _ = begun
    (tmp_path / "sign").write_text("")
    state = tmp_path / "demo" / "processed" / ".autoproc"
    does["run"] = (
        f"import pathlib, time; s = pathlib.Path({str(state)!r}); s.mkdir(); time.sleep(0.5);"
        f"pathlib.Path({str(tmp_path / 'sign')!r}).write_text('ready');"
        "(s / 'queue.jsonl').write_text('{\"event\": \"begin\"}\\n'); time.sleep(60)"
    )
    does["_beamline"] = (
        f"import sys, pathlib; sys.stdin.read(); sys.exit(pathlib.Path({str(tmp_path / 'sign')!r}).read_text())"
    )
    assert left_with(tmp_path / "demo") == FAILED
    assert "ready" in DemoFolder(tmp_path / "demo").log(BEAMLINE).read_text()


def test_a_folder_that_cannot_be_made_is_said_before_anything_is_begun(tmp_path, begun, capsys):
    (tmp_path / "file").write_text("")
    assert left_with(tmp_path / "file" / "demo") == FAILED
    assert "cannot be written" in capsys.readouterr().err
    assert begun[1] == []


def test_files_of_others_are_said_before_anything_is_begun(tmp_path, begun, capsys):
    (tmp_path / "mine.txt").write_text("")
    assert left_with(tmp_path) == FAILED
    assert "--output" in capsys.readouterr().err
    assert begun[1] == []


def test_a_port_that_is_taken():
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(PortTaken):
        free_port(taken.getsockname()[1])


def test_the_usual_port_is_taken_by_another(monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        usual = taken.getsockname()[1]
        monkeypatch.setattr(ServeParams.model_fields["port"], "default", usual)
        ServeParams.model_rebuild(force=True)
        try:
            assert ServeParams().port == usual
            assert free_port(None) not in (0, usual)
        finally:
            monkeypatch.undo()
            ServeParams.model_rebuild(force=True)
    assert ServeParams().port == 8642


class Browser(webbrowser.BackgroundBrowser):
    opened: list[str]

    def open(self, url, new=0, autoraise=True):
        self.opened.append(url)
        return True


@pytest.fixture
def browser(monkeypatch):
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "SSH_CONNECTION"):
        monkeypatch.delenv(name, raising=False)
    found = Browser("browser")
    found.opened = []
    monkeypatch.setattr(webbrowser, "get", lambda: found)
    return found


def until_opened(browser):
    deadline = time.monotonic() + 10
    while not browser.opened and time.monotonic() < deadline:
        time.sleep(0.01)
    return browser.opened


def test_a_page_is_opened_on_a_screen(browser, monkeypatch):
    monkeypatch.setenv("DISPLAY", ":0")
    assert opened_in_browser("http://here")
    assert until_opened(browser) == ["http://here"]


@pytest.mark.parametrize("environment", [{}, {"DISPLAY": ":10", "SSH_CONNECTION": "a b c d"}])
def test_without_a_screen_of_ones_own_nothing_is_opened(browser, monkeypatch, environment):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert not opened_in_browser("http://here")
    assert browser.opened == []


def test_a_browser_of_the_terminal_does_not_get_it(browser, monkeypatch):
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr(webbrowser, "get", lambda: webbrowser.GenericBrowser("lynx"))
    assert not opened_in_browser("http://here")


def test_no_browser_at_all(browser, monkeypatch):
    def none():
        raise webbrowser.Error("there is none")

    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr(webbrowser, "get", none)
    assert not opened_in_browser("http://here")
