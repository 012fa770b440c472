"""Environments: what a step costs beside SCIP's work, and steps per second beside gyozas.

  pip install gyozas
  python benchmarks/bench_env.py [--nodes 100] [--repeats 5] [FILE ...]

`gyozas` (1.0) is the Ecole successor on the package index, in pure Python. Both play the same
episodes: the same files, parameters and seed, always the first candidate, with each its own
bipartite observation (19 features of a variable, 5 of a row) and without; both must take as many
steps and nodes. (Now and then gyozas misses some decisions, which SCIP then takes: such a pair is
played again, and counted.) The two alternate, repeat by repeat, so that both see the same
machine; what is printed is the median over the repeats, and the median of the ratios. Without
gyozas its columns are left out.

A step's overhead is its wall-clock time less SCIP's own between two decisions, and less observing.
It is mostly the two switches from thread to thread, and where other processes want the same cores,
waiting for them: what is printed is the tenth percentile and the median of the quietest repeat.

SCIP's own work is the same in both and limits what can be gained over gyozas: "at most" is gyozas'
CPU time of a step beside that of kida's solver thread alone.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pyscipopt import SCIP_PARAMSETTING, Model

import kida
from kida.env import Branching
from kida.settings import Settings
from kida.solver.problem import read_model

FILES = [
    Path(__file__).parents[1] / "instances" / f"{name}.mps.gz"
    for name in (
        "combinatorial_auction_easy_valid_0",
        "set_cover_easy_valid_0",
        "item_placement_9900",
    )
]
#: Cheap nodes, so that what is measured is seen: no cuts, no restarts.
PARAMETERS: dict[str, Any] = {
    "separating/maxrounds": 0,
    "separating/maxroundsroot": 0,
    "presolving/maxrestarts": 0,
    "estimation/restarts/restartpolicy": "n",
    "randomization/randomseedshift": 0,
    "randomization/lpseed": 0,
}


@dataclass
class Episode:
    """What one episode took, from the first decision to the last."""

    steps: int
    nodes: int
    wall: float
    cpu: float
    observing: list[float]
    overhead: list[float]
    solver: float = 0.0

    @property
    def rate(self) -> float:
        """Steps per second of wall-clock time."""
        return self.steps / self.wall


class Timed:
    """An observation, with the CPU seconds of every extraction, and the wall-clock ones in all."""

    def __init__(self, function: Any) -> None:
        self.function = function
        self.seconds: list[float] = []
        self.wall = 0.0

    def before_reset(self, model: Model) -> None:
        """Prepare kida's."""
        self.function.before_reset(model)

    def reset(self, model: Model) -> None:
        """Prepare gyozas' observation."""
        self.function.reset(model)

    def extract(self, model: Model, done: bool) -> Any:
        """Extract, and look at the clock."""
        begun, cpu = time.perf_counter(), time.thread_time()
        found = self.function.extract(model, done)
        self.seconds.append(time.thread_time() - cpu)
        self.wall += time.perf_counter() - begun
        return found


class Bipartite:
    """The node's graph as kida observes it."""

    def before_reset(self, model: Model) -> None:
        """Nothing is remembered."""

    reset = before_reset

    def extract(self, model: Model, done: bool) -> Any:
        """Observe the node."""
        return None if done else kida.observe(model)


class Nothing(Bipartite):
    """No observation."""

    def extract(self, model: Model, done: bool) -> Any:
        """Return nothing."""
        return None


def play_kida(file: Path, nodes: int, observes: bool) -> Episode:
    """Play an episode in kida's environment."""
    observation = Timed(Bipartite() if observes else Nothing())
    settings = Settings("bench", "", {**PARAMETERS, "limits/totalnodes": nodes}, heuristics=False)
    overhead: list[float] = []
    with Branching(observation, settings=settings) as env:
        env.reset(read_model(file), seed=0)
        observation.seconds.clear()
        begun, cpu, own = time.perf_counter(), time.process_time(), time.thread_time()
        while not env.done:
            before = env.solver_seconds + observation.wall
            step = time.perf_counter()
            env.step(0)
            spent = time.perf_counter() - step
            overhead.append(spent - (env.solver_seconds + observation.wall - before))
        wall, cpu = time.perf_counter() - begun, time.process_time() - cpu
        solver = cpu - (time.thread_time() - own)  # of the other thread, SCIP's
        found = int(env.model.getNTotalNodes())
    return Episode(len(overhead), found, wall, cpu, observation.seconds[:-1], overhead, solver)


def play_gyozas(file: Path, nodes: int, observes: bool) -> Episode:
    """Play the same episode in gyozas' environment."""
    import gyozas

    model = read_model(file)
    model.setHeuristics(SCIP_PARAMSETTING.OFF)
    observation = Timed(gyozas.NodeBipartite() if observes else Nothing())
    env = gyozas.Environment(
        iter([model]),
        observation_function=observation,
        scip_params={**PARAMETERS, "limits/totalnodes": nodes, "misc/catchctrlc": False},
    )
    _, actions, _, done, _ = env.reset()
    observation.seconds.clear()
    steps = 0
    begun, cpu = time.perf_counter(), time.process_time()
    while not done:
        _, actions, _, done, _ = env.step(actions[0])
        steps += 1
    wall, cpu = time.perf_counter() - begun, time.process_time() - cpu
    found = int(model.getNTotalNodes())
    env.close()
    return Episode(steps, found, wall, cpu, observation.seconds, [])


def has_gyozas() -> bool:
    """Return whether gyozas is installed."""
    try:
        import gyozas  # noqa: F401
    except ImportError:
        return False
    return True


def median(episodes: list[Episode], value: Callable[[Episode], float]) -> float:
    """Return the median over the episodes."""
    return statistics.median(value(episode) for episode in episodes)


def measure(file: Path, nodes: int, repeats: int, beside_gyozas: bool) -> None:
    """Measure one file and print its lines."""
    players = {"kida": play_kida} | ({"gyozas": play_gyozas} if beside_gyozas else {})
    print(f"{file.name}, {nodes} nodes at most")
    for observes in (True, False):
        found: dict[str, list[Episode]] = {name: [] for name in players}
        others = 0
        while len(found["kida"]) < repeats:
            played = {name: play(file, nodes, observes) for name, play in players.items()}
            sizes = {name: (episode.steps, episode.nodes) for name, episode in played.items()}
            if len({*sizes.values()}) > 1:
                others += 1
                if others > 5 * repeats:
                    raise SystemExit(f"the trees are not the same: {sizes}")
                continue
            for name, episode in played.items():
                found[name].append(episode)
        if len({(episode.steps, episode.nodes) for episode in found["kida"]}) > 1:
            raise SystemExit("the trees are not the same from repeat to repeat")
        first = found["kida"][0]
        title = "with its bipartite observation" if observes else "without observation"
        print(f"  {title}: {first.steps} steps, {first.nodes} nodes")
        if others:
            print(f"    left out: {others} pairs of episodes in which gyozas missed decisions")
        for name, episodes in found.items():
            line = f"    {name:7}{median(episodes, lambda e: e.rate):9.1f} steps/s"
            line += f"{1e3 * median(episodes, lambda e: e.cpu / e.steps):9.3f} ms CPU a step"
            if observes:
                observing = median(episodes, lambda e: statistics.median(e.observing))
                line += f"{1e3 * observing:9.3f} ms CPU an observation"
            if name == "kida":
                tenth, half = (min(quantile(e.overhead, q) for e in episodes) for q in (0.1, 0.5))
                line += f"{1e6 * tenth:8.0f} and{1e6 * half:8.0f} us overhead of a step"
            print(line)
        if beside_gyozas:
            print_ratios(found["kida"], found["gyozas"], observes)


def quantile(values: list[float], share: float) -> float:
    """Return the value that this share of the values is below."""
    return sorted(values)[int(share * len(values))]


def print_ratios(ours: list[Episode], theirs: list[Episode], observes: bool) -> None:
    """Print how many times as fast, by pairs of a repeat."""
    pairs = list(zip(ours, theirs, strict=True))
    rate = statistics.median(a.rate / b.rate for a, b in pairs)
    cpu = statistics.median((b.cpu / b.steps) / (a.cpu / a.steps) for a, b in pairs)
    line = f"    ratio  {rate:9.1f} x in steps/s{cpu:9.1f} x in CPU time"
    most = statistics.median((b.cpu / b.steps) / (a.solver / a.steps) for a, b in pairs)
    line += f"{most:9.1f} x in CPU time at most"
    if observes:
        observing = statistics.median(
            statistics.median(b.observing) / statistics.median(a.observing) for a, b in pairs
        )
        line += f"{observing:9.1f} x in observing"
    print(line, flush=True)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("files", type=Path, nargs="*", default=FILES, metavar="FILE")
    parser.add_argument("--nodes", type=int, default=100)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    beside_gyozas = has_gyozas()
    if not beside_gyozas:
        print("gyozas is not installed: kida alone")
    for file in options.files:
        measure(file, options.nodes, options.repeats, beside_gyozas)


if __name__ == "__main__":
    main()
