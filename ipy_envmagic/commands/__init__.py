"""From a line to what is to be run: pure functions."""
