"""Where the time of collecting episodes goes, and what a second worker adds.

Plays episodes on item-placement training instances, one for each thinning of the configuration,
and splits their time after the root node (from the first branching decision, as the competition
counts it): SCIP's LP solves, strong branching's included; the rest of the expert; observing;
scoring; the rest of SCIP (separation, propagation, the tree). What comes before and after (building
the model, presolving and root; reading the samples out and writing them) is in seconds beside it.

All clocks of SCIP count this process's processor time, so that other work on the machine does not
distort the shares. The LPs of the root are measured by solving it once more, and taken off.

Then the same short episodes are played by one worker and by two, in turns, each in a process of its
own whose start counts, as in training, and the medians compared: by the clock on the wall, which
needs two idle cores, and by the processor time that an episode costs, which on a machine at rest
tells how far two workers slow each other down (on a busy one the rest of the work slows the single
worker, too)::

    python benchmarks/bench_collect.py
    python benchmarks/bench_collect.py --config scripts/train_item_placement.toml
    python benchmarks/bench_collect.py --config scripts/train_item_placement.toml \
        --policy models/item_placement      # as the generations after the first
"""

import argparse
import dataclasses
import os
import resource
import statistics
import tempfile
import time
from pathlib import Path

from msgspec.structs import replace
from pyscipopt import Model

from kida.instances.registry import instances
from kida.jobs.job import Failure, Job
from kida.jobs.run import Workers
from kida.learning.collect import NODE_LIMIT, Episode
from kida.learning.config import read_config
from kida.learning.records import record_file
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
    """Play an episode by processor time, and print its line of the table.

    Returns its seconds after the root node, and how many of them were in LPs.
    """
    options = episode.options
    policy = None if episode.policy is None else Policy.load(episode.policy)
    settings = by_processor_time(options.settings)
    root = solve(
        episode.instance, "mostinf", settings=settings, limits=Limits(nodes=1), seed=episode.seed
    )
    attached: list[Brancher] = []

    def attach(model: Model) -> Brancher:
        attached.append(episode.attach(model, policy))
        return attached[0]

    begin = time.process_time()
    result = solve(
        episode.instance,
        attach,
        settings=settings,
        limits=Limits(time=options.time_limit, nodes=NODE_LIMIT),
        seed=episode.seed,
    )
    solved = time.process_time()
    samples = attached[0].samples()
    write_shard(Path(episode.shard), samples)
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


def throughput(episodes: list[Episode], jobs: int) -> tuple[float, float]:
    """Return seconds on the wall for all, and the mean processor time of an episode's process."""
    with tempfile.TemporaryDirectory() as folder:
        fresh = [
            replace(episode, record=f"{folder}/{k}.json", shard=f"{folder}/{k}.safetensors")
            for k, episode in enumerate(episodes)
        ]
        spent, begin = children_seconds(), time.perf_counter()
        Workers(jobs).run(fresh, ended)
        seconds = time.perf_counter() - begin
        return seconds, (children_seconds() - spent) / len(episodes)


def children_seconds() -> float:
    """Return the processor time of all processes that were started here and have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def ended(job: Job, failure: Failure | None) -> None:
    """Stop at the first episode that fails."""
    if failure is not None:
        raise RuntimeError(f"{job.label}: {failure.error}")


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
    policy = str(Path(arguments.policy).absolute()) if arguments.policy else None
    folder = tempfile.TemporaryDirectory()

    def episode(index: int, thinning: float) -> Episode:
        (instance,) = instances(FAMILY, "train", index, 1)
        shard = Path(folder.name) / f"{index}_{thinning:g}.safetensors"
        return Episode(
            record=str(record_file(shard)),
            instance=instance,
            seed=0,
            acting=acting,
            policy=policy,
            options=options,
            thinning=thinning,
            shard=str(shard),
            folder=str(Path.cwd()),
        )

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
