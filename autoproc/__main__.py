"""`python -m autoproc` is `autoproc`."""

from autoproc.cli import main

main()
