"""What makes SCIP faster on a user's own problems: found, combined, and proved or not used.

``tune`` is the whole of it, from top to bottom; each of its steps has a file of its own.
"""
