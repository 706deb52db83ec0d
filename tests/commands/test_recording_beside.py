"""The recorder beside a run: begun, begun again, ended with it, and never at its cost."""

import subprocess
import sys
import time

import pytest

from autoproc.commands import recording_beside as beside
from autoproc.commands.beside import as_words
from autoproc.commands.recording_beside import CANNOT_START, NoFolder, RecordingBeside, recording_beside
from autoproc.config import Config, with_command_line
from autoproc.formats.hdf5.frames_present import frames_present
from autoproc.overrides import split_arguments
from autoproc.recording.params import RecordParams

LONG = 60.0
PARAMS = RecordParams(endpoint="tcp://127.0.0.1:31011", folder="/visit/streamed")


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def begun(monkeypatch):
    """What was begun, each a process that does nothing for a minute."""
    found = []

    def begin(command, words):
        found.append(subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]))
        return found[-1]

    monkeypatch.setattr(beside, "begin_beside", begin)
    yield found
    for process in found:
        process.kill()
        process.wait()


def ended(process, status=1):
    process.kill()
    process.wait()
    process.returncode = status


def test_parameters_come_over_as_they_are():
    params = RecordParams(
        endpoint="tcp://relay:1", folder="/a b/c", channels=("x", "y"), name="{user_data.a}/b", memory=32
    )
    _, changes = split_arguments(as_words("record", params))
    assert with_command_line(Config(), changes).record == params


def test_nothing_is_begun_without_a_stream_or_folders_to_watch(begun, tmp_path):
    for params, watched in ((RecordParams(), [tmp_path]), (PARAMS, [])):
        with recording_beside(params, watched, pytest.fail) as recording:
            recording.poll()
    assert begun == []


def test_it_ends_with_the_run(begun, tmp_path):
    params = PARAMS.model_copy(update={"folder": tmp_path / "streamed"})
    with recording_beside(params, [tmp_path], pytest.fail) as recording:
        recording.poll()
        recording.poll()
        assert len(begun) == 1
        assert begun[0].poll() is None
    assert begun[0].poll() is not None


def test_it_is_begun_again_when_it_ends_less_and_less_often(begun):
    said, clock = [], Clock()
    recording = RecordingBeside(PARAMS, said.append, clock)
    recording.poll()
    for n, wait in enumerate((1, 2, 4, 8, 16, 32, 60, 60)):
        ended(begun[-1], -9)
        recording.poll()
        assert said[-1] == f"recording the stream has ended (exit status -9); it is begun again in {wait} s"
        clock.now += wait - 0.1
        recording.poll()
        assert len(begun) == n + 1
        clock.now += 0.2
        recording.poll()
        assert len(begun) == n + 2
    clock.now += 61
    ended(begun[-1])
    recording.poll()
    assert "in 1 s" in said[-1]
    recording.close()


def test_wrong_parameters_are_not_tried_again(begun):
    said, clock = [], Clock()
    recording = RecordingBeside(PARAMS, said.append, clock)
    recording.poll()
    ended(begun[0], CANNOT_START)
    recording.poll()
    clock.now += 1000
    recording.poll()
    assert len(begun) == 1
    assert "the run goes on without it" in said[0]


def test_what_cannot_be_begun_is_tried_again(monkeypatch):
    def begin(*_):
        raise OSError(12, "Cannot allocate memory")

    monkeypatch.setattr(beside, "begin_beside", begin)
    said = []
    RecordingBeside(PARAMS, said.append, Clock()).poll()
    assert "cannot be recorded" in said[0]
    assert "again in 1 s" in said[0]


def test_a_folder_is_needed(tmp_path):
    params = RecordParams(endpoint="tcp://127.0.0.1:31011")
    with pytest.raises(NoFolder), recording_beside(params, [tmp_path], pytest.fail):
        pass


def test_a_folder_that_nobody_watches_is_told_of(tmp_path):
    said = []
    with recording_beside(PARAMS, [tmp_path], said.append):
        pass
    where = f"/visit/streamed, which is not below what is watched ({tmp_path})"
    assert said == [f"the stream is recorded to {where}: it is not processed"]


@pytest.mark.slow
def test_a_killed_recorder_is_begun_again_and_records(tmp_path):
    pytest.importorskip("cbor2")
    from streamed import end, image, start

    from autoproc.simulation.beamline_stream import Streaming
    from autoproc.simulation.publishing import relay

    said = []
    with relay("tcp://127.0.0.1:*") as source:
        params = RecordParams(endpoint=source.address, folder=tmp_path / "streamed")
        with recording_beside(params, [tmp_path], said.append) as recording:
            for n in (1, 2):
                until = time.monotonic() + LONG
                while not source.wait_for(1, 0.05):
                    recording.poll()
                    assert time.monotonic() < until
                series = Streaming(series_id=n, series_unique_id=f"0{n}")
                for message in (start(series), *(image(i, series=series) for i in range(4)), end(series)):
                    source.send(message)
                master = tmp_path / f"streamed/series_{n}_master.h5"
                while not (master.exists() and frames_present(master).n_present == 4):
                    assert time.monotonic() < until
                    time.sleep(0.05)
                process = recording._process
                process.kill()
                process.wait()
                recording.poll()
    assert said == [f"recording the stream has ended (exit status -9); it is begun again in {n} s" for n in (1, 2)]
