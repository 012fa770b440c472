"""The options of a search on reward; a new one is a field here with its line in the docstring."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

from msgspec import Meta, Struct

from kida.boundary import Count, Positive, Seconds
from kida.errors import UserError
from kida.lab.evolution import Fitness
from kida.lab.space import Parameters
from kida.learning.config import RunConfig, config_from, options_from, read_tables
from kida.rule import Depth


class SearchConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How generations are made by search on reward, instead of by collecting and imitation.

    Attributes
    ----------
    generations
        Their numbers, counted from 1; none by default.
    start
        Where the search starts: ``"previous"`` is the policy that the generation before handed
        on, or the initial network in the first generation; ``"initial"`` is the initial network,
        that is from scratch; anything else is a policy's name or folder.
    parameters, dimension
        What is searched, see :func:`kida.lab.space.space`.
    sigma
        Standard deviation of the first perturbations: relative to the root mean square of a
        layer's weights or, of the neurons' factors, that of their logarithm.
    learning_rate
        Share of the step to the mean of the selected points that is taken. Below 1 less of the
        noise is inherited, which many parameters and few points make large.
    population
        Points per iteration: an even number, as they come in antithetic pairs.
    iterations
        How often the population is drawn, measured and selected.
    instances
        Training instances per iteration, new ones in each, common to all its points.
    first_seconds, last_seconds
        Time limit of a solve in the first and in the last iteration, counted in the same way as
        ``collection.time_limit``; it grows geometrically in between.
    expert_depth
        Depth to which strong branching decides while searching, -1 meaning nowhere; by default
        what the start's card says. Below a deep expert only long episodes show differences.
    fitness
        What a point is worth, see :func:`kida.lab.evolution.fitness_of`.
    comparison
        Held-out instances on which the result is compared with the start, for ``last_seconds``
        each; the better one is the generation's policy.
    """

    generations: tuple[Count, ...] = ()
    start: Annotated[str, Meta(min_length=1)] = "previous"
    parameters: Parameters = "neurons"
    dimension: Annotated[int, Meta(ge=2, le=10**6)] = 32
    sigma: Positive = 0.1
    learning_rate: Annotated[float, Meta(gt=0.0, le=1.0)] = 0.5
    population: Annotated[int, Meta(ge=4, le=10**6, multiple_of=2)] = 16
    iterations: Count = 40
    instances: Count = 2
    first_seconds: Seconds = 5.0
    last_seconds: Seconds = 15.0
    expert_depth: Depth | None = None
    fitness: Fitness = "gain"
    comparison: Count = 12

    def __post_init__(self) -> None:
        if len(set(self.generations)) < len(self.generations):
            raise UserError("search.generations names a generation twice")
        if self.last_seconds < self.first_seconds:
            raise UserError(
                "search.last_seconds is less than search.first_seconds; episodes can only grow"
            )


def read_search(
    family: str | None, file: Path | None = None, overrides: Iterable[str] = ()
) -> tuple[RunConfig, SearchConfig]:
    """Return the configuration of a run and, from the table ``search`` beside it, of its searches.

    See :func:`kida.learning.config.read_config` for the parameters and errors.
    """
    content = read_tables(family, file, overrides)
    options = {"search": content.pop("search", {})}
    return config_from(content), options_from(options, _Table).search


class _Table(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The place of the options, for messages that name it."""

    search: SearchConfig
