"""What `autoproc run` says reaches nobody where its reader is gone, and the work goes on."""

from __future__ import annotations

import subprocess
import sys

import pytest

SAY = """
import sys
from autoproc.commands.saying import echo
for number in range(3):
    echo("line" * 10000, err={err})
with open(sys.argv[1], "w") as file:
    file.write("went on")
"""


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_reader_that_leaves_ends_nothing(tmp_path, stream):
    code = SAY.format(err=stream == "stderr")
    pipes = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL} | {stream: subprocess.PIPE}
    program = subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "end")], **pipes)
    getattr(program, stream).close()
    assert program.wait(timeout=60) == 0
    assert (tmp_path / "end").read_text() == "went on"
