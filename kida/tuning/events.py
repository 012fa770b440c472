"""What a tuning tells, beside the events of the training run in it."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from kida.learning.events import Event, Tick

# The command's help needs the events, and not all that makes what is in them.
if TYPE_CHECKING:
    from kida.evaluation.verdict import Goal
    from kida.tuning.clock import Step
    from kida.tuning.lever_race import LeverRace
    from kida.tuning.policy_race import PolicyRace
    from kida.tuning.survey import Survey


class TuningEvent(Event, frozen=True, kw_only=True):
    """Something that has happened in a tuning; it is in no log."""


class Said(TuningEvent, frozen=True, kw_only=True, tag="say"):
    """A sentence for people: what is done next, or what was found."""

    text: str


class FilesRead(Tick, frozen=True, kw_only=True, tag="files_read"):
    """How many files are read, of how many."""

    done: int
    of: int


class Solves(Tick, frozen=True, kw_only=True, tag="solves"):
    """How many solves of a step are done, of how many begun; ``left``: seconds of the budget."""

    phase: "Step"
    done: int
    of: int
    left: float


class Surveyed(TuningEvent, frozen=True, kw_only=True, tag="surveyed"):
    """What SCIP's default does on some of the files."""

    survey: "Survey"


class Planned(TuningEvent, frozen=True, kw_only=True, tag="planned"):
    """What will be done, and until when.

    Attributes
    ----------
    goal, time_limit
        What is compared, and the seconds that a solve may take from here on.
    steps
        Step to the seconds in which it is to be over.
    episodes, episode_seconds
        To be played for a generation at most, and how long each; None if nothing is learned.
    pairs
        Of runs, in the verdict.
    left
        Seconds of the whole budget.
    """

    goal: "Goal"
    time_limit: float
    steps: "Mapping[Step, float]"
    episodes: int | None
    episode_seconds: float | None
    pairs: int
    left: float


class LeversRaced(TuningEvent, frozen=True, kw_only=True, tag="levers_raced"):
    """The levers have raced."""

    race: "LeverRace"


class PoliciesRaced(TuningEvent, frozen=True, kw_only=True, tag="policies_raced"):
    """The policies have raced."""

    race: "PolicyRace"
