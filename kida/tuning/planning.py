"""The plan: whether and how much is learned, until when each step is over, what the verdict has."""

from collections.abc import Callable
from pathlib import Path

from kida.boundary import find_json, write_json
from kida.errors import UserError
from kida.learning.preflight import check_packages
from kida.tuning.clock import Clock
from kida.tuning.events import Planned
from kida.tuning.learning import Effort, effort
from kida.tuning.survey import FEW_PAIRS, Survey, planned_pairs

EFFORT_FILE = "effort.json"
#: With a smaller share of the time after the first branching, a network has too little to act on.
LEAST_TREE = 0.1

Say = Callable[[str], None]


def may_learn(clock: Clock, say: Say) -> bool:
    """Return whether what learning needs is installed; if not, say so and give its time away."""
    try:
        check_packages()
    except UserError as error:
        say(f"note: levers alone are tuned, and have the time of learning: {error}")
        clock.without_learning()
        return False
    return True


def plan_learning(survey: Survey, clock: Clock, cores: int, say: Say) -> Effort | None:
    """Say what branching can win; return how much is collected, None if nothing is learned."""
    after, strong = 1 - survey.shares["root"], survey.shares.get("strong branching", 0.0)
    say(
        f"what branching can win: {100 * after:.0f} % of the time passes after the first "
        f"branching, {100 * strong:.0f} % in strong branching"
    )
    planned, why = None, "there is too little time after the root in which a network could act"
    if after > LEAST_TREE:
        planned = effort(survey, clock.share_of("learning"), cores)
        why = "the budget is too short for episodes of these files"
    if planned is None:
        say(f"nothing is learned: {why}; levers alone are tuned")
        clock.without_learning()
    return planned


def kept_effort(folder: Path, planned: Effort) -> Effort:
    """Return the effort that was planned first: a training run goes on with the same only."""
    kept = find_json(folder / EFFORT_FILE, Effort, "a tuning's plan")
    return keep_effort(folder, planned) if kept is None else kept


def keep_effort(folder: Path, planned: Effort) -> Effort:
    """Keep an effort, instead of the one that was kept before; return it."""
    write_json(folder / EFFORT_FILE, planned)
    return planned


def plan_event(
    survey: Survey, planned: Effort | None, clock: Clock, cores: int, say: Say
) -> Planned:
    """Return the plan as an event; warn of a verdict that will prove little."""
    pairs = planned_pairs(survey, clock, cores)
    if pairs < FEW_PAIRS:
        need = clock.budget * FEW_PAIRS / max(pairs, 0.5)
        say(
            f"warning: the verdict will have about {pairs} pairs of runs, which prove little: "
            f"a --budget of {need / 60:.0f}m or a shorter --time-limit would give {FEW_PAIRS}"
        )
    return Planned(
        goal=survey.goal,
        time_limit=survey.time_limit,
        steps={step: clock.left_for(step) for step in ("levers", "learning", "policies")},
        episodes=None if planned is None else planned.episodes + planned.validation_episodes,
        episode_seconds=None if planned is None else planned.seconds,
        pairs=pairs,
        left=clock.left,
    )
