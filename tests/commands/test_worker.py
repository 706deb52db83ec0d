"""`autoproc worker` works on a folder of results until it is told to stop."""

from __future__ import annotations

from typer.testing import CliRunner

from autoproc.cli import app
from autoproc.commands import worker
from autoproc.commands.worker import work_on
from autoproc.service.daemon import Stop


class Turning:
    """In place of who takes orders: stops after some turns, of which the first fail."""

    def __init__(self, stop, *, n_turns, errors=()):
        self.stop, self.left, self.errors, self.waited = stop, n_turns, list(errors), []

    def turn(self):
        self.left -= 1
        self.stop.n_asked = int(self.left == 0)
        if self.errors:
            raise self.errors.pop(0)

    def wait(self, timeout):
        self.waited.append(timeout)


def test_a_folder_without_results_is_refused(tmp_path):
    result = CliRunner().invoke(app, ["worker", str(tmp_path)])
    assert result.exit_code == 3
    words = " ".join(result.output.split())
    assert "is no folder of results" in words
    assert "service.executor=workers" in words


def test_a_file_server_that_is_away_is_waited_for(capsys):
    stop = Stop()
    turning = Turning(stop, n_turns=3, errors=[OSError(116, "Stale file handle", "/out/.autoproc/work")])
    work_on(turning, stop)
    assert turning.waited == [worker.TROUBLE, worker.PATIENCE, worker.PATIENCE]
    assert "Stale file handle (/out/.autoproc/work); tried again" in capsys.readouterr().err
