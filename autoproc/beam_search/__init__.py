"""The parts of the search for the beam centre: the lattice's periods, and how they score a shift."""
