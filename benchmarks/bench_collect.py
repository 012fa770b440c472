"""Where the time of collecting episodes goes, and what a second worker adds.

Plays episodes on item-placement training instances, one for each thinning of the configuration,
and splits their time after the root node (from the first branching decision, as the competition
counts it): SCIP's LP solves, strong branching's included; the rest of the expert; observing;
scoring; the rest of SCIP (separation, propagation, the tree). What comes before and after (building
the model, presolving and root; reading the samples out and writing them) is in seconds beside it.

All clocks of SCIP count this process's processor time, so that other work on the machine does not
distort the shares. The LPs of the root are measured by solving it once more, and taken off.

Then the same short episodes are played by one worker and by two, in turns, and the medians
compared: by the clock on the wall, which needs two idle cores, and by the processor time that an
episode costs, which on a machine at rest tells how far two workers slow each other down (on a busy
one the rest of the work slows the single worker, too)::

    python benchmarks/bench_collect.py
    python benchmarks/bench_collect.py --config scripts/train_item_placement.toml
    python benchmarks/bench_collect.py --config scripts/train_item_placement.toml \
        --policy models/item_placement      # as the generations after the first
"""

import argparse
import dataclasses
import os
import statistics
import tempfile
import time
from pathlib import Path

from kida.jobs.executor import open_executor
from pyscipopt import Model

from kida.instances.registry import instances
from kida.learning.collect import Episode, play
from kida.learning.config import read_config
from kida.learning.samples import write_shard
from kida.network.policy import Policy
from kida.rule import Acting
from kida.settings import Limits, Settings, named_settings
from kida.solver.branching import Brancher
from kida.solver.solve import SolveResult, solve

FAMILY = "item_placement"


def by_processor_time(name: str) -> Settings:
    settings = named_settings(name)
    return dataclasses.replace(settings, parameters={**settings.parameters, "timing/clocktype": 1})


def lp_seconds(result: SolveResult) -> float:
    return result.lp_time + result.strong_branching_time


def profile(episode: Episode) -> tuple[float, float]:
    """Play an episode as ``kida.learning.collect.play`` does, and print its line of the table.

    Returns its seconds after the root node, and how many of them were in LPs.
    """
    policy = None if episode.policy is None else Policy.load(episode.policy)
    settings = by_processor_time(episode.options.settings)
    root = solve(
        episode.instance, "mostinf", settings=settings, limits=Limits(nodes=1), seed=episode.seed
    )
    attached: list[Brancher] = []

    def attach(model: Model) -> Brancher:
        attached.append(episode.attach(model, policy))
        return attached[0]

    begin = time.process_time()
    result = solve(
        episode.instance, attach, settings=settings, limits=episode.limits, seed=episode.seed
    )
    solved = time.process_time()
    samples = attached[0].samples()
    write_shard(episode.path, samples, {})
    end = time.process_time()

    trajectory, rule = result.trajectory, attached[0].statistics
    cpu = float(trajectory.cpu[-1]) - trajectory.root_end("cpu")
    wall = float(trajectory.wall[-1]) - trajectory.root_end("wall")
    lp = (lp_seconds(result) - lp_seconds(root)) / cpu
    # The rule's own stopwatches are on the wall; other work stretches all its parts alike.
    expert = rule.seconds_expert / wall - result.strong_branching_time / cpu
    observing, scoring = rule.seconds_observing / wall, rule.seconds_scoring / wall
    rest = 1 - lp - expert - observing - scoring
    print(
        f"{episode.acting:8} {episode.thinning:8g} {len(samples):7} {result.nodes:6} "
        f"{cpu:7.2f} {lp:7.1%} {expert:7.1%} {observing:7.1%} {scoring:7.1%} {rest:7.1%} "
        f"{solved - begin - cpu:8.2f} {end - solved:8.3f} {len(samples) / (end - begin):10.2f}",
        flush=True,
    )
    return cpu, lp * cpu


HEADER = (
    "acting   thinning samples  nodes after root, s   LP  expert observe   score    rest "
    "before, s after, s samples/s"
)


def play_timed(episode: Episode) -> float:
    """Play an episode in a worker; return the processor time that it took."""
    begin = time.process_time()
    play(episode)
    return time.process_time() - begin


def throughput(episodes: list[Episode], jobs: int) -> tuple[float, float]:
    """Return seconds on the wall for all, and the mean processor time of an episode."""
    with tempfile.TemporaryDirectory() as folder, open_executor(jobs) as executor:
        # Every worker is up and has imported everything before the clock starts.
        warm = [dataclasses.replace(e, path=Path(folder) / f"w{k}") for k, e in enumerate(episodes)]
        list(executor.map(play_timed, warm[: 2 * jobs]))
        fresh = [
            dataclasses.replace(e, path=Path(folder) / f"{k}.safetensors")
            for k, e in enumerate(episodes)
        ]
        begin = time.perf_counter()
        spent = list(executor.map(play_timed, fresh))
        return time.perf_counter() - begin, statistics.mean(spent)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--config", type=Path, metavar="FILE.toml", help="as for kida train")
    parser.add_argument(
        "--policy", metavar="FOLDER", help="who acts, if not the first generation's"
    )
    parser.add_argument("--instances", type=int, default=1, help="per thinning")
    parser.add_argument("--episodes", type=int, default=8, help="for the comparison of workers")
    parser.add_argument(
        "--repeats", type=int, default=3, help="of that comparison; 0 leaves it out"
    )
    arguments = parser.parse_args()
    options = read_config(FAMILY, arguments.config).collection
    acting: Acting = "network" if arguments.policy else options.first_acting[0]
    folder = tempfile.TemporaryDirectory()

    def episode(index: int, thinning: float) -> Episode:
        (instance,) = instances(FAMILY, "train", index, 1)
        path = Path(folder.name) / f"{index}_{thinning:g}.safetensors"
        return Episode(instance, 0, acting, arguments.policy, options, thinning, path)

    with folder:
        print(HEADER)
        parts = [
            profile(episode(index, thinning))
            for thinning in options.thinning
            for index in range(arguments.instances)
        ]
        whole, lp = map(sum, zip(*parts, strict=True))
        print(f"all: {lp / whole:.1%} in LPs")
        if not arguments.repeats:
            return
        short = [episode(index, options.thinning[0]) for index in range(arguments.episodes)]
        found: dict[int, list[tuple[float, float]]] = {1: [], 2: []}
        for turn in range(arguments.repeats):
            for jobs in (1, 2) if turn % 2 == 0 else (2, 1):
                found[jobs].append(throughput(short, jobs))
        wall = {jobs: statistics.median(w for w, _ in runs) for jobs, runs in found.items()}
        cpu = {jobs: statistics.median(c for _, c in runs) for jobs, runs in found.items()}
        print(
            f"\n{len(short)} episodes: one worker {wall[1]:.1f} s, two workers {wall[2]:.1f} s: "
            f"{wall[1] / wall[2]:.2f} times (load {os.getloadavg()[0]:.1f} on "
            f"{os.cpu_count()} cores)"
        )
        print(
            f"processor time per episode: {cpu[1]:.2f} s and {cpu[2]:.2f} s: two workers on idle "
            f"cores are worth {2 * cpu[1] / cpu[2]:.2f}"
        )


if __name__ == "__main__":
    main()
