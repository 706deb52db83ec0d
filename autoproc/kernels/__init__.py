"""One checked wrapper for each compiled loop: shapes, units and errors here, loops in ext/."""
