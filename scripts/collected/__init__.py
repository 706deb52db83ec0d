"""A simulated beamline, the program that watches it, and what is asked of both: shared by scripts that measure them."""
