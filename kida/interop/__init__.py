"""Using kida's policies from other programs."""
