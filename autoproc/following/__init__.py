"""A sweep while it is still being collected: its images are searched as they come, and looked at by people."""
