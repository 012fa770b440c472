"""The solver's thread: that it stops, goes on and ends, whatever becomes of its caller."""

import gc
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from pyscipopt import (
    SCIP_EVENTTYPE,
    SCIP_PARAMSETTING,
    SCIP_RESULT,
    Branchrule,
    Eventhdlr,
    Model,
)

from kida.errors import UserError
from kida.solver.branching import attach_callable, branching_candidates
from kida.solver.problem import read_model
from kida.solver.settings import apply_seeds
from kida.solver.stepping import LEAVE_TO_SCIP, SteppedSolve

INSTANCES = Path(__file__).parents[2] / "instances"


def threads() -> int:
    """Return how many threads this process has, those that Python does not know included."""
    if not Path("/proc/self/task").is_dir():
        pytest.skip("the system does not tell a process's threads")
    return len(os.listdir("/proc/self/task"))


def branchy(path: Path) -> Model:
    """Return the knapsack without what would solve it in a few nodes."""
    model = read_model(path)
    model.setSeparating(SCIP_PARAMSETTING.OFF)
    model.setHeuristics(SCIP_PARAMSETTING.OFF)
    return model


@pytest.fixture
def model(knapsack) -> Model:
    return branchy(knapsack)


def play(solve: SteppedSolve, choice: int) -> int:
    """Decide alike to the end; return how often."""
    decisions = 0
    options = solve.start()
    while options is not None:
        decisions += 1
        options = solve.resume(choice)
    return decisions


def test_the_options_are_the_candidates(model):
    solve = SteppedSolve(model, "branching")
    assert not solve.at_decision
    options = solve.start()
    for _ in range(5):
        assert solve.at_decision
        assert options is not None
        assert options.tolist() == branching_candidates(model).tolist()
        fractional = [model.getVars(transformed=True)[j] for j in options]
        assert all(not model.isIntegral(v.getLPSol()) for v in fractional)
        options = solve.resume(0)
    solve.stop()


def test_unfixed_options_are_more(model):
    solve = SteppedSolve(model, "branching", "unfixed")
    options = solve.start()
    assert options is not None
    assert options.tolist() == branching_candidates(model, "unfixed").tolist()
    assert set(branching_candidates(model).tolist()) < set(options.tolist())
    assert solve.resume(len(options) - 1) is not None


def test_a_choice_is_what_a_rule_would_branch_on(knapsack):
    inside = branchy(knapsack)
    brancher = attach_callable(inside, lambda observation, candidates: len(candidates) - 1)
    inside.optimize()
    outside = branchy(knapsack)
    solve = SteppedSolve(outside, "branching")
    decisions, options = 0, solve.start()
    while options is not None:
        decisions += 1
        options = solve.resume(len(options) - 1)
    assert decisions == brancher.statistics.decisions > 10
    assert outside.getNTotalNodes() == inside.getNTotalNodes()
    assert outside.getNLPIterations() == inside.getNLPIterations()
    assert outside.getPrimalbound() == inside.getPrimalbound()


@pytest.mark.parametrize("seed", [0, 3])
def test_left_to_scip_a_solve_is_scips_own(knapsack, seed):
    alone, asked = branchy(knapsack), branchy(knapsack)
    apply_seeds(alone, seed)
    apply_seeds(asked, seed)
    alone.optimize()
    assert play(SteppedSolve(asked, "branching"), LEAVE_TO_SCIP) > 0
    assert asked.getStatus() == alone.getStatus() == "optimal"
    assert asked.getNTotalNodes() == alone.getNTotalNodes()
    assert asked.getNLPIterations() == alone.getNLPIterations()


def test_the_best_solution_is_the_models_after_the_end(model):
    play(SteppedSolve(model, "branching"), 0)
    best = model.getBestSol()
    values = [model.getVal(v) for v in model.getVars()]
    assert values == [best[v] for v in model.getVars()]


class Listener(Eventhdlr):
    """Python in the solver's thread, called for every node that comes into focus."""

    def __init__(self) -> None:
        self.nodes: list[int] = []
        self.threads: set[int] = set()
        self.mistakes: list[Callable[[], object]] = []
        self.refusals: set[str] = set()

    @classmethod
    def of(cls, model: Model) -> "Listener":
        listener = cls()
        model.includeEventhdlr(listener, "listener", "")
        return listener

    def eventinit(self) -> None:
        self.model.catchEvent(SCIP_EVENTTYPE.NODEFOCUSED, self)

    def eventexit(self) -> None:
        self.model.dropEvent(SCIP_EVENTTYPE.NODEFOCUSED, self)

    def eventexec(self, event) -> None:
        self.nodes.append(event.getNode().getNumber())
        self.threads.add(threading.get_ident())
        for mistake in self.mistakes:
            try:
                mistake()
            except Exception as error:
                self.refusals.add(str(error))


def test_nodes_are_chosen(model):
    listener = Listener.of(model)
    solve = SteppedSolve(model, "node_selection")
    options = solve.start()
    for _ in range(15):
        leaves, children, siblings = model.getOpenNodes()
        assert options is not None
        assert options.tolist() == [n.getNumber() for n in (*children, *siblings, *leaves)]
        assert len(options) >= 2
        wanted, before = int(options[-1]), len(listener.nodes)
        options = solve.resume(len(options) - 1)
        assert listener.nodes[before] == wanted
    solve.stop()


def test_there_is_nothing_to_resume(model):
    solve = SteppedSolve(model, "branching")
    with pytest.raises(UserError, match="has not begun"):
        solve.resume(0)
    options = solve.start()
    assert options is not None
    with pytest.raises(IndexError, match="no position"):
        solve.resume(len(options))
    assert solve.at_decision
    solve.stop()
    assert solve.over
    with pytest.raises(UserError, match="is over"):
        solve.resume(0)
    with pytest.raises(RuntimeError, match="started before"):
        solve.start()
    solve.stop()  # again is no harm


def test_threads_end_with_their_solves(knapsack):
    before = threads()
    done = SteppedSolve(branchy(knapsack), "branching")
    options = done.start()
    assert threads() == before + 1
    while options is not None:
        options = done.resume(0)
    assert threads() == before

    stopped = SteppedSolve(branchy(knapsack), "branching")
    stopped.start()
    stopped.stop()
    assert threads() == before

    collected = SteppedSolve(branchy(knapsack), "node_selection")
    collected.start()
    circle = [collected]
    circle.append(circle)  # type: ignore[arg-type]
    del collected, circle
    gc.collect()
    assert threads() == before

    unstarted = SteppedSolve(branchy(knapsack), "branching")
    del unstarted
    assert threads() == before


def test_a_stopped_model_keeps_what_was_found(model):
    solve = SteppedSolve(model, "branching")
    solve.start()
    for _ in range(3):
        solve.resume(0)
    solve.stop()
    assert model.getStatus() == "userinterrupt"
    assert model.getNTotalNodes() >= 4
    assert abs(model.getDualbound()) < 1e20


def test_plugins_in_python_are_called_and_cannot_step(model):
    listener = Listener.of(model)
    solve = SteppedSolve(model, "branching")
    listener.mistakes = [lambda: solve.resume(0), solve.stop]
    assert play(solve, LEAVE_TO_SCIP) > 0
    assert len(listener.nodes) > 1
    assert threading.get_ident() not in listener.threads
    assert listener.refusals == {
        "another thread has resumed this solve and it still runs",
        "a solve cannot be ended from a callback of its own",
    }
    assert model.getStatus() == "optimal"


class Broken(Branchrule):
    """Answers what SCIP does not take."""

    def branchexeclp(self, allowaddcons):
        return {"result": SCIP_RESULT.FEASIBLE}


def test_errors_of_scip_are_raised(model, capfd):
    before = threads()
    # The one priority above that of stepping.
    model.includeBranchrule(Broken(), "broken", "", 536_870_911, -1, 1.0)
    solve = SteppedSolve(model, "branching")
    with pytest.raises(RuntimeError, match="SCIP failed with return code"):
        solve.start()
    assert "broken" in capfd.readouterr().err  # SCIP's own words
    assert solve.over
    assert solve.lost
    assert threads() == before


@pytest.fixture
def hard() -> Model:
    """A model whose presolving and root take seconds."""
    return read_model(INSTANCES / "load_balancing_9900_trimmed.mps.gz")


@pytest.mark.slow
def test_ctrl_c_ends_a_step(hard):
    before = threads()
    solve = SteppedSolve(hard, "branching")
    timer = threading.Timer(1.0, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        play(solve, LEAVE_TO_SCIP)
    timer.join()
    assert solve.over
    assert not solve.lost
    assert hard.getStatus() == "userinterrupt"
    assert threads() == before


def test_any_signals_exception_ends_a_step(hard):
    def late(number, frame):
        raise TimeoutError("too late")

    former = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, 0.3)
    try:
        solve = SteppedSolve(hard, "branching")
        with pytest.raises(TimeoutError, match="too late"):
            play(solve, LEAVE_TO_SCIP)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, former)
    assert solve.over


PREAMBLE = """
import os, sys, threading, time
from pathlib import Path
from kida.solver.problem import read_model
from kida.solver.stepping import SteppedSolve

def begin():
    model = read_model(Path(sys.argv[1]))
    model.setParam("separating/maxrounds", 0)
    model.setParam("separating/maxroundsroot", 0)
    solve = SteppedSolve(model, "branching")
    solve.start()
    return solve
"""


def run(code: str, file: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PREAMBLE + code, str(file)],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


EXITS = {
    "global": "solve = begin()",
    "circle": "solve = begin(); circle = [solve]; circle.append(circle)",
    "thread": (
        "kept = []\n"
        "thread = threading.Thread(target=lambda: kept.append(begin()))\n"
        "thread.start(); thread.join()"
    ),
    "daemon": (
        "def forever():\n"
        "    while True:\n"
        "        solve = begin()\n"
        "        while solve.at_decision: solve.resume(0)\n"
        "threading.Thread(target=forever, daemon=True).start(); time.sleep(0.5)"
    ),
    "exit": "solve = begin(); sys.exit(0)",
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", EXITS)
def test_the_interpreter_ends_in_silence(kind, knapsack):
    begun = time.monotonic()
    assert run(EXITS[kind], knapsack) == ""
    assert time.monotonic() - begun < 60


FORK = """
solve = begin()
child = os.fork()
if child == 0:
    try:
        solve.resume(0)
    except Exception as error:
        print(type(error).__name__, error, flush=True)
    own = begin()
    options = own.options
    while options is not None: options = own.resume(0)
    del solve, own
    print("child solved", flush=True)
    sys.exit(0)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
options = solve.options
while options is not None: options = solve.resume(0)
print("parent solved", solve._model.getStatus())
"""


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system does not fork")
def test_a_forked_child_lets_go_of_its_parents_solves(knapsack):
    lines = run(FORK, knapsack).splitlines()
    assert lines[0].startswith("UserError the solver's thread is not in this process")
    assert lines[1:] == ["child solved", "0", "parent solved optimal"]
