"""Search on reward: a network's parameters tuned directly on the solver.

Imitation is bounded by its expert; the cumulated reward is not. Each iteration draws a population
of points around the mean of a Gaussian (``evolution``), in antithetic pairs, each of them a network
(``space``); measures all of them on the same new training instances and seeds (``measuring``); and
moves the Gaussian towards the better ones (``climb``). The result is a generation like any other: a
:class:`Search` is a maker of generations for :func:`kida.learning.dagger.train`::

    config, options = search_config.read_search("item_placement", Path("recipe.toml"))
    train(folder, config, makers=searches(options))
"""

from dataclasses import dataclass
from typing import Any

from kida.boundary import checked, plain, replaced
from kida.errors import UserError
from kida.jobs.run import Workers
from kida.lab.climb import Climb
from kida.lab.evolution import check_library
from kida.lab.search_config import SearchConfig
from kida.learning.config import RunConfig
from kida.learning.dagger import hand_on, scip_version, write_initial
from kida.learning.episodes import collect_generation
from kida.learning.events import GenerationMade
from kida.learning.plan import Plan
from kida.learning.run import Run
from kida.network.policy import Policy, holds_policy


def searches(options: SearchConfig) -> dict[int, "Search"]:
    """Return the makers of the generations that ``options`` name."""
    return {number: Search(options) for number in options.generations}


@dataclass(frozen=True)
class Search:
    """Makes generations by search on reward; see :class:`kida.learning.makers.Maker`.

    A search from scratch in a run without an initial network first collects the generation's
    episodes: its prenorm statistics are fitted on their samples.
    """

    options: SearchConfig

    @property
    def held_out(self) -> int:
        """The instances of the comparison."""
        return self.options.comparison

    def identity(self) -> dict[str, Any]:
        """Return the options."""
        return {"search": plain(self.options)}

    def check(self, config: RunConfig, number: int) -> None:
        """Refuse what a run with this search cannot do."""
        checked(self.options)
        check_library()
        if self.options.start in ("previous", "initial"):
            return
        card = Policy.load(self.options.start).card
        ours = (config.training.architecture, config.collection.candidates)
        imitated = len(self.options.generations) < config.generations
        if imitated and (card.architecture, card.candidates) != ours:
            raise UserError(
                f"search.start is a policy of embedding size {card.shape.embedding_size} "
                f"for the {card.candidates} candidates, unlike the run's other generations: set "
                "training.embedding_size, training.candidate_features and collection.candidates "
                "to what its card says"
            )

    def make(self, run: Run, plan: Plan, number: int, workers: Workers, threads: int) -> None:
        """Make generation ``number``, or go on with it, and write its policy."""
        name, initial = self.options.start, run.folder / "initial"
        if name == "previous" and number > 1:
            start = Policy.load(run.successor(number - 1))
        elif name not in ("previous", "initial"):
            start = Policy.load(name)
        else:
            if not holds_policy(initial):
                collect_generation(run, plan, number, workers)
                write_initial(run, plan, number, threads)
            start = Policy.load(initial)
        if self.options.expert_depth is not None:
            card = replaced(start.card, expert_depth=self.options.expert_depth)
            start = Policy(start.weights, card)
        weights = Climb(run, plan, number, self.options, start, workers).climb()
        recipe = {"config": plain(run.config), **self.identity(), "generation": number}
        card = replaced(
            start.card,
            recipe=recipe,
            seeds=(run.config.seed,),
            scip_version=scip_version(),
            results=(),
        )
        hand_on(run, number, Policy(weights, card))
        run.log(GenerationMade(generation=number))
