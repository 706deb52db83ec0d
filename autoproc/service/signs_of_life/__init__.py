"""That the program is at work: told to the queue, to pages and to systemd."""
