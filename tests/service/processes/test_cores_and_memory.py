"""Cores and memory as the machine, control groups and Slurm leave them."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from autoproc.service.params import ServiceParams
from autoproc.service.processes.cores_and_memory import GIGABYTE, available_memory, memory_in_use, shares
from autoproc.threads import available_cores, cpu_quotas


@pytest.fixture
def system(tmp_path):
    """A system of files: system({"path": "content"})."""

    def written(files):
        for name, content in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
        return tmp_path

    return written


def test_quota_of_control_groups_2(system):
    root = system({
        "proc/self/cgroup": "0::/slurm/job_7\n",
        "sys/fs/cgroup/slurm/job_7/cpu.max": "max 100000\n",
        "sys/fs/cgroup/slurm/cpu.max": "250000 100000\n",
        "sys/fs/cgroup/slurm/job_7/memory.max": f"{3 * GIGABYTE}\n",
        "sys/fs/cgroup/memory.max": "max\n",
    })  # fmt: skip
    assert cpu_quotas(root) == [3]
    assert available_memory(root) == min(3 * GIGABYTE, os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))


def test_quota_of_control_groups_1(system):
    root = system({
        "proc/self/cgroup": "4:cpu,cpuacct:/docker/x\n3:memory:/docker/x\n1:name=systemd:/docker/x\n",
        "sys/fs/cgroup/cpu/docker/x/cpu.cfs_quota_us": "150000\n",
        "sys/fs/cgroup/cpu/docker/x/cpu.cfs_period_us": "100000\n",
        "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n",
        "sys/fs/cgroup/memory/docker/x/memory.limit_in_bytes": "1073741824\n",
        "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
    })  # fmt: skip
    assert cpu_quotas(root) == [2]
    assert available_memory(root) == GIGABYTE


def test_without_control_groups(tmp_path):
    assert cpu_quotas(tmp_path) == []
    assert available_memory(tmp_path) > 0


@pytest.mark.parametrize(("value", "cores"), [("1", 1), ("1000", None), ("", None), ("many", None), ("0", None)])
def test_slurm(monkeypatch, value, cores):
    monkeypatch.delenv("SLURM_CPUS_PER_TASK", raising=False)
    without = available_cores()
    monkeypatch.setenv("SLURM_CPUS_PER_TASK", value)
    assert available_cores() == (cores or without)


@pytest.mark.parametrize(
    ("cores", "n_workers", "expected"),
    [(64, 0, (8, 8)), (2, 0, (1, 2)), (12, 0, (1, 12)), (16, 4, (4, 4)), (2, 5, (5, 1))],
)
def test_cores_are_shared(cores, n_workers, expected):
    share = shares(ServiceParams(n_workers=n_workers), cores)
    assert (share.n_workers, share.n_threads) == expected


def test_memory_is_shared():
    assert shares(ServiceParams(n_workers=2), 2).memory == int(0.9 * available_memory() / 2)
    assert shares(ServiceParams(memory_limit=1.5), 2).memory == 1.5 * GIGABYTE


def test_memory_of_a_process_and_its_children():
    code = "import subprocess, sys; b = b'x' * 50_000_000; print('-', flush=True); sys.stdin.read()"
    both = f"import subprocess, sys; p = subprocess.Popen([sys.executable, '-c', {code!r}]); p.wait()"
    with subprocess.Popen(
        [sys.executable, "-c", both], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert 50_000_000 < memory_in_use(process.pid) < 250_000_000
        process.communicate()
    assert memory_in_use(process.pid) == 0
