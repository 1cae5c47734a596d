"""One file for each subcommand of `cemsynth`."""
