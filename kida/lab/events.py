"""What searches on reward and studies tell, beside the events of the runs that are in them."""

from typing import Literal

from kida.learning.events import Event, Tick


class Searching(Event, frozen=True, kw_only=True, tag="searching"):
    """A generation is searched.

    Attributes
    ----------
    parameters, dimension
        What is searched, and in how many dimensions.
    population, iterations, done
        Points at a time, how often, and how often that has been before.
    """

    generation: int
    parameters: str
    dimension: int
    population: int
    iterations: int
    done: int


class SearchSolve(Tick, frozen=True, kw_only=True, tag="trial"):
    """How many solves of an iteration, or of the comparison (None), are done, of how many."""

    generation: int
    iteration: int | None
    done: int
    of: int


class SearchIteration(Event, frozen=True, kw_only=True, tag="search_iteration"):
    """An iteration is over.

    Attributes
    ----------
    iteration, of
        Its number, counted from 1, and how many there are.
    seconds, wall_seconds
        The time limit of its solves, and how long all took.
    reward, best_reward, root_bound
        Means over its solves, over those of the fittest point, and of the bounds after the root
        node; None where nothing is known.
    spread
        Standard deviation of the points' fitness.
    failed
        Solves.
    sigma, distance
        Of the distribution: its step size, and how far its mean is from the start.
    """

    generation: int
    iteration: int
    of: int
    seconds: float
    reward: float | None
    best_reward: float | None
    root_bound: float | None
    spread: float
    failed: int
    sigma: float
    distance: float
    wall_seconds: float


class Searched(Event, frozen=True, kw_only=True, tag="searched"):
    """A search has ended: its result beside its start on held-out instances, and what is kept."""

    generation: int
    instances: int
    seconds: float
    start_reward: float | None
    result_reward: float | None
    start_fitness: float
    result_fitness: float
    wins: int
    losses: int
    kept: Literal["result", "start"]


class Studying(Event, frozen=True, kw_only=True, tag="studying"):
    """A step of a study begins: a sentence for people."""

    text: str
