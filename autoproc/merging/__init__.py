"""Merging symmetry equivalents and the statistics of it."""
