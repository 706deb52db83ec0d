"""The subcommands of `autoproc`: parse, call a stage, print, write."""
