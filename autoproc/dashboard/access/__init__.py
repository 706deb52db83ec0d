"""Who may see the pages, and which sweeps."""
