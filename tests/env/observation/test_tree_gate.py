"""TreeGate's features: from the definitions, by PySCIPOpt's own getters, on real nodes."""

import ctypes
import json
import math

import numpy as np
import pyscipopt.scip
import pytest
from pyscipopt import SCIP_EVENTTYPE, Eventhdlr, Model

from kida import _core
from kida.env.observation import TreeGate, TreeGateCandidateFeature, TreeGateTreeFeature
from kida.solver.branching import capsule
from kida.solver.features import TreeRecorder

C, T = TreeGateCandidateFeature, TreeGateTreeFeature


def distance(x, y):
    return 0.0 if x * y < 0 else abs(x - y) / max(abs(x), abs(y), 1e-10)


def scips(name, result, *arguments):
    """A number of SCIP's that PySCIPOpt does not hand on."""
    function = getattr(ctypes.CDLL(pyscipopt.scip.__file__), name)
    function.restype = result
    return function(*arguments)


def pointer(model):
    get = ctypes.pythonapi.PyCapsule_GetPointer
    get.restype, get.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    return ctypes.c_void_p(get(capsule(model), b"scip"))


def g(x):
    return max(x / (x + 1), 0.1)


def expected_node(model, candidates):
    """The focus node's eight, and those of bounds that PySCIPOpt can tell."""
    node, value = model.getCurrentNode(), model.getLPObjVal()
    lower, root = model.getLowerbound(), model.getLowerboundRoot()
    upper, scip = model.getUpperbound(), pointer(model)
    depth, deepest = node.getDepth(), model.getMaxDepth()
    e = {
        T.NODE_DEPTH: depth / deepest if depth else 0.0,
        T.NODE_PLUNGE_DEPTH: model.getPlungeDepth() / depth if depth else 0.0,
        T.NODE_BOUND_DISTANCE: distance(lower, value),
        T.NODE_ROOT_DISTANCE: distance(root, value),
        T.NODE_CANDIDATES: candidates / (model.getNBinVars() + model.getNIntVars()),
        T.NODE_BOUND_CHANGES: sum(node.getNDomchg()) / model.getNVars(),
        T.NODE_LPS: scips("SCIPgetNNodeLPs", ctypes.c_longlong, scip) / model.getNLPs(),
        T.ROOT_TO_BOUND: distance(root, lower),
        T.IS_UPPER_SOLUTION: scips("SCIPisPrimalboundSol", ctypes.c_uint, scip),
    }
    if model.isInfinity(upper):
        e |= dict.fromkeys((T.NODE_UPPER_DISTANCE, T.NODE_POSITION, T.UPPER_TO_BOUND), 0.0)
    else:
        e[T.NODE_UPPER_DISTANCE] = distance(upper, value)
        e[T.NODE_POSITION] = abs(upper - value) / abs(upper - lower)
        e[T.UPPER_TO_BOUND] = distance(upper, lower)
    return e


def expected_counts(model, tmp_path):
    """Those of nodes and LPs, from SCIP's table of statistics too."""
    path = tmp_path / "statistics.json"
    model.writeStatisticsJson(str(path))
    tree = json.loads(path.read_text())["tree"]
    nodes, lps = model.getNNodes(), model.getNLPs()
    leaves = tree["nodes"]
    found = [leaves[kind] for kind in ("objective_leaves", "infeasible_leaves", "feasible_leaves")]
    total = sum(found)
    e = {
        T.INFEASIBLE_TO_OBJECTIVE_LEAVES: (found[1] + 1) / (found[0] + 1),
        T.NODES_LEFT: tree["nodes_left"] / nodes,
        T.LEAVES: total / nodes,
        T.INTERNAL_NODES: leaves["internal"] / nodes,
        T.BACKTRACKS: tree["backtracks"]["total"] / nodes,
        T.PLUNGE_DEPTH: model.getPlungeDepth() / model.getMaxDepth(),
        T.LOG_ITERATIONS_PER_NODE: math.log(model.getNLPIterations() / nodes),
        T.LOG_LPS_PER_NODE: math.log(lps / nodes),
        T.NODES_PER_LP: nodes / lps,
    }
    for feature, count in zip(
        (T.OBJECTIVE_LEAVES, T.INFEASIBLE_LEAVES, T.FEASIBLE_LEAVES), found, strict=True
    ):
        e[feature] = count / total if total else 0.0
    return e, tree["average_switch_length"]


class Solutions(Eventhdlr):
    """Notes the gap, and the nodes so far, whenever a better solution is found."""

    def __init__(self):
        self.gaps, self.nodes = [], []

    def eventinit(self):
        self.model.catchEvent(SCIP_EVENTTYPE.BESTSOLFOUND, self)

    def eventexit(self):
        self.model.dropEvent(SCIP_EVENTTYPE.BESTSOLFOUND, self)

    def eventexec(self, event):
        # SCIP's own gap is still that of the solution before.
        found = self.model.getSolObjVal(self.model.getBestSol())
        dual = self.model.getDualbound()
        gap = abs(found - dual) / min(abs(found), abs(dual)) if found * dual > 0 else 1e20
        self.gaps.append(1e20 if self.model.isInfinity(abs(dual)) else gap)
        self.nodes.append(self.model.getNNodes())


def expected_gaps(model, solutions):
    """Those of the gap and of when solutions were found."""
    first = solutions.nodes[0] if solutions.nodes else -1
    e = {T.NODES_BEFORE_FIRST: first / model.getNNodes() if model.getDepth() else 0.0}
    gaps = [model.getGap(), *solutions.gaps[-1:], *solutions.gaps[:1]]
    if len(gaps) < 3 or any(model.isInfinity(gap) for gap in gaps):
        return e | dict.fromkeys((T.GAP_TO_LAST, T.GAP_TO_FIRST, T.LAST_GAP_TO_FIRST), 0.0)
    now, last, first = gaps
    return e | {
        T.GAP_TO_LAST: now / last if last else 0.0,
        T.GAP_TO_FIRST: now / first if first else 0.0,
        T.LAST_GAP_TO_FIRST: last / first if first else 0.0,
    }


def expected_means(model):
    """Those of all variables."""
    scip, real = pointer(model), ctypes.c_double
    scores = ("Conflict", "Conflictlength", "Inference", "Cutoff", "Pseudocost")
    features = range(T.MEAN_CONFLICT_SCORE, T.MEAN_PSEUDOCOST_SCORE + 1)
    e = {
        T(feature): g(scips(f"SCIPgetAvg{score}Score", real, scip))
        for feature, score in zip(features, scores, strict=True)
    }
    for name, number in (("UP", 1), ("DOWN", 0)):
        way = ctypes.c_int(number)
        e[T[f"MEAN_CUTOFFS_{name}"]] = g(scips("SCIPgetAvgCutoffs", real, scip, way))
        e[T[f"MEAN_INFERENCES_{name}"]] = g(scips("SCIPgetAvgInferences", real, scip, way))
        variance = scips("SCIPgetPseudocostVariance", real, scip, way, ctypes.c_uint(1))
        e[T[f"PSEUDOCOST_VARIANCE_{name}"]] = g(variance)
    applied = scips("SCIPgetNConflictConssApplied", ctypes.c_longlong, scip)
    return e | {T.CONFLICTS_APPLIED: g(applied)}


def expected_open_nodes(model):
    leaves, children, siblings = model.getOpenNodes()
    nodes = [*leaves, *children, *siblings]
    if not nodes:
        return {}
    bounds = np.array([node.getLowerbound() for node in nodes])
    depths = np.array([node.getDepth() for node in nodes], float)
    e = {
        T.OPEN_AT_LOWEST: (bounds == bounds.min()).mean(),
        T.OPEN_AT_HIGHEST: (bounds == bounds.max()).mean(),
        T.OPEN_BOUND_TO_HIGHEST: distance(model.getLowerbound(), bounds.max()),
        T.OPEN_LOWEST_TO_HIGHEST: distance(bounds.min(), bounds.max()),
        T.OPEN_DEPTH_MEAN: depths.mean() / model.getMaxDepth(),
    }
    upper, lower = model.getUpperbound(), model.getLowerbound()
    bounded = not model.isInfinity(upper)
    for feature, bound in (
        (T.OPEN_LOWEST_TO_UPPER, bounds.min()),
        (T.OPEN_HIGHEST_TO_UPPER, bounds.max()),
    ):
        e[feature] = distance(bound, upper) if bounded else 0.0
    for feature, bound in (
        (T.OPEN_MEAN_POSITION, bounds.mean()),
        (T.OPEN_LOWEST_POSITION, bounds.min()),
        (T.OPEN_HIGHEST_POSITION, bounds.max()),
    ):
        e[feature] = abs(upper - bound) / abs(upper - lower) if bounded else 0.0
    focus = model.getCurrentNode().getLowerbound()
    e[T.ROOT_TO_AVERAGE_BOUND] = distance(
        model.getLowerboundRoot(), np.append(bounds, focus).mean()
    )
    for numbers, names in (
        (bounds, (T.OPEN_QUARTILE_DISTANCE, T.OPEN_VARIATION, T.OPEN_QUARTILE_DISPERSION)),
        (
            depths,
            (
                T.OPEN_DEPTH_QUARTILE_DISTANCE,
                T.OPEN_DEPTH_VARIATION,
                T.OPEN_DEPTH_QUARTILE_DISPERSION,
            ),
        ),
    ):
        first, third = np.quantile(numbers, [0.25, 0.75])
        e[names[0]] = distance(first, third)
        e[names[1]] = numbers.std() / numbers.mean()
        e[names[2]] = (third - first) / (third + first)
    return e


class Listening(TreeGate):
    """TreeGate, and what tells of solutions to compare it with."""

    def before_reset(self, model):
        super().before_reset(model)
        self.solutions = Solutions()
        model.includeEventhdlr(self.solutions, "solutions", "notes when they are found")


#: Compared otherwise: see the tests.
OTHERWISE = {
    T.PROCESSED_TO_CREATED,
    T.ACTIVATED_NODES,
    T.DEACTIVATED_NODES,
    T.LOG_PRIMAL_DUAL_INTEGRAL,
}


@pytest.mark.skipif(
    not hasattr(Model, "getLowerboundRoot"), reason="PySCIPOpt 6.2 does not give the root's bound"
)
@pytest.mark.parametrize(
    ("problem", "heuristics", "nodes"),
    [
        ("maximisation", True, 30),
        ("minimisation", False, 30),
        ("infeasible children", False, 30),
        ("maximisation", False, 120),
    ],
)
def test_the_trees_features_are_what_their_definitions_say(
    observe, problem, heuristics, nodes, tmp_path
):
    function = Listening()
    compared, seen = set(), []

    def look(model):
        before = model.getPrimalDualIntegral()
        found = function.extract(model, False)
        after = model.getPrimalDualIntegral()
        tree = found.tree_features
        e = expected_node(model, len(found.candidates))
        e |= expected_gaps(model, function.solutions) | expected_means(model)
        e |= expected_open_nodes(model)
        if model.getDepth() > 0:
            counts, switches = expected_counts(model, tmp_path)
            e |= counts
            path = (model.getDepth() + 1) / model.getNNodes()
            assert tree[T.ACTIVATED_NODES] + tree[T.DEACTIVATED_NODES] == pytest.approx(
                switches, abs=1e-5
            )
            assert tree[T.ACTIVATED_NODES] - tree[T.DEACTIVATED_NODES] == pytest.approx(path)
        else:
            assert not tree[T.OBJECTIVE_LEAVES : T.NODES_PER_LP + 1].any()
        for feature, value in e.items():
            assert tree[feature] == pytest.approx(value, rel=1e-6, abs=1e-9), feature.name
        integral = math.exp(tree[T.LOG_PRIMAL_DUAL_INTEGRAL]) if before else 0.0
        assert before * (1 - 1e-9) <= integral <= after * (1 + 1e-9)
        compared.update(e)
        seen.append(tree)

    observe(problem, function, look, nodes=nodes, heuristics=heuristics)
    assert compared | OTHERWISE == set(T)
    if nodes > 100:  # solutions are found in the tree, so that gaps are finite
        moving = [
            *(T.GAP_TO_LAST, T.GAP_TO_FIRST, T.LAST_GAP_TO_FIRST, T.NODES_BEFORE_FIRST),
            *(T.OPEN_LOWEST_TO_UPPER, T.OPEN_HIGHEST_TO_UPPER, T.OPEN_MEAN_POSITION),
            *(T.NODE_UPPER_DISTANCE, T.NODE_POSITION, T.NODE_BOUND_CHANGES),
        ]
        spread = np.ptp(np.array(seen)[:, moving], axis=0)
        assert dict(zip(moving, spread > 0, strict=True)) == dict.fromkeys(moving, True)


def test_created_nodes_are_counted_as_scip_numbers_them(observe):
    """Of the last two nodes created one is waiting, or observed, in a solve that plunges."""
    function = TreeGate()

    def look(model):
        tree = function.extract(model, False).tree_features
        if model.getDepth() == 0:
            return None
        created = model.getNNodes() / tree[T.PROCESSED_TO_CREATED]
        _, _, siblings = model.getOpenNodes()
        last = max(node.getNumber() for node in [*siblings, model.getCurrentNode()])
        return created, last, bool(siblings)

    found = [entry for entry in observe("maximisation", function, look).observed if entry]
    assert any(siblings for *_, siblings in found)
    for created, last, siblings in found:
        assert created == pytest.approx(last) if siblings else created >= last - 1e-6


def expected_candidate(model, variable, decisions):
    """All 25, from the definitions."""
    scip, var = pointer(model), ctypes.c_void_p(variable.ptr())
    real, integer, long = ctypes.c_double, ctypes.c_int, ctypes.c_longlong
    directions = {"UP": 1, "DOWN": 0}
    e = {
        C.FRACTION: model.feasFrac(variable.getLPSol()),
        C.AVERAGE_SOLUTION: variable.getAvgSol(),
    }
    for feature, own, mean in (
        (C.CONFLICT_SCORE, "VarConflictScore", "AvgConflictScore"),
        (C.CONFLICT_LENGTH_SCORE, "VarConflictlengthScore", "AvgConflictlengthScore"),
        (C.INFERENCE_SCORE, "VarAvgInferenceScore", "AvgInferenceScore"),
        (C.CUTOFF_SCORE, "VarAvgCutoffScore", "AvgCutoffScore"),
        (C.PSEUDOCOST_SCORE, None, "AvgPseudocostScore"),
    ):
        if own is None:
            score = model.getVarPseudocostScore(variable, variable.getLPSol())
        else:
            score = scips(f"SCIPget{own}", real, scip, var)
        average = max(scips(f"SCIPget{mean}", real, scip), 0.1)
        e[feature] = 1 - 1 / (1 + score / average)
    depth, cliques = model.getMaxDepth(), scips("SCIPgetNCliques", integer, scip)
    for name, number in directions.items():
        way, now = integer(number), ctypes.c_uint(1)
        if depth:
            mean = scips("SCIPvarGetAvgBranchdepthCurrentRun", real, var, way)
            e[C[f"BRANCH_DEPTH_{name}"]] = 1 - mean / depth
        own = scips("SCIPgetVarPseudocostCountCurrentRun", real, scip, var, way)
        everyone = scips("SCIPgetPseudocostCount", real, scip, way, now)
        branchings = scips("SCIPvarGetNBranchingsCurrentRun", long, var, way)
        for what, by in (
            ("SHARE", everyone),
            ("BY_BRANCHINGS", branchings),
            ("BY_DECISIONS", decisions),
        ):
            e[C[f"PSEUDOCOST_COUNT_{name}_{what}"]] = own / by if by else 0.0
        fixing = ctypes.c_uint(number)
        e[C[f"IMPLICATIONS_{name}"]] = scips("SCIPvarGetNImpls", integer, var, fixing)
        held = scips("SCIPvarGetNCliques", integer, var, fixing)
        e[C[f"CLIQUES_{name}"]] = held / cliques if cliques else 0.0
        for feature, what in (
            ("CUTOFFS", "Cutoffs"),
            ("CONFLICT_LENGTH", "Conflictlength"),
            ("INFERENCES", "Inferences"),
        ):
            mean = scips(f"SCIPgetVarAvg{what}CurrentRun", real, scip, var, way)
            e[C[f"{feature}_{name}"]] = g(mean)
    return e


@pytest.mark.parametrize("problem", ["maximisation", "minimisation", "infeasible children"])
def test_the_candidates_features_are_what_their_definitions_say(observe, problem):
    function = TreeGate("unfixed")
    decisions, differ = [], set()

    def look(model):
        found = function.extract(model, False)
        variables = model.getVars(transformed=True)
        for j, row in zip(found.candidates, found.candidate_features, strict=True):
            wanted = expected_candidate(model, variables[j], len(decisions))
            for feature, value in wanted.items():
                assert row[feature] == pytest.approx(value, rel=1e-9, abs=1e-12), feature.name
        for up in C:
            if up.name.endswith("_UP") or "_UP_" in up.name:
                down = C[up.name.replace("_UP", "_DOWN")]
                columns = found.candidate_features[:, [up, down]]
                if (columns[:, 0] != columns[:, 1]).any():
                    differ.add(up)
        decisions.append(model.getDepth())

    observe(problem, function, look, nodes=30)
    # Where up and down are the same the comparison would not notice their being exchanged.
    if problem == "infeasible children":
        assert {C.INFERENCES_UP, C.BRANCH_DEPTH_UP, C.PSEUDOCOST_COUNT_UP_SHARE} <= differ


def test_a_listener_is_shared_and_comes_before_the_solve(observe):
    model = Model()
    first, second = TreeRecorder(model), TreeRecorder(model)
    assert (first.branchings, second.children) == (0, 0)
    model.free()

    def look(at):
        with pytest.raises(RuntimeError, match="from the beginning"):
            TreeRecorder(at)
        with pytest.raises(RuntimeError, match="before_reset"):
            TreeGate().extract(at, False)

    observe("maximisation", None, look, nodes=2)


def test_the_native_lists_are_these():
    for native, ours, length in (
        (_core.TreeGateCandidateFeature, C, 25),
        (_core.TreeGateTreeFeature, T, 61),
    ):
        names = [(feature.name.upper(), feature.value) for feature in native]
        assert names == [(feature.name, feature.value) for feature in ours]
        assert len(names) == length
