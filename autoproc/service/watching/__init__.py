"""Images as they come: what is new in directories, and when a sweep is complete."""
