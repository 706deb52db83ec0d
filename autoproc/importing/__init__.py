"""Parts of the import stage: continuity of the rotation, values given instead of the header."""
