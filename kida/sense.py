"""The sense of an objective: everything that depends on it is here or takes its sign from here."""

from typing import Literal

Sense = Literal["minimize", "maximize"]


def sign(sense: Sense) -> float:
    """Return 1.0 for minimisation and -1.0 for maximisation: ``sign * bound`` is to be raised."""
    return 1.0 if sense == "minimize" else -1.0
