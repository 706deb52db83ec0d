"""The parts of indexing: periodicities, candidate lattices, assignment, refinement, several lattices."""
