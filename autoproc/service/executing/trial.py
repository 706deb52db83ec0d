"""Work for tests of executors, in place of processing: it takes milliseconds, and goes wrong where it is told to.

`python -m autoproc.service.executing.trial FOLDER` carries out the order in a folder, `... --reports NUMBER` waits for
one as this machine's workers do.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from autoproc.console import Console
from autoproc.service.executing.execution import execute
from autoproc.service.executing.worker import work
from autoproc.service.processing.order import Order

COMMAND = (sys.executable, "-P", "-m", "autoproc.service.executing.trial")
LONG = 60.0
"""Seconds that a sweep takes which is to be stopped."""


def result_of(path: str) -> bytes:
    """What is made of images in place of merged.mtz."""
    return hashlib.sha256(path.encode()).digest()


def process_trial(order: Order, console: Console) -> dict[str, Any]:
    """Write results; where the last part of the images' path says so, wait, fail or die first."""
    what = Path(order.path).name
    with console.busy("Working"):
        if what == "crash":
            os.kill(os.getpid(), signal.SIGSEGV)
        elif what == "exit":
            os.write(2, b"something went wrong\n")
            os._exit(7)
        elif what == "long":
            time.sleep(LONG)
        elif what == "slow":
            time.sleep(2.0)
        elif what == "full":
            raise OSError(28, "No space left on device", str(order.folder / "merged.mtz"))
    summary = {"status": "failed" if what == "bad" else "processed", "sweep": order.name}
    if what == "bad":
        summary |= {"error": "no spots", "error_stage": "find_spots", "error_hint": "look at it"}
    else:
        (order.folder / "merged.mtz").write_bytes(result_of(order.path))
    (order.folder / "summary.json").write_text(json.dumps(summary))
    return summary


def main(arguments: list[str]) -> int:
    """Be a worker."""
    if arguments[0] == "--reports":
        work(int(arguments[1]), process_trial)
        return 0
    return execute(Path(arguments[0]), process_trial)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
