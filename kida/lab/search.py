"""Search on reward: a network's parameters tuned directly on the solver, by CMA-ES.

Imitation is bounded by its expert; the cumulated reward is not. Each iteration draws candidates
around the mean of a Gaussian, in antithetic pairs, measures all of them on the same new training
instances and seeds, and moves the Gaussian towards the better ones (the library ``cma``; separable
when the parameters are many). The result is a generation like any other. Which parameters are
searched is a function here that returns a :class:`Space`; the options are ``config.SearchConfig``.

On disk, in the generation's folder::

    search/start/                where the search started
    search/iteration_0001.json   one iteration: draws, rewards, failures
    search/work/                 candidates and solves of the running iteration
    search/comparison/           the result and the start on held-out instances

A search goes on after a kill by telling the algorithm again what is in these files: its random
numbers follow from the run's seed.
"""

import importlib.util
import json
import math
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from kida.boundary import write_json
from kida.errors import UserError
from kida.jobs.executor import Workers
from kida.learning.config import SearchConfig
from kida.learning.plan import Draw, Plan
from kida.learning.run import Run
from kida.learning.selection import measure, reward_file
from kida.network.architecture import Weights
from kida.network.policy import Policy

Vector = NDArray[np.float64]

# Up to so many dimensions the full covariance is learned: beyond, more than a search can afford.
_FULL_COVARIANCE = 100
# Differences below this share of the root's bound are rounding.
_ROUNDING = 1e-6


@dataclass(frozen=True, eq=False)
class Space:
    """What is searched.

    Attributes
    ----------
    dimension
        Number of coordinates; 0 in all of them is the starting network.
    weights
        Returns the network at a point, shape ``(dimension,)``. Coordinates are without unit: 0.1
        changes every searched weight by about a tenth of its layer's root mean square.
    """

    dimension: int
    weights: Callable[[Vector], Weights]


def space(start: Weights, config: SearchConfig, seed: int) -> Space:
    """Return the space of ``config.parameters`` around ``start``; ``seed`` is the subspace's."""
    parameters = [name for name in start if name.endswith((".weight", ".bias"))]
    if config.parameters == "neurons":
        return _neurons(start)
    if config.parameters == "readout":
        return _shifts(start, [name for name in parameters if name.startswith("output_module.")])
    whole = _shifts(start, parameters)
    if config.parameters == "all":
        return whole
    # Nearly orthogonal, and of unit variance in every parameter when the coordinates have it.
    directions = np.random.default_rng(seed).standard_normal(
        (whole.dimension, config.dimension), np.float32
    )
    directions /= math.sqrt(config.dimension)
    return Space(
        config.dimension,
        lambda point: whole.weights((directions @ point.astype(np.float32)).astype(np.float64)),
    )


def _shifts(start: Weights, names: Sequence[str]) -> Space:
    """Return the space of every entry of some arrays, in units of their layer's RMS."""
    layers: dict[str, list[str]] = {}
    for name in names:
        layers.setdefault(name.rpartition(".")[0], []).append(name)
    units: dict[str, float] = {}
    for members in layers.values():
        # A layer's biases, often 0 at first, share its unit.
        entries = np.concatenate([start[name].ravel() for name in members]).astype(np.float64)
        units |= dict.fromkeys(members, float(np.sqrt(np.mean(entries**2))) or 1.0)
    ends = np.cumsum([start[name].size for name in names])

    def weights(point: Vector) -> Weights:
        found = dict(start)
        for name, part in zip(names, np.split(point, ends[:-1]), strict=True):
            shift = units[name] * part.reshape(start[name].shape)
            found[name] = (start[name] + shift).astype(np.float32)
        return found

    return Space(int(ends[-1]), weights)


def _neurons(start: Weights) -> Space:
    """Return the space of the logarithms of a factor for each neuron: its weights' and bias's.

    Of the last layer only the score itself is a neuron, whose factor would change no choice.
    """
    names = [name for name, array in start.items() if name.endswith(".weight") and len(array) > 1]
    ends = np.cumsum([len(start[name]) for name in names])

    def weights(point: Vector) -> Weights:
        found = dict(start)
        for name, part in zip(names, np.split(np.exp(point), ends[:-1]), strict=True):
            found[name] = (start[name] * part[:, None]).astype(np.float32)
            bias = name.removesuffix("weight") + "bias"
            if bias in start:
                found[bias] = (start[bias] * part).astype(np.float32)
        return found

    return Space(int(ends[-1]), weights)


class Evolution:
    """CMA-ES with antithetic pairs; what it proposes follows from its seed and what it was told.

    Of each pair only the better candidate is selected: two that cancel each other would shrink the
    step size without reason (Auger, Brockhoff and Hansen 2011, "Mirrored sampling in evolution
    strategies with weighted recombination").

    Parameters
    ----------
    dimension
        Of the points, at least 2.
    config
        Population, first standard deviation and learning rate.
    seed
        Of all random numbers.
    """

    def __init__(self, dimension: int, config: SearchConfig, seed: int) -> None:
        import cma

        generator = np.random.default_rng(seed)

        def mirrored(number: int, size: int) -> Vector:
            half = generator.standard_normal((number // 2, size))
            return np.concatenate([half, -half])

        self._strategy = cma.CMAEvolutionStrategy(
            np.zeros(dimension),
            config.sigma,
            {
                "randn": mirrored,
                "seed": math.nan,  # the library leaves numpy's global generator alone then
                "popsize": config.population,
                "CMA_mu": config.population // 2,
                "CMA_active": False,
                "CMA_mirrors": 0,
                "CMA_cmean": config.learning_rate,
                "CMA_diagonal": dimension > _FULL_COVARIANCE,
                # Its default for diagonal covariances needs samples that are not mirrored.
                "AdaptSigma": cma.sigma_adaptation.CMAAdaptSigmaCSA,
                "signals_filename": "",
                "verbose": -9,
                "verb_log": 0,
            },
        )

    @property
    def mean(self) -> Vector:
        """The centre of the distribution."""
        return np.array(self._strategy.mean, np.float64)

    @property
    def sigma(self) -> float:
        """The step size."""
        return float(self._strategy.sigma)

    def ask(self) -> list[Vector]:
        """Return a population; the second half mirrors the first."""
        return [np.array(point) for point in self._strategy.ask()]

    def tell(self, points: Sequence[Vector], fitness: Vector) -> None:
        """Move towards the better points of the last population.

        Parameters
        ----------
        points
            What :meth:`ask` returned.
        fitness
            Shape ``(population,)``, higher is better. If all are equal, nothing moves.
        """
        if not np.ptp(fitness):
            return
        first, second = np.split(fitness, 2)
        loses = np.concatenate([first < second, second <= first])
        order = np.lexsort((-fitness, loses))
        costs = np.empty(len(points))
        costs[order] = np.arange(len(points))
        self._strategy.tell(list(points), costs.tolist())


def fitness_of(rewards: Vector, roots: Vector, kind: Literal["gain", "rank"]) -> Vector:
    """Return what each candidate is worth, shape ``(candidates,)``; higher is better.

    Parameters
    ----------
    rewards
        Shape ``(candidates, draws)``: the mean bound over the time limit. NaN, a failure, counts
        as the worst on its draw; draws on which all failed are left out.
    roots
        Same shape: the bound at the end of the root node; NaN where there is none.
    kind
        See :class:`kida.learning.config.SearchConfig`.

    Raises
    ------
    ValueError
        If everything failed.
    """
    worth = []
    for reward, root in zip(rewards.T, roots.T, strict=True):
        succeeded = np.isfinite(reward)
        if not succeeded.any():
            continue
        reward = np.where(succeeded, reward, reward[succeeded].min())
        known = root[np.isfinite(root)]
        base = float(np.median(known)) if len(known) else float(reward.min())
        # Rounded, or on instances whose bound does not move the last digits would decide.
        unit = _ROUNDING * max(abs(base), 1.0)
        gains = np.round((reward - base) / unit) * unit
        if kind == "rank":
            worth.append(rankdata(gains) / len(gains))
        else:
            worth.append(gains / max(float(np.abs(gains).mean()), unit))
    if not worth:
        raise ValueError("every solve failed")
    mean: Vector = np.mean(worth, axis=0)
    return mean


def seconds_of(config: SearchConfig, iteration: int) -> float:
    """Return the time limit in iteration ``iteration``, counted from 0."""
    share = iteration / max(config.iterations - 1, 1)
    growth = config.last_seconds / config.first_seconds
    return float(config.first_seconds * growth**share)


def check_library() -> None:
    """Refuse, with the remedy, if the library ``cma`` is not there."""
    if importlib.util.find_spec("cma") is None:
        raise UserError("search on reward needs cma, which is missing: pip install 'kida[train]'")


def search_generation(
    run: Run,
    plan: Plan,
    number: int,
    start: Policy,
    *,
    jobs: int = 1,
    scheduler: str | None = None,
) -> Weights:
    """Search from ``start``, or go on with a search; return the generation's weights.

    They are the distribution's last mean or, if that is not better on the held-out instances of
    the comparison, those of the start.

    Parameters
    ----------
    run, plan, number
        Of which the generation with this number is made.
    start
        Where the search starts; its card says how strong branching and the network share the
        tree. When a search goes on, its folder's copy counts.
    jobs, scheduler
        See :func:`kida.jobs.executor.open_executor`.

    Raises
    ------
    UserError
        If all solves of an iteration fail, nothing can be written, or the recorded iterations are
        not those of this search.
    """
    folder = run.generation(number) / "search"
    options = run.config.search
    if (folder / "start" / "card.json").exists():
        start = Policy.load(folder / "start")
    else:
        start.save(folder / "start")
    seeds = np.random.SeedSequence([run.config.seed, number, 0x5EA]).generate_state(2)
    searched = space(start.weights, options, int(seeds[0]))
    evolution = Evolution(searched.dimension, options, int(seeds[1]))
    done = 0
    while done < options.iterations and _record_file(folder, done).exists():
        _replay(evolution, _record_file(folder, done))
        done += 1
    run.log(
        "searching",
        generation=number,
        parameters=options.parameters,
        dimension=searched.dimension,
        population=options.population,
        iterations=options.iterations,
        done=done,
    )
    with Workers(jobs, scheduler) as workers:
        for iteration in range(done, options.iterations):
            _iterate(run, number, iteration, plan, start, searched, evolution, workers)
        shutil.rmtree(folder / "work", ignore_errors=True)
        result = Policy(searched.weights(evolution.mean), start.card)
        return _compare(run, number, plan, start, result, workers)


def _iterate(
    run: Run,
    number: int,
    iteration: int,
    plan: Plan,
    start: Policy,
    searched: Space,
    evolution: Evolution,
    workers: Workers,
) -> None:
    """Draw, measure, select, and record."""
    options = run.config.search
    folder = run.generation(number) / "search"
    points = evolution.ask()
    policies = [Policy(searched.weights(point), start.card) for point in points]
    draws = plan.search(number, iteration)
    seconds = seconds_of(options, iteration)
    started = time.perf_counter()
    solves = _measure(
        run,
        policies,
        draws,
        seconds,
        folder / "work" / f"{iteration + 1:04d}",
        workers,
        {"generation": number, "iteration": iteration + 1, "iterations": options.iterations},
    )
    try:
        fitness = fitness_of(solves.rewards, solves.roots, options.fitness)
    except ValueError as error:
        reason = solves.errors[0]["error"] if solves.errors else "no solve found a dual bound"
        raise UserError(
            f"every solve of iteration {iteration + 1} of generation {number} failed ({reason}): "
            "raise search.first_seconds, or see the log"
        ) from error
    record = {
        "iteration": iteration + 1,
        "seconds": seconds,
        "draws": [[draw.instance.name, draw.seed] for draw in draws],
        "lengths": [float(np.linalg.norm(point)) for point in points],
        "rewards": _plain(solves.rewards),
        "roots": _plain(solves.roots),
        "fitness": fitness.tolist(),
        "failures": solves.errors,
    }
    write_json(_record_file(folder, iteration), record)
    shutil.rmtree(folder / "work", ignore_errors=True)
    evolution.tell(points, fitness)
    run.log(
        "search_iteration",
        generation=number,
        iteration=iteration + 1,
        of=options.iterations,
        seconds=seconds,
        reward=_mean(solves.rewards),
        best_reward=_mean(solves.rewards[int(fitness.argmax())]),
        root_bound=_mean(solves.roots),
        spread=float(fitness.std()),
        failed=len(solves.errors),
        sigma=evolution.sigma,
        distance=float(np.sqrt(np.mean(evolution.mean**2))),
        wall_seconds=time.perf_counter() - started,
    )


def _replay(evolution: Evolution, file: Path) -> None:
    """Tell the algorithm what a recorded iteration found."""
    try:
        record = json.loads(file.read_text(encoding="utf-8"))
        lengths, fitness = (np.array(record[key], np.float64) for key in ("lengths", "fitness"))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{file} is damaged ({error}): remove it and all later iterations, and the search "
            "goes on from the one before"
        ) from error
    points = evolution.ask()
    # Another machine's linear algebra may round otherwise; another algorithm is far off.
    if not (
        lengths.shape == fitness.shape == (len(points),)
        and np.allclose(lengths, [np.linalg.norm(point) for point in points], rtol=1e-4)
    ):
        raise UserError(
            f"{file} does not belong to this search (its start or the library cma changed): "
            "go on with what began it, or remove the generation's search folder"
        )
    evolution.tell(points, fitness)


def _compare(
    run: Run, number: int, plan: Plan, start: Policy, result: Policy, workers: Workers
) -> Weights:
    """Measure result and start on held-out instances; return the weights of the better one."""
    options = run.config.search
    folder = run.generation(number) / "search"
    draws = plan.comparison(number)
    solves = _measure(
        run,
        [start, result],
        draws,
        options.last_seconds,
        folder / "comparison",
        workers,
        {"generation": number, "iteration": None, "iterations": options.iterations},
    )
    try:
        before, after = fitness_of(solves.rewards, solves.roots, options.fitness)
    except ValueError:
        run.log("warning", text="every solve of a search's comparison failed: its start is kept")
        before, after = 0.0, 0.0
    differences = solves.rewards[1] - solves.rewards[0]
    unit = _ROUNDING * np.maximum(np.abs(solves.rewards[0]), 1.0)
    kept = "result" if after > before else "start"
    run.log(
        "searched",
        generation=number,
        instances=len(draws),
        seconds=options.last_seconds,
        start_reward=_mean(solves.rewards[0]),
        result_reward=_mean(solves.rewards[1]),
        start_fitness=float(before),
        result_fitness=float(after),
        wins=int((differences > unit).sum()),
        losses=int((differences < -unit).sum()),
        kept=kept,
    )
    return (result if kept == "result" else start).weights


@dataclass(frozen=True, eq=False)
class _Solves:
    """Rewards and root bounds, shape ``(policies, draws)``, NaN where a solve failed; why."""

    rewards: Vector
    roots: Vector
    errors: list[dict[str, Any]]


def _measure(
    run: Run,
    policies: Sequence[Policy],
    draws: Sequence[Draw],
    seconds: float,
    folder: Path,
    workers: Workers,
    event: dict[str, Any],
) -> _Solves:
    """Solve every draw with every policy; what is in ``folder`` is not solved again."""
    homes = [folder / policy.identity()[:16] for policy in policies]
    for home, policy in zip(homes, policies, strict=True):
        if not (home / "card.json").exists():
            policy.save(home)
    # Policies take turns on every draw: what disturbs the machine disturbs them alike.
    files = [reward_file(home, draw) for draw in draws for home in homes]
    waiting = [
        (draws[position // len(homes)], homes[position % len(homes)], file)
        for position, file in enumerate(files)
        if not file.exists()
    ]
    settings = run.config.collection.settings
    ended = 0

    def finished(*_: Any) -> None:
        nonlocal ended
        ended += 1
        run.report({**event, "event": "trial", "done": ended, "of": len(waiting)})

    failed = workers.run(
        measure,
        [
            (draw.instance, draw.seed, str(home), settings, seconds, file)
            for draw, home, file in waiting
        ],
        finished,
    )
    errors = []
    for position, error in failed.items():
        draw, home, file = waiting[position]
        errors.append(
            {
                "candidate": homes.index(home),
                "instance": draw.instance.name,
                "seed": draw.seed,
                "error": repr(error),
            }
        )
        # Written down like a result, so that it is not tried for ever.
        write_json(file, {**errors[-1], "reward": None, "root_bound": None})
        run.log(
            "warning",
            text=f"a search's solve of {draw.instance.name}, seed {draw.seed}, failed twice "
            f"and counts as the worst: {error!r}",
        )
    shape = (len(draws), len(policies))
    records = [json.loads(file.read_text(encoding="utf-8")) for file in files]
    rewards, roots = (
        np.array([record[key] for record in records], np.float64).reshape(shape).T
        for key in ("reward", "root_bound")
    )
    return _Solves(rewards, roots, [record for record in records if "error" in record])


def _record_file(folder: Path, iteration: int) -> Path:
    return folder / f"iteration_{iteration + 1:04d}.json"


def _plain(values: Vector) -> list[list[float | None]]:
    """Return nested lists for JSON, NaN as null."""
    return [[value if math.isfinite(value) else None for value in row] for row in values.tolist()]


def _mean(values: Vector) -> float | None:
    """Return the mean of the finite values, or None if there are none: JSON has no NaN."""
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else None
