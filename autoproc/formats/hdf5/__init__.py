"""Images in HDF5: NXmx files and DECTRIS masters, opened with care."""
