"""The durable queue: every sweep once, in a file that several programs use at a time."""
