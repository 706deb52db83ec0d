"""Sweeps as the service knows them: found, named, and those of one sample told to be so."""
