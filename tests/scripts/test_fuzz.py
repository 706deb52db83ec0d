"""The harness that damages inputs must itself see what comes of them."""

from __future__ import annotations

import ctypes
import importlib
import inspect
import pkgutil
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))
from fuzzing import bytes_damage, tree_damage
from fuzzing.frame_damage import damaged_header
from fuzzing.frame_seeds import frame_seeds
from fuzzing.kernel_calls import CALLS
from fuzzing.pool import chance_for, is_starved, tried
from fuzzing.readers import Reader

from autoproc import kernels
from autoproc.errors import CorruptFile


class Troubled(Reader):
    """Does with each input what its number says."""

    name, what = "troubled", "a reader for these tests"

    def write(self, folder, chance):
        (folder / "number").write_text(str(chance.random()))

    def read(self, folder):
        number = self.numbers[(folder / "number").read_text()]
        if number == 1:
            raise CorruptFile(path=folder, reason="so be it")
        if number == 2:
            raise KeyError("x")
        if number == 3:
            ctypes.string_at(0)
        if number == 4:
            before = time.process_time()
            while time.process_time() - before < 60:
                pass
        if number == 5:
            bytearray(1 << 40)
        if number == 6:
            assert bytes([1]) * (20 << 20)


@pytest.fixture
def troubled(monkeypatch):
    monkeypatch.setattr("fuzzing.pool.DEADLINE", 0.2)
    monkeypatch.setattr("fuzzing.pool.FREE_MEMORY", 8 << 20)
    reader = Troubled()
    reader.numbers = {str(chance_for(1, "troubled", n).random()): n for n in range(8)}
    return reader


def test_every_outcome_is_told_apart_and_failures_are_kept(troubled, tmp_path):
    (tmp_path / "input").mkdir()
    outcomes = list(tried(troubled, 1, range(8), tmp_path, tmp_path / "kept"))
    kinds = ["accepted", "refused", "foreign", "crash", "hang", "foreign", "greedy", "accepted"]
    assert [(o.index, o.kind) for o in outcomes] == list(enumerate(kinds))
    assert [o.name for o in outcomes[1:6]] == ["CorruptFile", "KeyError", "SIGSEGV", "SIGPROF", "MemoryError"]
    kept = sorted(path.name for path in (tmp_path / "kept").iterdir())
    assert kept == ["troubled-2", "troubled-3", "troubled-4", "troubled-5", "troubled-6"]
    for n in (2, 3, 4, 5):
        text = (tmp_path / "kept" / f"troubled-{n}" / "input" / "number").read_text()
        assert troubled.numbers[text] == n
        assert "in read" in (tmp_path / "kept" / f"troubled-{n}" / "why.txt").read_text()


def test_the_same_seed_damages_alike():
    content, tree = bytes(range(256)) * 8 + b" 12 3.5e4 ", {"a": [1, 2.5, {"b": "text"}], "c": None}
    for n in range(60):
        first, second = (bytes_damage.damaged(content, random.Random(n)) for _ in range(2))
        assert first == second
        assert repr(tree_damage.damaged(tree, random.Random(n))) == repr(tree_damage.damaged(tree, random.Random(n)))
    assert tree == {"a": [1, 2.5, {"b": "text"}], "c": None}


def test_damage_is_done():
    content = bytes(range(1, 256)) * 8
    assert sum(bytes_damage.damaged(content, random.Random(n)) != content for n in range(100)) > 90


def test_every_kernel_is_tried():
    tried_under_another_name = {"add": "add_background", "box_pixels": "pack_shoeboxes"}
    for found in pkgutil.iter_modules(kernels.__path__):
        module = importlib.import_module(f"autoproc.kernels.{found.name}")
        if found.name.startswith("_") or found.name in ("arguments", "staleness"):
            continue
        public = [
            name
            for name, item in inspect.getmembers(module, lambda one: inspect.isroutine(one) or inspect.isclass(one))
            if getattr(item, "__module__", "") == module.__name__ and not name.startswith("_") and name != "box_sizes"
        ]
        assert public
        for name in public:
            if not inspect.isclass(getattr(module, name)):
                assert tried_under_another_name.get(name, name) in CALLS


def test_headers_of_images_are_damaged_in_what_they_say(tmp_path):
    for name, content in frame_seeds(tmp_path / "frames", (40, 30)).items():
        if name.startswith("z_"):
            continue
        changed = [damaged_header(content, random.Random(n)) for n in range(40)]
        assert sum(one != content for one in changed) > 20, name
        assert changed[:5] == [damaged_header(content, random.Random(n)) for n in range(5)]


def test_one_that_works_is_told_from_one_that_waits():
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as busy:
        with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as idle:
            deadline = time.monotonic() + 20
            while is_starved(idle.pid) and time.monotonic() < deadline:
                time.sleep(0.05)
            assert is_starved(busy.pid)
            assert not is_starved(idle.pid)
            idle.kill()
        busy.kill()
    assert not is_starved(busy.pid)
