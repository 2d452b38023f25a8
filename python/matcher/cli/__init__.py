"""The command line: argument parsing only. One module a command, listed in `main.COMMANDS`."""
