"""A facility's own commands, run when a sweep is begun, has its results, or failed.

They run beside the work and are never waited for but at the end; one that fails or hangs costs a line in the log.
Those of a sweep's next event begin when those of its last are over, so that nothing is told before what came first.
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
from autoproc.service.results.outputs import Outputs

PATHS = ("path", "folder", "summary", "merged")
"""Values that are names of files, which only their own bytes lead to."""


@dataclass(frozen=True, slots=True)
class HookOrder:
    """A command to run; event : the number of the event that it is for."""

    sweep: str
    event: int
    command: list[str]


@dataclass(frozen=True, slots=True)
class RunningHook:
    """A command under way, until when it may be, and where its errors go."""

    order: HookOrder
    process: subprocess.Popen[bytes]
    deadline: float
    errors: IO[bytes]


class Hooks:
    """Runs the commands of the configuration; `tell` hears of those that fail."""

    def __init__(self, params: ServiceParams, outputs: Outputs, tell: Callable[[Event], None]) -> None:
        self._params, self._outputs, self._tell = params, outputs, tell
        self._running: list[RunningHook] = []
        self._waiting: list[HookOrder] = []
        self._n_events = 0

    def __call__(self, event: Event) -> None:
        """Run the commands for an event."""
        commands = {
            "started": self._params.on_start,
            "processed": self._params.on_success,
            "failed": self._params.on_failure,
            "set aside": self._params.on_failure,
        }.get(event.kind, ())
        if not commands:
            return
        self._n_events += 1
        for command in commands:
            self._waiting.append(HookOrder(event.sweep, self._n_events, filled_in(command, self._values(event))))
        self._begin_those_due()

    def _values(self, event: Event) -> dict[str, str]:
        folder = self._outputs.results(event.sweep)
        ours = {
            "sweep": event.sweep, "status": event.kind, "folder": str(folder), "summary": str(folder / "summary.json"),
            "merged": str(folder / "merged.mtz"),
        }  # fmt: skip
        return {key: harmless(key, ours.get(key, _text(event.facts.get(key)))) for key in PLACEHOLDERS}

    def _begin_those_due(self) -> None:
        """Begin what waits for no command of an earlier event of its sweep."""
        earliest: dict[str, int] = {}
        waiting, self._waiting = self._waiting, []
        for order in (*(hook.order for hook in self._running), *waiting):
            earliest[order.sweep] = min(order.event, earliest.get(order.sweep, order.event))
        for order in waiting:
            if order.event == earliest[order.sweep]:
                self._begin(order)
            else:
                self._waiting.append(order)

    def _begin(self, order: HookOrder) -> None:
        errors = tempfile.TemporaryFile()  # noqa: SIM115  (closed when the command is over)
        try:
            process = subprocess.Popen(
                order.command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors, process_group=0
            )
        except (OSError, ValueError) as error:
            errors.close()
            self._complain(order, str(error))
            return
        deadline = time.monotonic() + self._params.hook_timeout
        self._running.append(RunningHook(order, process, deadline, errors))

    def poll(self) -> int:
        """See to those that are over or late, and begin those that waited for them; returns how many are left."""
        for hook in list(self._running):
            status = hook.process.poll()
            if status is None and time.monotonic() > hook.deadline:
                hook.process.kill()
                hook.process.wait()
                self._complain(hook.order, f"stopped after {self._params.hook_timeout:g} s")
            elif status:
                self._complain(hook.order, f"exit status {status}{_last_words(hook.errors)}")
            elif status is None:
                continue
            hook.errors.close()
            self._running.remove(hook)
        self._begin_those_due()
        return len(self._running) + len(self._waiting)

    def finish(self) -> None:
        """Wait for all of them, each within its time."""
        while self.poll():
            time.sleep(0.02)

    def _complain(self, order: HookOrder, why: str) -> None:
        text = f"the command {order.command[0]} failed: {why}"
        self._tell(Event("hook failed", order.sweep, {"text": text, "command": order.command}))


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
