"""Memory over many solves: with a policy, with a Python function, episodes, and solves that fail.

  python benchmarks/campaign_memory.py [--solves 1000]
  python benchmarks/campaign_memory.py --solves 10000 --only whole_episode unfinished_episode

Each kind of solve runs in a process of its own. After a tenth of the solves, which fill whatever
is kept for reuse, the memory that the process holds must not grow by more than a little; a model of
this size that is kept costs about half a mebibyte. Prints a line per kind and ends with 1 if one
grows. A function that mentions its model makes a cycle, which the garbage collector has to find.
No kind may leave a thread behind.
"""

import argparse
import contextlib
import gc
import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from numpy.typing import NDArray
from pyscipopt import Model, quicksum

import kida
from kida.env import DEFAULT, Branching, Configuring, Lazy, NodeSelection
from kida.env.information import Progress
from kida.env.rewards import Nodes
from kida.errors import UserError
from kida.instances.registry import instances
from kida.observation import Observation
from kida.settings import Limits
from kida.solver.solve import optimize, solve

#: Mebibytes that may be added. SCIP's statistics as JSON, which ``solve`` reads once, leave some 4
#: KiB each time (SCIP 10.0); the rest is fragmentation.
ALLOWED = 8.0


def small_model() -> Model:
    """Return a problem that is solved in some milliseconds, by branching."""
    model = Model()
    model.hideOutput()
    x = [model.addVar(f"x{i}", "I", ub=9) for i in range(12)]
    for k in range(4):
        weights = ((7 * i * k + 3 * i + k) % 11 * v for i, v in enumerate(x))
        model.addCons(quicksum(weights) <= 31.5 + k)
    model.setObjective(quicksum((5 * i) % 7 * v for i, v in enumerate(x)), "maximize")
    model.setPresolve(3)
    model.setSeparating(3)
    return model


def write_hard_problem(path: Path) -> None:
    """Write a problem that no presolving solves: sums that no choice of terms gives exactly."""
    source = random.Random(5)
    model = Model()
    x = [model.addVar(f"x{i}", "B") for i in range(30)]
    errors = []
    for _ in range(4):
        terms = [source.randint(0, 99) for _ in x]
        errors += [model.addVar(), model.addVar()]
        total = quicksum(a * v for a, v in zip(terms, x, strict=True))
        model.addCons(total + errors[-1] - errors[-2] == sum(terms) // 2)
    model.setObjective(quicksum(errors))
    model.writeProblem(str(path), verbose=False)


def fail(observation: Observation, candidates: NDArray[Any]) -> int:
    """Fail, as a user's function may."""
    raise ZeroDivisionError


def with_policy() -> None:
    """Attach a network, solve, and drop the model."""
    model = small_model()
    kida.attach(model, "set_cover")
    model.optimize()


def with_function() -> None:
    """Attach a function that mentions its model, solve, and drop the model."""
    model = small_model()
    kida.attach_callable(model, lambda observation, candidates: 0 * int(model.getNNodes()))
    model.optimize()


def failing_function() -> None:
    """Attach a function that fails; drop the model after that."""
    model = small_model()
    brancher = kida.attach_callable(model, fail)
    try:
        optimize(model, brancher)
    except ZeroDivisionError:
        return
    raise AssertionError("the function has not failed")


def failing_solve() -> None:
    """Solve a file, with a function that fails, a policy that is none, and a limit at once."""
    instance = instances(os.environ["KIDA_CAMPAIGN_FILE"])[0]

    def attach(model: Model) -> Any:
        return kida.attach_callable(model, fail)

    try:
        solve(instance, attach)
    except ZeroDivisionError:
        pass
    else:
        raise AssertionError("the function has not failed")
    with contextlib.suppress(UserError):
        solve(instance, "no_such_policy")
    solve(instance, "set_cover", limits=Limits(memory=1))


def whole_solve() -> None:
    """Solve a file with a network, as ``kida solve`` does."""
    instance = instances(os.environ["KIDA_CAMPAIGN_FILE"])[0]
    solve(instance, "set_cover", limits=Limits(nodes=5))


class NodeBipartite:
    """The node's graph, and whatever else it is made to keep."""

    def before_reset(self, model: Model) -> None:
        """Nothing is remembered."""

    def extract(self, model: Model, done: bool) -> Observation | None:
        """Observe the node."""
        return None if done else kida.observe(model)


def whole_episode() -> None:
    """Play an episode to its end."""
    with Branching(NodeBipartite(), -Nodes(), Progress()) as env:
        env.reset(small_model(), seed=0)
        while not env.done:
            env.step(0)


def unfinished_episode() -> None:
    """Drop an environment in the midst of an episode, in a cycle with its own function."""
    seen = NodeBipartite()
    env = Branching((seen, Lazy(seen)), information=Progress())
    seen.mine = env  # type: ignore[attr-defined]
    env.reset(small_model(), seed=0)
    if env.done:
        raise AssertionError("the small problem is solved without a decision")
    env.step(DEFAULT)


def other_episodes() -> None:
    """Reset before the end, by node and by configuration."""
    by_node, configured = NodeSelection(), Configuring()
    for env in (by_node, configured, by_node):
        env.reset(small_model(), seed=0)
    if not by_node.done:
        by_node.step(0)
    configured.step({"branching/random/priority": 100_000})


KINDS: dict[str, Callable[[], None]] = {
    kind.__name__: kind
    for kind in (
        with_policy,
        with_function,
        failing_function,
        failing_solve,
        whole_solve,
        whole_episode,
        unfinished_episode,
        other_episodes,
    )
}


def resident() -> float:
    """Return the mebibytes that this process holds."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def growth(kind: str, solves: int) -> tuple[float, float]:
    """Return the mebibytes held after a tenth of the solves, and after all of them."""
    before, threads = 0.0, len(os.listdir("/proc/self/task"))
    for number in range(solves):
        KINDS[kind]()
        if number + 1 == max(1, solves // 10):
            gc.collect()
            before = resident()
    gc.collect()
    if len(os.listdir("/proc/self/task")) != threads:
        raise AssertionError(f"{kind} leaves threads behind")
    return before, resident()


def campaign(solves: int, kinds: Iterable[str] = KINDS) -> dict[str, tuple[float, float]]:
    """Return what :func:`growth` does, of each kind in a process of its own."""
    found = {}
    with TemporaryDirectory() as folder:
        file = Path(folder) / "hard.mps"
        write_hard_problem(file)
        for kind in kinds:
            command = [sys.executable, __file__, "--solves", str(solves), "--kind", kind]
            environment = {**os.environ, "KIDA_CAMPAIGN_FILE": str(file)}
            done = subprocess.run(
                command, env=environment, stdout=subprocess.PIPE, text=True, check=True
            )
            before, after = map(float, done.stdout.split())
            found[kind] = before, after
    return found


def main() -> int:
    """Run the campaign and print it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--solves", type=int, default=1000)
    parser.add_argument("--only", choices=KINDS, nargs="+", default=[*KINDS], metavar="KIND")
    parser.add_argument("--kind", choices=KINDS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.kind:
        print(*growth(options.kind, options.solves))
        return 0
    grown = False
    for kind, (before, after) in campaign(options.solves, options.only).items():
        grown |= after - before > ALLOWED
        print(f"{kind:18} {options.solves} solves: {before:6.1f} -> {after:6.1f} MiB")
    return int(grown)


if __name__ == "__main__":
    sys.exit(main())
