"""Damaged and hostile inputs for every reader, and the processes that try them: see scripts/fuzz."""
