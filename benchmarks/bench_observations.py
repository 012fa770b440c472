"""What each observation of ``kida.env.observation`` costs, beside PySCIPOpt's own graph.

Plays episodes of files of the repository, always the first candidate, and has every observation
extracted at every node, in the same run; prints the median milliseconds of each, and, by node, the
median ratio of PySCIPOpt's ``getBipartiteGraphRepresentation`` to it::

    python benchmarks/bench_observations.py
    python benchmarks/bench_observations.py --nodes 50 FILE ...
"""

import argparse
import statistics
import time
from pathlib import Path
from typing import Any

import kida
from kida.env import Branching
from kida.env import observation as o

FILES = [
    Path(__file__).parents[1] / "instances" / f"{name}.mps.gz"
    for name in (
        "combinatorial_auction_easy_valid_0",
        "set_cover_easy_valid_0",
        "item_placement_9900",
    )
]
FUNCTIONS: dict[str, Any] = {
    "NodeBipartite": o.NodeBipartite(),
    "CandidateStatistics": o.CandidateStatistics(),
    "Khalil2016": o.Khalil2016(),
    "TreeGate": o.TreeGate(),
    "Pseudocosts": o.Pseudocosts(),
    "FocusNode": o.FocusNode(),
    "StaticGraph": o.StaticGraph(),
    "StrongBranchingScores": o.StrongBranchingScores(),
}


class Timed:
    """All observations, and PySCIPOpt's, with the seconds of each."""

    def __init__(self) -> None:
        self.seconds: dict[str, list[float]] = {name: [] for name in ("PySCIPOpt", *FUNCTIONS)}

    def before_reset(self, model: Any) -> None:
        """Prepare all of them."""
        for function in FUNCTIONS.values():
            function.before_reset(model)

    def extract(self, model: Any, done: bool) -> None:
        """Extract and time them; nothing is kept."""
        if done:
            return
        calls = {name: lambda f=f: f.extract(model, False) for name, f in FUNCTIONS.items()}
        for name, call in {
            "PySCIPOpt": model.getBipartiteGraphRepresentation,
            **calls,
        }.items():
            begin = time.perf_counter()
            call()
            self.seconds[name].append(time.perf_counter() - begin)


def play(path: Path, nodes: int) -> dict[str, list[float]]:
    timed = Timed()
    with Branching(timed, parameters={"presolving/maxrestarts": 0}) as env:
        env.reset(path, seed=0)
        for _ in range(nodes):
            if env.done:
                break
            env.step(0)
    return timed.seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("files", nargs="*", type=Path, default=FILES)
    parser.add_argument("--nodes", type=int, default=40)
    arguments = parser.parse_args()
    print(f"kida {kida.__version__}")
    for path in arguments.files:
        seconds = play(path, arguments.nodes)
        theirs = seconds["PySCIPOpt"]
        print(f"\n{path.name}: {len(theirs)} nodes")
        for name, own in seconds.items():
            ratio = statistics.median(a / b for a, b in zip(theirs, own, strict=True))
            print(f"  {name:22} {1e3 * statistics.median(own):9.3f} ms   ratio {ratio:7.2f}")


if __name__ == "__main__":
    main()
