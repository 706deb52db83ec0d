"""Working through sweeps: one after the other, each into its own folder."""
