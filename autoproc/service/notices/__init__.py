"""The staff, and its own programs, are told: of what is wrong, and of what happens to sweeps."""
