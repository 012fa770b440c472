"""What the observations of branching candidates share."""

from kida.boundary import checked
from kida.rule import CandidateSet, Decision


def checked_candidates(which: CandidateSet) -> CandidateSet:
    """Return ``which``, or raise a UserError if it is no set of candidates."""
    return checked(Decision(candidates=which)).candidates
