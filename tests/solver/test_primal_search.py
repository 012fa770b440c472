"""Values of variables tried at a node: what they find, and that nothing else changes."""

import numpy as np
from pyscipopt import SCIP_PARAMSETTING, Model, quicksum

from kida.solver.primal_search import try_values
from kida.solver.stepping import LEAVE_TO_SCIP, SteppedSolve


def packing() -> Model:
    generator = np.random.default_rng(0)
    model = Model()
    model.hideOutput()
    x = [model.addVar(f"x{i}", vtype="B") for i in range(40)]
    for _ in range(6):
        weights = generator.integers(20, 1000, size=40).tolist()
        model.addCons(quicksum(w * v for w, v in zip(weights, x, strict=True)) <= sum(weights) / 2)
    values = generator.integers(400, 600, size=40).tolist()
    model.setObjective(quicksum(w * v for w, v in zip(values, x, strict=True)), "maximize")
    model.setHeuristics(SCIP_PARAMSETTING.OFF)
    model.setParam("limits/nodes", 10)
    return model


def test_a_solution_is_kept_and_what_is_infeasible_is_not() -> None:
    model = packing()
    solve = SteppedSolve(model, "primal_search")
    options = solve.start()
    assert options is not None
    before = model.getPrimalbound()
    everything = dict.fromkeys(options.tolist(), 1.0)
    assert not try_values(model, everything)
    assert model.getPrimalbound() == before
    best = packing()
    best.setParam("limits/nodes", -1)
    best.optimize()
    optimum = {f"t_{v.name}": best.getVal(v) for v in best.getVars()}
    variables = model.getVars(transformed=True)
    assert try_values(model, {int(j): optimum[variables[j].name] for j in options})
    assert model.getPrimalbound() == best.getPrimalbound() > before
    solve.stop()
    best.free()
    model.free()


def test_trying_what_is_infeasible_changes_nothing() -> None:
    trees = []
    for tries in (False, True):
        model = packing()
        solve = SteppedSolve(model, "primal_search")
        options = solve.start()
        depths = []
        while options is not None:
            depths.append((model.getDepth(), sorted(options.tolist())))
            if tries:
                assert not try_values(model, dict.fromkeys(options.tolist(), 1.0))
            options = solve.resume(LEAVE_TO_SCIP)
        trees.append((depths, model.getNNodes(), model.getDualbound()))
        model.free()
    assert trees[0] == trees[1]
    assert len(trees[0][0]) > 3
