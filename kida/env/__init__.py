"""One decision at a time, for experiments."""
