"""How long dials.image_viewer takes to its first picture and to the next image, on a screen in memory.

Its window is watched from outside, many times a second, in the memory of the screen: a picture is there when the part
of the window that shows images holds both light and dark pixels, and drawn when nothing in it changes any more.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import statistics
import struct
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import installed  # noqa: F401  (says what to do where autoproc is not)
import numpy as np

PROGRAM = "dials.image_viewer"
SIZE = (1400, 900)
PICTURE = (slice(260, 800), slice(200, 960))
"""Rows and columns of the screen in which the window shows images, without a window manager (DIALS 3.12.1)."""
NEXT = (775, 170)
"""Where its button for the next image is."""
PAPER, INK, MOST_INK = 200, 100, 0.2
"""Of a picture most pixels are lighter than PAPER, some darker than INK, not more than a part."""
WATCHED = 0.005
"""Seconds between looks at the screen."""
STILL = 1.0
"""Seconds without a change after which a picture is drawn; they are not counted."""
PATIENCE = 120.0


class Screen:
    """An X server without a monitor, whose pixels are in a file (of the format of xwd)."""

    def __init__(self, number: int, folder: Path) -> None:
        self.name = f":{number}"
        self._pixels = folder / "Xvfb_screen0"

    def picture(self) -> np.ndarray:
        """(slow, fast) the green of the part that shows images."""
        content = np.memmap(self._pixels, np.uint8, "r")
        header, width, height, line, n_colours = (
            struct.unpack_from(">I", content, 4 * field)[0] for field in (0, 4, 5, 12, 19)
        )
        first = header + 12 * n_colours
        pixels = content[first : first + height * line].reshape(height, line)[:, : 4 * width].reshape(height, width, 4)
        return np.array(pixels[(*PICTURE, 1)])

    def click(self, x: int, y: int) -> None:
        """Press a button of what is there, by the XTEST extension."""
        x11, xtest = ctypes.CDLL("libX11.so.6"), ctypes.CDLL("libXtst.so.6")
        x11.XOpenDisplay.restype = ctypes.c_void_p
        display = ctypes.c_void_p(x11.XOpenDisplay(self.name.encode()))
        xtest.XTestFakeMotionEvent(display, -1, x, y, 0)
        for is_down in (True, False):
            xtest.XTestFakeButtonEvent(display, 1, is_down, 0)
        x11.XSync(display, False)
        x11.XCloseDisplay(display)


@contextmanager
def screen() -> Iterator[Screen]:
    """A screen of SIZE, with a number that is free."""
    with tempfile.TemporaryDirectory(prefix="screen_") as folder:
        reading, writing = os.pipe()
        size = f"{SIZE[0]}x{SIZE[1]}x24"
        server = subprocess.Popen(
            ["Xvfb", "-displayfd", str(writing), "-screen", "0", size, "-fbdir", folder, "-nolisten", "tcp"],
            pass_fds=[writing], stderr=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(writing)
        try:
            with os.fdopen(reading) as said:
                yield Screen(int(said.readline()), Path(folder))
        finally:
            server.terminate()
            server.wait()


def is_picture(pixels: np.ndarray) -> bool:
    """Spots on a light background, as DIALS draws images; not a bare screen, nor an empty window."""
    ink = float((pixels < INK).mean())
    return bool(np.median(pixels) > PAPER and 0 < ink < MOST_INK)


def drawn_after(shown: Screen, begun: float, before: np.ndarray) -> tuple[float, float]:
    """Seconds to the first picture that is not the one before, and to the last change of it. Raises TimeoutError."""
    first = last = 0.0
    seen = before
    while time.monotonic() < begun + PATIENCE:
        pixels, now = shown.picture(), time.monotonic() - begun
        if not np.array_equal(pixels, seen):
            seen, last = pixels, now
            if not first and is_picture(pixels):
                first = now
        if first and now > last + STILL:
            return first, last
        time.sleep(WATCHED)
    raise TimeoutError


def missing() -> str:
    """What dials.image_viewer lacks here to be measured; "" for nothing."""
    for program, package in ((PROGRAM, "dials"), ("Xvfb", "xvfb")):
        if shutil.which(program) is None:
            return f"there is no {program}: apt install {package}"
    try:
        ctypes.CDLL("libXtst.so.6")
    except OSError:
        return "there is no libXtst: apt install libxtst6"
    return ""


def plugins() -> dict[str, str]:
    """Where the HDF5 library of DIALS finds the filters of compressed images."""
    try:
        import hdf5plugin  # noqa: PLC0415  (it changes what HDF5 does in this process)
    except ImportError:
        return {}
    return {"HDF5_PLUGIN_PATH": hdf5plugin.PLUGIN_PATH}


def measure(file: str, n_images: int) -> None:
    """Print the times, or what is missing."""
    lacking = missing()
    if lacking:
        print(f"dials.image_viewer is not measured: {lacking}")
        return
    with screen() as shown, tempfile.TemporaryFile() as said:
        environment = os.environ | {"DISPLAY": shown.name} | plugins()
        empty, begun = shown.picture(), time.monotonic()
        viewer = subprocess.Popen([PROGRAM, file], env=environment, stdout=said, stderr=said, cwd=tempfile.gettempdir())
        try:
            first, whole = drawn_after(shown, begun, empty)
            what = "dials.image_viewer, first picture"
            print(f"{what:34}{1000 * first:8.0f} ms, from its start; whole {1000 * whole:.0f} ms")
            _next_images(shown, n_images)
            print(f"{'its memory at the most':34}{peak_memory(viewer.pid):8.0f} MB")
        except TimeoutError:
            said.seek(0)
            last = " ".join(said.read().decode(errors="replace").strip().splitlines()[-1:])
            print(f"dials.image_viewer has shown nothing new within {PATIENCE:g} s; it says: {last or 'nothing'}")
        finally:
            viewer.terminate()
            viewer.wait()


def _next_images(shown: Screen, n_images: int) -> None:
    firsts, wholes = [], []
    for _ in range(n_images):
        before, begun = shown.picture(), time.monotonic()
        shown.click(*NEXT)
        first, whole = drawn_after(shown, begun, before)
        firsts.append(1000 * first)
        wholes.append(1000 * whole)
    times = f"{statistics.median(firsts):8.0f} ms, at least {min(firsts):.0f}, at most {max(firsts):.0f}"
    print(f"{'dials.image_viewer, next image':34}{times}; whole {statistics.median(wholes):.0f} ms")


def peak_memory(process: int) -> float:
    """MB that a process held at the most; 0 where the system does not tell."""
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1000
    return 0.0
