"""The commands: what they read from the command line, what they print, how they exit."""
