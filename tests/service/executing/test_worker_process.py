"""Worker processes are begun with this package, wherever the user is."""

from __future__ import annotations

import json
import os

from autoproc.service.processes.begin_process import launch_worker


def test_a_folder_called_autoproc_does_not_stand_in_the_way(tmp_path, monkeypatch):
    (tmp_path / "autoproc").mkdir()
    (tmp_path / "autoproc" / "__init__.py").write_text("raise RuntimeError('not this one')")
    monkeypatch.chdir(tmp_path)
    reading, writing = os.pipe()
    with (tmp_path / "errors").open("w+b") as errors, os.fdopen(reading) as reports:
        process = launch_worker(writing, errors, has_terminal=False)
        os.close(writing)
        first = reports.readline()
        assert process.stdin is not None
        process.stdin.close()
        process.wait(timeout=60)
        errors.seek(0)
        assert first, errors.read().decode()
        assert json.loads(first)["message"] == "ready"
