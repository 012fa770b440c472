"""Comparing policies: the score, the runs, the statistics and the report."""
