"""The pages of `autoproc serve`: a visit as it goes on, its sweeps, their images and reciprocal lattices."""
