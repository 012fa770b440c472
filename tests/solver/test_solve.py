"""One solve: results of every kind, interrupts, errors of the rule, files. All on real SCIP."""

import logging
import math
import signal
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from pyscipopt import Model, quicksum

from kida.errors import UserError
from kida.instances.family import Instance
from kida.instances.registry import initial_bounds, instances
from kida.settings import Limits
from kida.solver.branching import attach_callable
from kida.solver.problem import open_model
from kida.solver.solve import (
    Limit,
    Progress,
    Reason,
    _optimize,
    _reporter,
    optimize,
    scip_statistics,
    solve,
)


@pytest.fixture(scope="module")
def placement() -> Instance:
    return instances("item_placement", count=1)[0]


@pytest.mark.slow
def test_a_limited_solve_tells_everything(placement):
    result = solve(placement, settings="competition", limits=Limits(time=1))
    assert result.termination.reason is Reason.NO_SOLUTION_FOUND
    assert result.termination.limit is Limit.TIME
    assert not result.termination.solved
    assert result.solution is None
    # The objective limit is the instance's known bound; the root bound has a closed form.
    assert result.primal_bound == pytest.approx(initial_bounds(placement).primal)
    assert result.dual_bound == pytest.approx(5.4059507480000075)
    assert result.gap == pytest.approx(result.primal_bound / result.dual_bound - 1)
    path = result.trajectory
    assert path.dual[-1] == result.dual_bound
    assert path.wall[-1] == result.wall_time
    # The clock started at the root's end, and SCIP stopped no earlier than the limit.
    assert path.wall[-1] - path.root_end_wall >= 1
    assert 0 < path.root_end_cpu <= path.cpu[-1] == result.cpu_time
    assert result.nodes > 1
    assert result.lp_iterations > 0
    assert 0 < result.lp_time < result.wall_time
    assert result.branching is None


def test_a_solved_maximisation(knapsack, tmp_path):
    (instance,) = instances(str(knapsack))
    output = tmp_path / "best.sol"
    result = solve(instance, solution_file=output)
    assert result.termination.reason is Reason.OPTIMAL
    assert result.termination.solved
    assert result.sense == "maximize"
    assert result.gap == 0
    assert result.dual_bound == result.primal_bound
    assert set(result.solution.values()) == {1.0}
    assert (np.diff(result.trajectory.dual) <= 1e-9).all()
    assert f"{result.primal_bound:g}" in output.read_text().splitlines()[0]
    with pytest.raises(UserError, match="exists already"):
        solve(instance, solution_file=output)


def test_node_limit(placement):
    result = solve(placement, "mostinf", settings="competition", limits=Limits(nodes=5))
    assert result.termination.limit is Limit.NODES
    assert result.nodes == 5


@pytest.mark.parametrize(
    ("limits", "limit"),
    [(Limits(time=1e-9), Limit.TIME), (Limits(memory=1e-4), Limit.MEMORY)],
)
def test_a_limit_before_the_first_lp_is_a_result_too(knapsack, limits, limit):
    result = solve(instances(str(knapsack))[0], limits=limits)
    assert result.termination.limit is limit
    assert result.termination.reason is Reason.NO_SOLUTION_FOUND
    assert result.nodes == result.lp_time == result.strong_branching_time == 0


def test_an_infeasible_problem(tmp_path):
    model = Model()
    model.hideOutput()
    x = [model.addVar(f"x{i}", vtype="I", ub=3) for i in range(3)]
    model.addCons(2 * x[0] + 2 * x[1] + 2 * x[2] == 5)
    path = tmp_path / "infeasible.mps"
    model.writeProblem(str(path), verbose=False)
    result = solve(instances(str(path))[0])
    assert result.termination.reason is Reason.INFEASIBLE
    assert result.dual_bound == math.inf
    assert math.isnan(result.trajectory.root_end_wall)
    assert result.solution is None


@pytest.mark.slow
def test_seeds_change_the_search_and_repeat_it(placement):
    def nodes_and_iterations(seed, permutation=0):
        result = solve(
            placement,
            "mostinf",
            settings="competition",
            limits=Limits(nodes=20),
            seed=seed,
            permutation_seed=permutation,
        )
        return result.lp_iterations

    first = nodes_and_iterations(1)
    assert nodes_and_iterations(1) == first
    assert nodes_and_iterations(2) != first
    assert nodes_and_iterations(1, permutation=1) != first


@pytest.mark.slow
def test_strong_branching_is_accounted_for(placement):
    result = solve(placement, "fullstrong", settings="competition", limits=Limits(time=2, nodes=6))
    assert result.strong_branching_time > 0
    assert result.fair_nodes >= result.nodes


def choose_last(observation, candidates):
    return len(candidates) - 1


@pytest.mark.slow
def test_a_function_branches(placement):
    model = open_model(placement)
    model.setParam("limits/nodes", 4)
    brancher = attach_callable(model, choose_last)
    optimize(model, brancher)
    assert brancher.statistics.decisions >= 3
    model.free()


def fail(observation, candidates):
    raise ZeroDivisionError("no branching today")


@pytest.mark.slow
def test_an_exception_of_the_rule_surfaces(placement):
    model = open_model(placement)
    brancher = attach_callable(model, fail)
    with pytest.raises(ZeroDivisionError, match="no branching today"):
        optimize(model, brancher)
    brancher.raise_error()  # once only


@pytest.mark.skipif(
    threading.current_thread() is not threading.main_thread(), reason="needs the main thread"
)
def test_ctrl_c_stops_the_solve_and_keeps_the_model(placement):
    model = open_model(placement)
    polls = 0

    def interrupt():
        nonlocal polls
        polls += 1
        if polls == 3:
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        optimize(model, on_wait=interrupt, interval=0.1)
    assert polls == 3
    assert model.getStatus() == "userinterrupt"
    assert model.getDualbound() > -1e20
    assert model.getParam("misc/catchctrlc")
    # It can go on from there.
    model.setParam("limits/totalnodes", model.getNTotalNodes() + 2)
    optimize(model)
    assert model.getStatus() == "totalnodelimit"
    model.free()


@pytest.mark.parametrize("written", ["", "objective value: 3\n", "objective value: 3\nx   1\ny  "])
def test_a_solution_that_the_disk_has_no_room_for_is_said_to_be_so(tmp_path, monkeypatch, written):
    class Full(Model):
        def writeBestSol(self, filename):  # noqa: N802
            Path(filename).write_text(written)  # SCIP says nothing

    path = tmp_path / "x.lp"
    path.write_text("Maximize\n 2 x + y\nSubject To\n c: x + y <= 2\nBounds\n x <= 1\nEnd\n")
    monkeypatch.setattr("kida.solver.problem.Model", Full)
    with pytest.raises(UserError, match=r"cannot write .*best\.sol: No space left"):
        solve(instances(str(path))[0], solution_file=tmp_path / "best.sol")
    assert sorted(tmp_path.iterdir()) == [path]


def test_statistics_that_the_disk_has_no_room_for_are_said_to_be_so():
    class Full(Model):
        def writeStatisticsJson(self, filename):  # noqa: N802
            Path(filename).write_text('{"cut": ')

    with pytest.raises(UserError, match="TMPDIR"):
        scip_statistics(Full())


def test_the_solution_is_on_disk_before_anything_else_may_fail(tmp_path, monkeypatch):
    class Full(Model):
        def writeStatisticsJson(self, filename):  # noqa: N802
            Path(filename).write_text("")

    path = tmp_path / "x.lp"
    path.write_text("Maximize\n 2 x + y\nSubject To\n c: x + y <= 2\nBounds\n x <= 1\nEnd\n")
    monkeypatch.setattr("kida.solver.problem.Model", Full)
    with pytest.raises(UserError, match="TMPDIR"):
        solve(instances(str(path))[0], solution_file=tmp_path / "best.sol")
    assert (tmp_path / "best.sol").read_text().startswith("objective value:")


@pytest.mark.skipif(sys.platform != "linux", reason="files in memory are Linux's")
def test_statistics_need_no_disk(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "none"))
    model = Model()
    model.hideOutput()
    model.optimize()
    assert "timing" in scip_statistics(model)
    model.free()


def test_an_interrupt_that_comes_twice_asks_once(placement):
    class Impatient(threading.Event):
        waits = 0

        def wait(self, timeout=None):
            self.waits += 1
            if self.waits in (3, 4):  # while SCIP runs, and while it comes to rest
                raise KeyboardInterrupt
            return super().wait(timeout)

    model = open_model(placement)
    finished = Impatient()
    assert isinstance(_optimize(model, None, finished, None), KeyboardInterrupt)
    assert finished.waits >= 4
    assert model.getStatus() == "userinterrupt"
    model.free()


def interrupt_when(true, number=signal.SIGINT):
    """Return an ``on_progress`` that sends the signal once, when the solve is so far."""
    sent = []

    def look(progress: Progress) -> None:
        if not sent and true(progress):
            sent.append(True)
            signal.raise_signal(number)

    return look


def test_an_interrupted_solve_gives_its_result(placement, tmp_path):
    output = tmp_path / "best.sol"
    look = interrupt_when(lambda progress: math.isfinite(progress.primal_bound))
    result = solve(placement, on_progress=look, solution_file=output)
    assert result.termination.limit is Limit.INTERRUPTED
    assert result.termination.reason is Reason.FEASIBLE
    assert result.termination.status == "userinterrupt"
    assert not result.termination.solved
    assert -math.inf < result.dual_bound < result.primal_bound < math.inf
    assert result.trajectory.primal[-1] == result.primal_bound
    assert result.solution
    assert float(output.read_text().split()[2]) == pytest.approx(result.primal_bound)


@pytest.mark.parametrize("begun", [False, True])
def test_an_interrupt_may_be_raised_all_the_same(placement, begun):
    look = interrupt_when(lambda progress: not begun or progress.nodes > 0)
    with pytest.raises(KeyboardInterrupt):
        solve(placement, on_progress=look, raise_interrupt=True)


def test_sigterm_gives_the_result_where_its_handler_does_as_that_of_ctrl_c(placement):
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        look = interrupt_when(lambda progress: True, signal.SIGTERM)
        result = solve(placement, on_progress=look)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert result.termination.limit is Limit.INTERRUPTED


@pytest.mark.parametrize(
    ("limits", "limit"),
    [
        (Limits(time=1e-3), Limit.TIME),
        (Limits(memory=1), Limit.MEMORY),
    ],
)
@pytest.mark.parametrize("policy", ["default", "mostinf", "item_placement"])
def test_a_limit_before_the_root_lp_gives_a_result(placement, limits, limit, policy, capfd):
    result = solve(placement, policy, limits=limits)
    assert result.termination.limit is limit
    assert result.termination.reason is Reason.NO_SOLUTION_FOUND
    assert (result.nodes, result.lp_time, result.strong_branching_time) == (0, 0, 0)
    assert (result.dual_bound, result.primal_bound) == (-math.inf, math.inf)
    assert capfd.readouterr() == ("", "")


def test_whether_a_problem_is_infeasible_or_unbounded_may_be_left_to_prove(tmp_path):
    model = Model()
    model.hideOutput()
    x = [model.addVar(f"x{i}", "I", ub=None) for i in range(3)]
    model.addCons(x[0] - x[1] <= 5)
    model.setObjective(quicksum(x), "maximize")
    model.writeProblem(str(tmp_path / "u.mps"), verbose=False)
    (instance,) = instances(str(tmp_path / "u.mps"))
    # With and without the objective limit and heuristics SCIP finds out more or less.
    found = {
        name: solve(instance, settings=name).termination for name in ("default", "competition")
    }
    assert found["default"].reason is Reason.UNBOUNDED
    assert found["default"].solved
    assert found["competition"].reason is Reason.INFEASIBLE_OR_UNBOUNDED
    assert not found["competition"].solved


def test_a_failing_solve_frees_its_scip(placement):
    models = []

    def attaching(function):
        def attach(model):
            models.append(model)
            return attach_callable(model, function)

        return attach

    def refuse(model):
        models.append(model)
        raise UserError("no")

    with pytest.raises(ZeroDivisionError):
        solve(placement, attaching(fail))
    with pytest.raises(UserError):
        solve(placement, refuse)
    with pytest.raises(ValueError, match="progress"):
        solve(placement, attaching(choose_last), on_progress=fail_to_report)
    # A model that has been freed has no SCIP any more.
    for model in models:
        with pytest.raises(ValueError, match="null pointer"):
            model.to_ptr(give_ownership=False)


def fail_to_report(progress: Progress) -> None:
    raise ValueError("no progress today")


@pytest.mark.slow
def test_optimize_leaves_the_model_as_it_was(placement):
    model = open_model(placement)
    model.setParam("limits/nodes", 1)
    optimize(model)
    assert model.getParam("misc/catchctrlc")
    assert model.getStatus() == "nodelimit"


@pytest.mark.slow
def test_progress_is_reported(placement):
    seen: list[Progress] = []
    solve(placement, settings="competition", limits=Limits(time=1), on_progress=seen.append)
    assert len(seen) >= 2
    assert [p.wall for p in seen] == sorted(p.wall for p in seen)
    assert seen[-1].dual_bound == pytest.approx(5.4059507480000075)
    assert seen[-1].nodes > 1
    # Before the first event nothing is known; item placement is minimised.
    assert (seen[0].dual_bound, seen[0].primal_bound) != (0.0, 0.0)


@pytest.mark.parametrize("sense", ["minimize", "maximize"])
def test_before_the_first_event_nothing_is_known(sense):
    recorder = SimpleNamespace(latest=lambda: (0.0, 0.0, 0.0, 0, 0))
    seen: list[Progress] = []
    _reporter(recorder, sense, seen.append)()
    sign = 1 if sense == "minimize" else -1
    assert (seen[0].dual_bound, seen[0].primal_bound) == (-sign * math.inf, sign * math.inf)


def test_a_solution_that_cannot_be_written_is_told_before_the_solve(knapsack, tmp_path):
    (instance,) = instances(str(knapsack))
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=r"cannot write .*x\.sol: .*choose another folder"):
        solve(instance, solution_file=tmp_path / "file" / "x.sol", on_progress=pytest.fail)


def test_unknown_names_are_refused(placement):
    with pytest.raises(UserError, match="no settings named"):
        solve(placement, settings="mine")
    with pytest.raises(UserError, match="no policy 'nonesuch'"):
        solve(placement, "nonesuch")


@pytest.mark.slow
def test_solving_leaves_no_memory_behind(knapsack):
    resource = pytest.importorskip("resource", reason="memory is measured on Unix only")
    (instance,) = instances(str(knapsack))

    def peak_after(solves: int) -> float:
        for _ in range(solves):
            solve(instance, limits=Limits(nodes=3))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # kibibytes; on macOS, bytes
        return peak / (1 << 20 if sys.platform == "darwin" else 1 << 10)

    # A model that is kept costs more than a mebibyte.
    before = peak_after(5)
    assert peak_after(30) - before < 20


@pytest.mark.parametrize("integers", [0, 8])
def test_the_clock_starts_however_the_solver_branches(tmp_path, integers):
    """Nonlinear problems have no LP branching: constraint handlers choose, or bounds are split."""
    random = np.random.default_rng(3)
    model = Model()
    model.hideOutput()
    x = [model.addVar(f"x{i}", "I" if i < integers else "C", lb=-5, ub=5) for i in range(10)]
    for k in range(6):
        factors = random.integers(-4, 5, 10).tolist()
        products = (a * x[i] * x[(i + k) % 10] for i, a in enumerate(factors))
        model.addCons(quicksum(products) <= 19.5)
    objective = model.addVar("z", lb=None, ub=1000)
    factors = random.integers(-9, 10, 10).tolist()
    model.addCons(objective <= quicksum(a * x[i] * x[i - 3] for i, a in enumerate(factors)))
    model.setObjective(objective, "maximize")
    model.writeProblem(str(tmp_path / "p.cip"), verbose=False)
    (instance,) = instances(str(tmp_path / "p.cip"))
    result = solve(instance, settings="competition", limits=Limits(time=0.5, nodes=100_000))
    assert result.nodes > 1
    assert result.trajectory.root_end_wall < result.wall_time
    if not result.termination.solved:
        assert result.wall_time - result.trajectory.root_end_wall == pytest.approx(0.5, abs=0.3)


def test_a_solve_and_its_end_are_logged(caplog):
    caplog.set_level(logging.INFO, logger="kida")
    result = solve(instances("item_placement", count=1)[0], "mostinf", limits=Limits(nodes=1))
    begun, ended = (record.getMessage() for record in caplog.records)
    assert begun == "solving item_placement_10000, policy mostinf, settings default"
    assert ended.startswith(f"item_placement_10000: {result.termination.status}, bounds ")
