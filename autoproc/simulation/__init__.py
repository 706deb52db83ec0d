"""A rotation sweep with a known answer; it shares no code with the stages that it tests."""

from autoproc.simulation.describe import format_simulate
from autoproc.simulation.params import SimulateParams, demo_params, small_params
from autoproc.simulation.simulate import simulate
from autoproc.simulation.sweep import SimulatedSweep
from autoproc.simulation.write import WrittenSweep, write_sweep

__all__ = [
    "SimulateParams",
    "SimulatedSweep",
    "WrittenSweep",
    "demo_params",
    "format_simulate",
    "simulate",
    "small_params",
    "write_sweep",
]
