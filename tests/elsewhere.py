"""An executor whose jobs are begun by hand, and programs that use it: for tests of what supervisors do with one."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from queue_for_tests import Service

from autoproc.service.executing.away import AwayExecutor
from autoproc.service.executing.executor import ExecutorDown, Standing
from autoproc.service.executing.executor_site import SCRIPT, Site
from autoproc.service.executing.executors import Executors
from autoproc.service.executing.trial import COMMAND


@dataclass
class Cluster:
    """A scheduler in memory, which outlives programs: jobs wait until they are begun.

    jobs : scripts by their handles; said : what it says of each; reason : why it takes nothing
    """

    jobs: dict[str, Path] = field(default_factory=dict)
    said: dict[str, Standing] = field(default_factory=dict)
    stopped: list[str] = field(default_factory=list)
    reason: str = ""

    def run(self, handle: str) -> None:
        """Do a job's work now."""
        subprocess.run(["sh", str(self.jobs[handle])], check=True, env=os.environ)


class Distant(AwayExecutor):
    """The executor of such a cluster."""

    name = "distant"
    n_threads = 3

    def __init__(self, site: Site, cluster: Cluster) -> None:
        super().__init__(site, n_jobs=3)
        self.cluster = cluster

    @property
    def most_at_once(self):
        return 2

    def give(self, orders):
        if self.cluster.reason:
            raise ExecutorDown(executor="Distant", reason=self.cluster.reason)
        handles = []
        for order in orders:
            handles.append(f"d{len(self.cluster.jobs)}")
            self.cluster.jobs[handles[-1]] = self.site.outputs.away(order.name, order.run) / SCRIPT
            self.cluster.said[handles[-1]] = Standing("waiting", f"waits at Distant, job {handles[-1]}")
        return handles

    def ask(self, tasks):
        return {task.handle: self.cluster.said[task.handle] for task in tasks if task.handle in self.cluster.said}

    def stop(self, handles):
        self.cluster.stopped += handles

    def close(self):
        pass


def program(output: Path, cluster: Cluster, takes_over: bool = True, **changes) -> Service:
    """A program that gives its sweeps to the cluster."""
    service = Service(output, **changes)
    site = Site(service.outputs, service.params, worker=COMMAND, look=0.0)
    service.executors = Executors(service.local, Distant(site, cluster), takes_over)
    service.supervisor.executors = service.executors
    return service
