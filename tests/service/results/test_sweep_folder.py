"""Files of stages are written while the next stage computes; whatever goes wrong with them is heard of."""

from __future__ import annotations

import errno
import threading
from contextlib import suppress

import numpy as np
import pytest
from models_for_tests import experiment

from autoproc.console import Console
from autoproc.models.reflections import Reflections
from autoproc.service.results import sweep_folder
from autoproc.service.results.sweep_folder import SweepFolder, written_whole

TABLE = Reflections({"experiment_id": np.zeros(3, np.int32)})


@pytest.fixture
def console(tmp_path):
    with Console(tmp_path / "autoproc.log") as console:
        yield console


@pytest.fixture
def folder(tmp_path, console):
    with SweepFolder(tmp_path, console) as folder:
        yield folder


def names(folder: SweepFolder) -> list[str]:
    return sorted(path.name for path in (folder.folder / "stages").iterdir())


def test_the_stage_does_not_wait_for_its_files(folder, monkeypatch):
    may_write = threading.Event()
    monkeypatch.setattr(sweep_folder, "write_refl", lambda path, _: (may_write.wait(10), path.touch()))
    folder.keep("strong", [experiment()], TABLE)
    folder.keep("indexed", [experiment()], TABLE)
    assert "strong.refl" not in names(folder)
    may_write.set()
    folder.settle()
    assert names(folder) == ["indexed.expt", "indexed.refl", "strong.expt", "strong.refl"]


def test_what_was_kept_before_a_failure_is_there_after_it(tmp_path, console):
    def broken_off(folder):
        with folder:
            folder.keep("strong", [experiment()], TABLE)
            raise KeyError

    folder = SweepFolder(tmp_path, console)
    with pytest.raises(KeyError):
        broken_off(folder)
    assert names(folder) == ["strong.expt", "strong.refl"]


def full_disk(path, *_):
    path.write_bytes(b"half of it")
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_is_told_in_the_end(folder, monkeypatch):
    monkeypatch.setattr(sweep_folder, "write_refl", full_disk)
    folder.keep("strong", [experiment()], TABLE)
    with pytest.raises(OSError, match="No space left") as raised:
        folder.settle()
    assert raised.value.filename == str(folder.folder / "stages" / "strong.refl")
    assert folder.has_failed
    assert names(folder) == ["strong.expt"]


def test_a_full_disk_ends_the_stages_at_the_next_file(folder, monkeypatch):
    monkeypatch.setattr(sweep_folder, "write_refl", full_disk)
    folder.keep("strong", [experiment()], TABLE)
    folder._writer.submit(lambda: None).result()
    with pytest.raises(OSError, match="No space left"):
        folder.keep("indexed", [experiment()], TABLE)


def test_nothing_failed_where_all_was_written(folder):
    folder.keep("strong", [experiment()], None)
    folder.settle()
    assert not folder.has_failed
    assert names(folder) == ["strong.expt"]


def test_files_are_on_the_disk_as_soon_as_they_are_written(folder, monkeypatch):
    synced = []
    monkeypatch.setattr(sweep_folder, "sync_folder", synced.append)
    folder.keep("strong", [experiment()], TABLE)
    folder.settle()
    assert synced == [folder.folder / "stages" / "strong.refl"]


def test_a_file_is_whole_or_not_there(tmp_path):
    with written_whole(tmp_path / "x") as part:
        part.write_text("new")
        assert not (tmp_path / "x").exists()
    with suppress(KeyError), written_whole(tmp_path / "x") as part:
        part.write_text("half")
        raise KeyError
    assert (tmp_path / "x").read_text() == "new"
    assert [path.name for path in tmp_path.iterdir()] == ["x"]
