"""What systemd hears."""

from __future__ import annotations

import os
import socket

import pytest

from autoproc.service.signs_of_life import systemd
from autoproc.service.signs_of_life.systemd import SystemdNotifier


@pytest.fixture(params=["path", "abstract"])
def heard(request, tmp_path):
    """What was said to a socket; its environment."""
    name = f"\0autoproc-{os.getpid()}" if request.param == "abstract" else str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(name)
        listening.setblocking(False)

        def words():
            said = []
            try:
                while True:
                    said.append(listening.recv(1024).decode())
            except BlockingIOError:
                return said

        yield words, {"NOTIFY_SOCKET": name.replace("\0", "@"), "WATCHDOG_USEC": "4000000", "WATCHDOG_PID": "1"}


def test_ready_turning_stopping(heard, monkeypatch):
    words, environment = heard
    clock = [100.0]
    monkeypatch.setattr(systemd.time, "monotonic", lambda: clock[0])
    told = SystemdNotifier(environment)
    assert environment == {}  # the children do not speak for the program
    told.ready()
    assert words() == ["READY=1"]
    for _ in range(30):
        told.turned()
        clock[0] += 0.1
    assert words() == ["WATCHDOG=1"] * 3
    told.stopping()
    told.stopping()
    assert words() == ["STOPPING=1"]


def test_without_a_watchdog_only_the_begin_and_the_end_are_told(heard):
    words, environment = heard
    told = SystemdNotifier({"NOTIFY_SOCKET": environment["NOTIFY_SOCKET"]})
    told.ready()
    told.turned()
    assert words() == ["READY=1"]


@pytest.mark.parametrize("environment", [{}, {"NOTIFY_SOCKET": "/nowhere/at/all", "WATCHDOG_USEC": "x"}])
def test_nobody_listens(environment):
    told = SystemdNotifier(environment)
    told.ready()
    told.turned()
    told.stopping()
