"""The command line: one file per command, each of them the same engine that the window uses."""
