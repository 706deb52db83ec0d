"""What to try next and what to keep: pure functions from reports to steps with their reasons."""
