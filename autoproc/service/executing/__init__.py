"""Who carries attempts out: executors, their workers, and the outcomes that these leave."""
