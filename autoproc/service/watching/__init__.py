"""Images as they come: which of them are sweeps, and when those are complete."""
