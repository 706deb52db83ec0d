"""The image viewer and the reciprocal lattice viewer: their pages, and what these ask for."""
