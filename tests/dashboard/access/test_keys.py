"""The secret of the pages is its owner's alone."""

from __future__ import annotations

import os
import threading

import pytest

from autoproc.dashboard.access.keys import SECRET, UnsafeSecret, keys_of
from autoproc.service.results.outputs import Outputs


@pytest.fixture
def outputs(tmp_path):
    made = Outputs(tmp_path)
    made.make_folders()
    return made


def test_it_is_made_for_its_owner_alone_and_stays(outputs):
    before = os.umask(0)
    try:
        first = keys_of(outputs)
    finally:
        os.umask(before)
    assert (outputs.state / SECRET).stat().st_mode & 0o777 == 0o600
    assert keys_of(outputs).program_key == first.program_key
    assert [path.name for path in outputs.state.glob("serve*")] == [SECRET]


def test_programs_that_start_at_once_have_one_secret(outputs):
    keys = []
    threads = [threading.Thread(target=lambda: keys.append(keys_of(outputs).program_key)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(keys) == 8
    assert len(set(keys)) == 1


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o620, 0o660])
def test_one_that_others_may_use_is_refused(outputs, mode):
    keys_of(outputs)
    (outputs.state / SECRET).chmod(mode)
    with pytest.raises(UnsafeSecret, match="others may use it"):
        keys_of(outputs)


@pytest.mark.parametrize("text", ["", "short", "\n" * 100])
def test_one_that_can_be_guessed_is_refused(outputs, text):
    keys_of(outputs)
    (outputs.state / SECRET).write_text(text)
    with pytest.raises(UnsafeSecret, match="too short"):
        keys_of(outputs)


@pytest.mark.parametrize("kind", ["link", "dangling", "folder", "pipe"])
def test_one_that_somebody_has_laid_there_is_refused(outputs, tmp_path, kind):
    path = outputs.state / SECRET
    match kind:
        case "link":
            (tmp_path / "theirs").write_text("x" * 50)
            path.symlink_to(tmp_path / "theirs")
        case "dangling":
            path.symlink_to(tmp_path / "not there")
        case "folder":
            path.mkdir()
        case "pipe":
            os.mkfifo(path, 0o600)
    with pytest.raises(UnsafeSecret):
        keys_of(outputs)
    assert not (tmp_path / "not there").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_one_of_another_user_is_refused(outputs):
    keys_of(outputs)
    os.chown(outputs.state / SECRET, 12345, -1)
    with pytest.raises(UnsafeSecret, match="belongs to another user"):
        keys_of(outputs)
