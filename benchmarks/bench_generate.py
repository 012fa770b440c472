"""Time making one instance of every family: drawing, writing, building the SCIP model.

    python benchmarks/bench_generate.py [--repeat 5]

The baseline in the same run is what a user would write first: one Python expression per nonzero
(``quicksum`` over ``coefficient * variable``), on the same data. For load balancing the decision
of the instance's seed is timed too. Figures are medians, in milliseconds of CPU time, all of it
on one core.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from kida.instances.load_balancing import seed
from kida.instances.load_balancing_seeds import draw, is_feasible
from kida.instances.program import Program
from kida.instances.registry import family_names, generated_family, instances
from kida.solver.problem import build_model


def expressions(program: Program) -> Any:
    """Build the model the slow way."""
    from pyscipopt import Model, quicksum

    model = Model(program.name)
    model.hideOutput()
    x = [
        model.addVar(name, "B" if j < program.binaries else "C", lb=low, ub=high, obj=cost)
        for j, (name, low, high, cost) in enumerate(
            zip(program.columns, program.lower, program.upper, program.objective, strict=True)
        )
    ]
    for i, name in enumerate(program.rows):
        entries = range(program.starts[i], program.starts[i + 1])
        row = quicksum(program.values[k] * x[program.indices[k]] for k in entries)
        if program.left[i] == program.right[i]:
            model.addCons(row == program.right[i], name)
        elif program.left[i] > -1e20:
            model.addCons(row >= program.left[i], name)
        else:
            model.addCons(row <= program.right[i], name)
    return model


def timed(action: Callable[[Any], object], arguments: Sequence[Any]) -> float:
    """Return the median time of one call per argument, in milliseconds."""
    seconds = []
    for argument in arguments:
        start = time.process_time()
        action(argument)
        seconds.append(time.process_time() - start)
    return 1000.0 * statistics.median(seconds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--repeat", type=int, default=5)
    repeat = parser.parse_args().repeat
    print(f"{'instance':35}{'nonzeros':>10}{'draw':>8}{'file':>8}{'model':>8}{'expressions':>13}")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.mps.gz"
        for name in family_names():
            family = generated_family(name)
            for size in family.sizes:
                chosen = instances(name, "valid", 0, repeat, size)
                programs = [family.program(instance) for instance in chosen]
                # One fresh index each: nothing that was drawn before is drawn again.
                fresh = instances(name, "valid", repeat, repeat, size)
                row = (
                    timed(family.program, fresh),
                    timed(lambda program: program.write(path), programs),
                    timed(build_model, programs),
                    timed(expressions, programs[:1]),
                )
                nonzeros = len(programs[0].values)
                print(
                    f"{name + ' ' + size:35}{nonzeros:10}"
                    + "".join(f"{value:8.1f}" for value in row[:3])
                    + f"{row[3]:13.1f}",
                    flush=True,
                )
    first = seed("valid", 0)
    decision = timed(lambda k: is_feasible(draw(k)), range(first, first + 20 * repeat))
    print(f"deciding a load-balancing seed, median: {decision:.1f}")


if __name__ == "__main__":
    main()
