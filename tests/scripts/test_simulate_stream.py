"""scripts/simulate_beamline publishes a stream that autoproc records."""

import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

pytest.importorskip("zmq")

from autoproc.formats.hdf5.frames_present import frames_present
from autoproc.recording.params import RecordParams
from autoproc.recording.recorder import Recorder
from autoproc.recording.subscription import Subscription

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "simulate_beamline"
LONG = 60.0


@pytest.mark.slow
def test_a_stream_is_published_to_who_listens(tmp_path):
    endpoint = f"ipc://{tmp_path}/relay"
    words = ["--format", "stream", "--endpoint", endpoint, "--images", "5", "--rate", "0", "--lose", "3"]
    process = subprocess.Popen([sys.executable, SCRIPT, *words], stdout=subprocess.DEVNULL)
    params = RecordParams(endpoint=endpoint, name="{user_data.sample}")
    recorder = Recorder(tmp_path, params, lambda text, is_bad: None)
    with closing(Subscription(params, lambda text, is_bad: None)) as stream:
        for _ in range(6):
            recorder.take(stream.next(LONG))
    recorder.close()
    assert process.wait(LONG) == 0
    assert frames_present(tmp_path / "crystal1_master.h5").present.tolist() == [True, True, True, False, True]


@pytest.mark.parametrize(
    "words", [[], ["--format", "stream"], ["visit", "--format", "stream", "--endpoint", "tcp://a:1"]]
)
def test_what_is_lacking_is_said(words, tmp_path):
    done = subprocess.run([sys.executable, SCRIPT, *words], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 2
    assert "give VISIT, a folder to write into, or --format stream and --endpoint" in done.stderr
