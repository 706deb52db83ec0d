"""Measured intensities in the files of other programs, and MTZ files of our own."""
