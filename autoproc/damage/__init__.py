"""What radiation does to a crystal over a sweep, as its intensities tell."""
