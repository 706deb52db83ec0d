"""Files in and out: images, DIALS files, MTZ."""
