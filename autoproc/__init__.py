"""autoproc: X-ray rotation sweeps in, merged intensities out, with nobody watching."""

__version__ = "0.1.0"
