"""A detector's stream of images, recorded as ordinary sweeps: a master file and data files."""
