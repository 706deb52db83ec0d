"""Whether the program that has a job still lives."""

from __future__ import annotations

import os
import subprocess
import sys

from autoproc.service.processes.program import is_dead, started, this_machine, this_program


def test_we_live():
    assert not is_dead(this_program())


def test_a_program_that_ended_is_dead():
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        program = f"{this_machine()}:{process.pid}:{started(process.pid)}"
        assert not is_dead(program)
        process.kill()
    assert is_dead(program)


def test_another_program_with_the_same_number_is_not_the_same():
    assert is_dead(f"{this_machine()}:{os.getpid()}:1")


def test_before_the_machine_was_switched_on_last_nobody_lives_on():
    name, _, group = this_machine().split("/")
    assert is_dead(f"{name}/another-boot/{group}:{os.getpid()}:{started(os.getpid())}")


def test_of_other_machines_and_containers_nothing_is_known():
    name, boot, _ = this_machine().split("/")
    assert not is_dead(f"elsewhere/{boot}/1:1:1")
    assert not is_dead(f"{name}/{boot}/1:1:1")
    assert not is_dead("")
