"""Show what SCIP's default leaves open: root bound, and the gap after some time of CPU.

    python benchmarks/bench_gap.py maritime_inventory_routing --size medium --count 3 --seconds 60

CPU time is counted, not wall-clock time, so that a busy machine does not make a family look hard.
"""

import argparse
from typing import Any

from kida.instances.family import Instance
from kida.instances.registry import instances
from kida.solver.problem import open_model


def solve(instance: Instance, seconds: float, nodes: int) -> Any:
    """Return the model after a default solve under a limit of nodes (-1: none)."""
    model = open_model(instance)
    model.setParam("timing/clocktype", 1)
    model.setParam("limits/time", seconds)
    model.setParam("limits/totalnodes", nodes)
    model.optimize()
    return model


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("family")
    parser.add_argument("--size")
    parser.add_argument("--split", default="valid")
    parser.add_argument("--start", type=int, default=0)
    parser.add_argument("--count", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=60.0)
    a = parser.parse_args()
    print("| instance | root bound (s) | dual bound | primal bound | gap left | nodes | s |")
    print("|---|---|---|---|---|---|---|")
    for instance in instances(a.family, a.split, a.start, a.count, a.size):
        root = solve(instance, a.seconds, 1)
        root_bound, root_seconds = root.getDualbound(), root.getSolvingTime()
        root.free()
        model = solve(instance, a.seconds, -1)
        dual, primal = model.getDualbound(), model.getPrimalbound()
        # Relative to the larger of both, as the sign of the two may differ.
        gap = abs(primal - dual) / max(abs(primal), abs(dual), 1e-9)
        print(
            f"| {instance.name} | {root_bound:.6g} ({root_seconds:.1f}) | {dual:.6g} "
            f"| {primal:.6g} | {gap:.1%} | {model.getNTotalNodes()} "
            f"| {model.getSolvingTime():.0f} |",
            flush=True,
        )
        model.free()


if __name__ == "__main__":
    main()
