"""The command line: one file a command group. A command imports its work when it runs."""
