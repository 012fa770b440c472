"""One generation's search on reward: draw a population, measure it, move towards the better points.

On disk, in the generation's folder::

    search/start/                where the search started
    search/iteration_0001.json   one iteration: draws, rewards, failures
    search/work/                 points and solves of the running iteration
    search/comparison/           the result and the start on held-out instances

A search goes on after a kill by telling the algorithm again what is in these files: its random
numbers follow from the run's seed.
"""

import shutil
import time
from pathlib import Path
from typing import Any, Literal

import numpy as np
from msgspec import Struct

from kida.boundary import LARGE_FILE, Count, Positive, Seed, read_json, write_json
from kida.errors import UserError
from kida.jobs.run import Workers
from kida.lab.events import Searched, Searching, SearchIteration, SearchSolve
from kida.lab.evolution import ROUNDING, Evolution, fitness_of
from kida.lab.measuring import Solves, known_mean, measure_all, plain_rows
from kida.lab.search_config import SearchConfig
from kida.lab.space import space
from kida.learning.events import Warned
from kida.learning.plan import Draw, Plan
from kida.learning.run import Run
from kida.network.architecture import Weights
from kida.network.policy import Policy, holds_policy


def draws_of(plan: Plan, options: SearchConfig, generation: int, iteration: int) -> list[Draw]:
    """Return the training draws of one iteration, counted from 0: no other one has them."""
    earlier = sorted(options.generations).index(generation) * options.iterations + iteration
    return plan.spare("train", earlier * options.instances, options.instances)


def held_out_draws(plan: Plan, options: SearchConfig, generation: int) -> list[Draw]:
    """Return the draws on which a search's result is compared with its start."""
    earlier = sorted(options.generations).index(generation)
    return plan.spare("valid", earlier * options.comparison, options.comparison)


def seconds_of(options: SearchConfig, iteration: int) -> float:
    """Return the time limit in iteration ``iteration``, counted from 0."""
    share = iteration / max(options.iterations - 1, 1)
    growth = options.last_seconds / options.first_seconds
    return float(options.first_seconds * growth**share)


class Iteration(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one iteration found: the content of its file.

    Attributes
    ----------
    iteration
        Its number, counted from 1.
    seconds
        The time limit of its solves.
    draws
        Names of the instances, and the seeds.
    lengths
        Distance of each point of the population from the start.
    rewards, roots
        For each point and draw, the mean bound over the time limit and the bound at the end of the
        root node; None where a solve failed or found none.
    fitness
        Of each point; higher is better.
    failures
        The solves that failed.
    """

    iteration: Count
    seconds: Positive
    draws: tuple[tuple[str, Seed], ...]
    lengths: list[float]
    rewards: list[list[float | None]]
    roots: list[list[float | None]]
    fitness: list[float]
    failures: list[dict[str, Any]]


class Climb:
    """One generation's search.

    Parameters
    ----------
    run, plan, number
        Of which the generation with this number is made.
    options
        How.
    start
        Where the search starts; its card says how strong branching and the network share the
        tree. When a search goes on, its folder's copy counts.
    workers
        Do the solves.
    """

    def __init__(
        self,
        run: Run,
        plan: Plan,
        number: int,
        options: SearchConfig,
        start: Policy,
        workers: Workers,
    ) -> None:
        self._run = run
        self._plan = plan
        self._number = number
        self._options = options
        self._workers = workers
        self._folder = run.generation(number) / "search"
        if not holds_policy(self._folder / "start"):
            start.save(self._folder / "start")
        # Read also if it was just written: the order of its weights is part of the space.
        self._start = start = Policy.load(self._folder / "start")
        seeds = np.random.SeedSequence([run.config.seed, number, 0x5EA]).generate_state(2)
        self._space = space(start.weights, options.parameters, options.dimension, int(seeds[0]))
        self._evolution = Evolution(
            self._space.dimension,
            population=options.population,
            sigma=options.sigma,
            learning_rate=options.learning_rate,
            seed=int(seeds[1]),
        )

    def climb(self) -> Weights:
        """Search, or go on with a search; return the generation's weights.

        They are the distribution's last mean or, if that is not better on the held-out instances
        of the comparison, those of the start.

        Raises
        ------
        UserError
            If all solves of an iteration fail, nothing can be written, or the recorded iterations
            are not those of this search.
        """
        options, done = self._options, 0
        while done < options.iterations and self._record_file(done).exists():
            self._replay(self._record_file(done))
            done += 1
        self._run.log(
            Searching(
                generation=self._number,
                parameters=options.parameters,
                dimension=self._space.dimension,
                population=options.population,
                iterations=options.iterations,
                done=done,
            )
        )
        for iteration in range(done, options.iterations):
            self._iterate(iteration)
        shutil.rmtree(self._folder / "work", ignore_errors=True)
        return self._compare()

    def _iterate(self, iteration: int) -> None:
        """Draw, measure, select, and record."""
        options, started = self._options, time.perf_counter()
        points = self._evolution.ask()
        policies = [Policy(self._space.weights(point), self._start.card) for point in points]
        draws = draws_of(self._plan, options, self._number, iteration)
        seconds = seconds_of(options, iteration)
        work = self._folder / "work"
        solves = self._measure(policies, draws, seconds, work / f"{iteration + 1:04d}", iteration)
        try:
            fitness = fitness_of(solves.rewards, solves.roots, options.fitness)
        except ValueError as error:
            reason = solves.errors[0]["error"] if solves.errors else "no solve found a dual bound"
            raise UserError(
                f"every solve of iteration {iteration + 1} of generation {self._number} failed "
                f"({reason}): raise search.first_seconds, or see the log"
            ) from error
        record = Iteration(
            iteration=iteration + 1,
            seconds=seconds,
            draws=tuple((draw.instance.name, draw.seed) for draw in draws),
            lengths=[float(np.linalg.norm(point)) for point in points],
            rewards=plain_rows(solves.rewards),
            roots=plain_rows(solves.roots),
            fitness=fitness.tolist(),
            failures=solves.errors,
        )
        write_json(self._record_file(iteration), record)
        shutil.rmtree(work, ignore_errors=True)
        self._evolution.tell(points, fitness)
        self._run.log(
            SearchIteration(
                generation=self._number,
                iteration=iteration + 1,
                of=options.iterations,
                seconds=seconds,
                reward=known_mean(solves.rewards),
                best_reward=known_mean(solves.rewards[int(fitness.argmax())]),
                root_bound=known_mean(solves.roots),
                spread=float(fitness.std()),
                failed=len(solves.errors),
                sigma=self._evolution.sigma,
                distance=float(np.sqrt(np.mean(self._evolution.mean**2))),
                wall_seconds=time.perf_counter() - started,
            )
        )

    def _replay(self, file: Path) -> None:
        """Tell the algorithm what a recorded iteration found."""
        # Removed with all later ones, the search goes on from the one before.
        what = "an iteration of a search (remove it and all later ones)"
        record = read_json(file, Iteration, what, largest=LARGE_FILE)
        lengths, fitness = np.array(record.lengths), np.array(record.fitness)
        points = self._evolution.ask()
        # Another machine's linear algebra may round otherwise; another algorithm is far off.
        if not (
            lengths.shape == fitness.shape == (len(points),)
            and np.allclose(lengths, [np.linalg.norm(point) for point in points], rtol=1e-4)
        ):
            raise UserError(
                f"{file} does not belong to this search (its start or the library cma changed): "
                "go on with what began it, or remove the generation's search folder"
            )
        self._evolution.tell(points, fitness)

    def _compare(self) -> Weights:
        """Measure result and start on held-out instances; return the better one's weights."""
        options, start = self._options, self._start
        result = Policy(self._space.weights(self._evolution.mean), start.card)
        draws = held_out_draws(self._plan, options, self._number)
        folder = self._folder / "comparison"
        solves = self._measure([start, result], draws, options.last_seconds, folder)
        try:
            before, after = fitness_of(solves.rewards, solves.roots, options.fitness)
        except ValueError:
            text = "every solve of a search's comparison failed: its start is kept"
            self._run.log(Warned(text=text))
            before, after = 0.0, 0.0
        differences = solves.rewards[1] - solves.rewards[0]
        unit = ROUNDING * np.maximum(np.abs(solves.rewards[0]), 1.0)
        kept: Literal["result", "start"] = "result" if after > before else "start"
        self._run.log(
            Searched(
                generation=self._number,
                instances=len(draws),
                seconds=options.last_seconds,
                start_reward=known_mean(solves.rewards[0]),
                result_reward=known_mean(solves.rewards[1]),
                start_fitness=float(before),
                result_fitness=float(after),
                wins=int((differences > unit).sum()),
                losses=int((differences < -unit).sum()),
                kept=kept,
            )
        )
        return (result if kept == "result" else start).weights

    def _measure(
        self,
        policies: list[Policy],
        draws: list[Draw],
        seconds: float,
        folder: Path,
        iteration: int | None = None,
    ) -> Solves:
        """Measure policies, and tell how far that is and what failed."""
        run, step = self._run, None if iteration is None else iteration + 1

        def done(count: int, of: int) -> None:
            run.report(SearchSolve(generation=self._number, iteration=step, done=count, of=of))

        settings = run.config.collection.settings
        solves = measure_all(policies, draws, settings, seconds, folder, self._workers, done)
        for failure in solves.errors:
            text = (
                f"a search's solve of {failure['instance']}, seed {failure['seed']}, failed "
                f"and counts as the worst: {failure['error']}"
            )
            run.log(Warned(text=text))
        return solves

    def _record_file(self, iteration: int) -> Path:
        return self._folder / f"iteration_{iteration + 1:04d}.json"
