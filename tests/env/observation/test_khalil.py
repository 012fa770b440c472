"""Khalil's features: from the definitions, by PySCIPOpt's own getters, on real nodes."""

import ctypes

import numpy as np
import pyscipopt.scip
import pytest
from pyscipopt import SCIP_BRANCHDIR

from kida import _core
from kida.env.observation import Khalil2016, KhalilFeature
from kida.env.observation.khalil import STATIC_FEATURES
from kida.solver.features import KhalilObserver

F = KhalilFeature


def cutoff_sum(variable, direction):
    """SCIP's, which PySCIPOpt does not hand on."""
    function = ctypes.CDLL(pyscipopt.scip.__file__).SCIPvarGetCutoffSum
    function.restype, function.argtypes = ctypes.c_double, [ctypes.c_void_p, ctypes.c_int]
    return function(variable.ptr(), int(direction))


def statistics(values, names):
    """Of numbers, those that are named; of none, zeros."""
    values = np.asarray(values, float)
    if not len(values):
        return dict.fromkeys(names, 0.0)
    found = {"count": len(values), "mean": values.mean(), "stddev": values.std()}
    found |= {"min": values.min(), "max": values.max(), "sum": values.sum()}
    return {name: found[name] for name in names}


def rows_of(model):
    """The LP's rows: coefficients by variable name, sides without the constant, dual, active."""
    found = []
    for row in model.getLPRowsData():
        names = [column.getVar().name for column in row.getCols()]
        values = dict(zip(names, row.getVals(), strict=True))
        activity, constant = model.getRowLPActivity(row), row.getConstant()
        lhs, rhs = row.getLhs(), row.getRhs()
        sides = [s for s in (lhs, rhs) if not model.isInfinity(abs(s))]
        found.append(
            {
                "values": values,
                "rhs": None if model.isInfinity(rhs) else rhs - constant,
                "lhs": None if model.isInfinity(-lhs) else lhs - constant,
                "dual": row.getDualsol(),
                "active": any(model.isEQ(activity, side) for side in sides),
            }
        )
    return found


def expected(model, rows, variable, candidates, static):
    """All 72 features of one variable."""
    own = [(row, row["values"][variable.name]) for row in rows if variable.name in row["values"]]
    e = dict(static)
    value = variable.getLPSol()
    below = model.feasFrac(value)
    e["SLACK"], e["CEIL_DIST"] = min(below, 1 - below), 1 - below
    up = (1 - below) * model.getVarPseudocost(variable, SCIP_BRANCHDIR.UPWARDS)
    down = below * model.getVarPseudocost(variable, SCIP_BRANCHDIR.DOWNWARDS)
    e["PSEUDOCOST_UP"], e["PSEUDOCOST_DOWN"] = up, down
    e["PSEUDOCOST_SUM"], e["PSEUDOCOST_PRODUCT"] = up + down, up * down
    pair = sorted([max(up, 1e-5), max(down, 1e-5)])
    e["PSEUDOCOST_RATIO"] = pair[0] / pair[1]
    for name, direction in (("UP", SCIP_BRANCHDIR.UPWARDS), ("DOWN", SCIP_BRANCHDIR.DOWNWARDS)):
        cutoffs = cutoff_sum(variable, direction)
        branchings = variable.getNBranchings(direction)
        e[f"N_CUTOFF_{name}"] = cutoffs
        e[f"N_CUTOFF_{name}_RATIO"] = cutoffs / branchings if branchings else 0.0
    degrees = [len(row["values"]) for row, _ in own]
    for name, number in statistics(degrees, ("mean", "stddev", "min", "max")).items():
        e[f"ROWS_DYNAMIC_DEG_{name.upper()}"] = number
        if name != "stddev":
            total = static[f"ROWS_DEG_{name.upper()}"] + number
            e[f"ROWS_DYNAMIC_DEG_{name.upper()}_RATIO"] = number / total if total else 0.0
    ratios = {"POS": [], "NEG": []}
    shares = {pair: [] for pair in ("POS_POS", "POS_NEG", "NEG_POS", "NEG_NEG")}
    for row, a in own:
        for sign, side in ((1, row["rhs"]), (-1, row["lhs"])):
            if side is not None:
                ratio = sign * a / (abs(a) + abs(side))
                ratios["POS" if sign * side >= 0 else "NEG"].append(ratio)
        positive = sum(v for v in row["values"].values() if v > 0)
        negative = sum(-v for v in row["values"].values() if v < 0)
        if a > 0:
            shares["POS_POS"].append(a / positive)
            shares["POS_NEG"].append(a / (a + negative))
        else:
            shares["NEG_POS"].append(-a / (-a + positive))
            shares["NEG_NEG"].append(-a / negative)
    for name, found in ratios.items():
        e[f"COEF_{name}_RHS_RATIO_MIN"] = min(found, default=1.0)
        e[f"COEF_{name}_RHS_RATIO_MAX"] = max(found, default=-1.0)
    for name, found in shares.items():
        a, b = name.split("_")
        e[f"{a}_COEF_{b}_COEF_RATIO_MIN"] = min(found, default=1.0)
        e[f"{a}_COEF_{b}_COEF_RATIO_MAX"] = max(found, default=0.0)
    active = [(row, abs(a)) for row, a in own if row["active"]]
    for w in (1, 2, 3, 4):
        weights = [weight(row, candidates)[w - 1] for row, _ in active]
        found = statistics(
            [x * a for x, (_, a) in zip(weights, active, strict=True)],
            ("sum", "mean", "stddev", "min", "max"),
        )
        for name, number in {"count": sum(weights), **found}.items():
            e[f"ACTIVE_COEF_WEIGHT{w}_{name.upper()}"] = number
    return e


def weight(row, candidates):
    everything = sum(abs(v) for v in row["values"].values())
    among = sum(abs(v) for name, v in row["values"].items() if name in candidates)
    return 1.0, 1 / everything, 1 / among if among else 1.0, abs(row["dual"])


def static_of(rows, variable):
    own = [(row, row["values"][variable.name]) for row in rows if variable.name in row["values"]]
    c = variable.getObj()
    e = {"OBJ_COEF": c, "OBJ_COEF_POS_PART": max(c, 0), "OBJ_COEF_NEG_PART": min(c, 0)}
    e["N_ROWS"] = len(own)
    degrees = [len(row["values"]) for row, _ in own]
    for name, number in statistics(degrees, ("mean", "stddev", "min", "max")).items():
        e[f"ROWS_DEG_{name.upper()}"] = number
    for sign, kind in ((1, "POS"), (-1, "NEG")):
        some = [a for _, a in own if sign * a > 0]
        for name, number in statistics(some, ("count", "mean", "stddev", "min", "max")).items():
            e[f"ROWS_{kind}_COEFS_{name.upper()}"] = number
    return e


@pytest.mark.parametrize("problem", ["maximisation", "minimisation", "infeasible children"])
@pytest.mark.parametrize("which", ["fractional", "unfixed"])
def test_every_feature_is_what_its_definition_says(observe, problem, which):
    function = Khalil2016(which)
    statics = {}
    compared = []

    def look(model):
        found = function.extract(model, False)
        rows = rows_of(model)
        variables = model.getVars(transformed=True)
        if model.getDepth() == 0:
            statics.update({v.name: static_of(rows, v) for v in variables})
        names = {variables[j].name for j in found.candidates}
        for j, features in zip(found.candidates[::2], found.features[::2], strict=True):
            wanted = expected(model, rows, variables[j], names, statics[variables[j].name])
            assert wanted.keys() == {feature.name for feature in F}
            for feature in F:
                assert features[feature] == pytest.approx(wanted[feature.name], abs=1e-9), feature
            compared.append(features)

    observe(problem, function, look, nodes=15)
    compared = np.array(compared)
    assert len(compared) > 10
    # The comparison would mean nothing of columns that never vary; these vary in some problem.
    if problem == "infeasible children":
        assert (compared[:, F.ROWS_DEG_MEAN] > 0).all()
    else:
        assert (compared[:, F.ACTIVE_COEF_WEIGHT4_STDDEV] > 0).any()


def test_static_features_are_the_roots(observe):
    for problem in ("maximisation", "minimisation"):
        solve = observe(problem, Khalil2016("unfixed"))
        root = solve.observed[0]
        known = dict(zip(root.candidates.tolist(), root.features, strict=True))
        later = [o for o, depth in zip(solve.observed, solve.depths, strict=True) if depth > 2]
        assert later
        for observation in later:
            for j, features in zip(
                observation.candidates.tolist(), observation.features, strict=True
            ):
                np.testing.assert_array_equal(
                    features[:STATIC_FEATURES], known[j][:STATIC_FEATURES]
                )


def test_what_ecole_computes_otherwise(observe):
    """Five columns and the third weight: nothing else differs."""
    ours, theirs = KhalilObserver(), KhalilObserver(as_ecole=True)

    def look(model):
        ours.reset()
        theirs.reset()
        return [observer.observe(model, "unfixed")[1] for observer in (ours, theirs)]

    others = [feature for feature in F if feature.name.endswith("_STDDEV")]
    others = [feature for feature in others if feature.name.startswith("ACTIVE")]
    for left, right in observe("minimisation", None, look, nodes=10).observed:
        same = np.setdiff1d(np.arange(len(F)), [*others, F.ROWS_NEG_COEFS_MAX])
        np.testing.assert_array_equal(left[:, same], right[:, same])
        negative = left[:, F.ROWS_NEG_COEFS_COUNT] > 0
        assert (right[negative, F.ROWS_NEG_COEFS_MAX] == np.finfo(float).tiny).all()
        one = left[:, F.ACTIVE_COEF_WEIGHT1_COUNT] <= 1
        np.testing.assert_allclose(left[one][:, others], right[one][:, others], atol=1e-12)


def test_the_native_list_is_this_one():
    native = [(feature.name.upper(), feature.value) for feature in _core.KhalilFeature]
    assert native == [(feature.name, feature.value) for feature in KhalilFeature]
    assert (len(native), STATIC_FEATURES) == (72, 18)
