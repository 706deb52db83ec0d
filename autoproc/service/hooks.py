"""A facility's own commands, run when a sweep is begun, has its results, or failed.

They run beside the work and are never waited for but at the end; one that fails or hangs costs a line in the log.
"""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Any

from autoproc.legible import legible
from autoproc.service.events import Event
from autoproc.service.params import PLACEHOLDERS, ServiceParams
from autoproc.service.processing.outputs import Outputs

PATHS = ("path", "folder", "summary", "merged")
"""Values that are names of files, which only their own bytes lead to."""


@dataclass(frozen=True, slots=True)
class RunningHook:
    """A command under way, until when it may be, and where its errors go."""

    sweep: str
    command: list[str]
    process: subprocess.Popen[bytes]
    deadline: float
    errors: IO[bytes]


class Hooks:
    """Runs the commands of the configuration; `tell` hears of those that fail."""

    def __init__(self, params: ServiceParams, outputs: Outputs, tell: Callable[[Event], None]) -> None:
        self._params, self._outputs, self._tell = params, outputs, tell
        self._running: list[RunningHook] = []

    def __call__(self, event: Event) -> None:
        """Run the commands for an event."""
        commands = {
            "started": self._params.on_start,
            "processed": self._params.on_success,
            "failed": self._params.on_failure,
            "set aside": self._params.on_failure,
        }.get(event.kind, ())
        for command in commands:
            self._begin(event.sweep, filled_in(command, self._values(event)))

    def _values(self, event: Event) -> dict[str, str]:
        folder = self._outputs.results(event.sweep)
        ours = {
            "sweep": event.sweep, "status": event.kind, "folder": str(folder), "summary": str(folder / "summary.json"),
            "merged": str(folder / "merged.mtz"),
        }  # fmt: skip
        return {key: harmless(key, ours.get(key, _text(event.facts.get(key)))) for key in PLACEHOLDERS}

    def _begin(self, sweep: str, command: list[str]) -> None:
        errors = tempfile.TemporaryFile()  # noqa: SIM115  (closed when the command is over)
        try:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors, process_group=0
            )
        except (OSError, ValueError) as error:
            errors.close()
            self._complain(sweep, command, str(error))
            return
        deadline = time.monotonic() + self._params.hook_timeout
        self._running.append(RunningHook(sweep, command, process, deadline, errors))

    def poll(self) -> int:
        """See to those that are over or late; returns how many are left."""
        for hook in list(self._running):
            status = hook.process.poll()
            if status is None and time.monotonic() > hook.deadline:
                hook.process.kill()
                hook.process.wait()
                self._complain(hook.sweep, hook.command, f"stopped after {self._params.hook_timeout:g} s")
            elif status:
                self._complain(hook.sweep, hook.command, f"exit status {status}{_last_words(hook.errors)}")
            elif status is None:
                continue
            hook.errors.close()
            self._running.remove(hook)
        return len(self._running)

    def finish(self) -> None:
        """Wait for all of them, each within its time."""
        while self.poll():
            time.sleep(0.02)

    def _complain(self, sweep: str, command: Sequence[str], why: str) -> None:
        self._tell(Event("hook failed", sweep, {"text": f"the command {command[0]} failed: {why}", "command": command}))


def filled_in(command: Sequence[str], values: Mapping[str, str]) -> list[str]:
    """The arguments with the values of the sweep in place of the names between braces."""
    return [argument.format_map(values) for argument in command]


def harmless(key: str, value: str) -> str:
    """A value that no command takes for an option, and that holds nothing invisible; paths stay what they are."""
    if key in PATHS:
        return f"./{value}" if value.startswith("-") else value
    shown = legible(value)
    return f"_{shown[1:]}" if shown.startswith("-") else shown


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _last_words(errors: IO[bytes]) -> str:
    errors.seek(0)
    lines = errors.read(4096).decode(errors="replace").strip().splitlines()
    return f": {lines[-1]}" if lines else ""
