"""The native expert against SCIP's own full strong branching, on real nodes."""

import ctypes

import numpy as np
import pyscipopt.scip
import pytest
from numpy.typing import NDArray
from pyscipopt import SCIP_PARAMSETTING, Model

from kida.instances.registry import instances
from kida.observation import Observation, VariableFeature
from kida.rule import CandidateSet
from kida.solver.branching import attach_callable, capsule
from kida.solver.problem import open_model
from kida.solver.strong_branching import StrongBranching, strong_branching

pytestmark = pytest.mark.slow

NODES = {"fractional": 8, "unfixed": 2}  # the latter has some 800 candidates a node


def item_placement(nodes: int = 2) -> Model:
    (instance,) = instances("item_placement", split="valid", start=2, count=1)
    model = open_model(instance)
    model.hideOutput()
    model.setHeuristics(SCIP_PARAMSETTING.OFF)
    model.setParam("limits/nodes", nodes)
    return model


def vanilla_scores(model: Model) -> NDArray[np.float64]:
    """What vanillafullstrong, which ran just before, found; PySCIPOpt does not expose it."""
    library = ctypes.CDLL(pyscipopt.scip.__file__)
    pointer = ctypes.pythonapi.PyCapsule_GetPointer
    pointer.restype, pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    candidates, scores = ctypes.c_void_p(), ctypes.POINTER(ctypes.c_double)()
    counts = [ctypes.c_int() for _ in range(3)]
    retcode = library.SCIPgetVanillafullstrongData(
        ctypes.c_void_p(pointer(capsule(model), b"scip")),
        ctypes.byref(candidates),
        ctypes.byref(scores),
        *map(ctypes.byref, counts),
    )
    assert retcode == 1
    return np.array(scores[: counts[0].value])


def compare(which: CandidateSet) -> list[tuple[Observation, StrongBranching, NDArray[np.float64]]]:
    model = item_placement(NODES[which])
    model.setParams(
        {
            "branching/vanillafullstrong/priority": 10_000_000,
            "branching/vanillafullstrong/donotbranch": True,
            "branching/vanillafullstrong/collectscores": True,
            "branching/vanillafullstrong/idempotent": True,
            "branching/vanillafullstrong/scoreall": True,
            "branching/vanillafullstrong/integralcands": which == "unfixed",
        }
    )
    nodes = []

    def branch(observation: Observation, candidates: NDArray[np.int32]) -> int:
        found = strong_branching(model, which)
        np.testing.assert_array_equal(found.candidates, candidates)
        theirs = vanilla_scores(model)
        # With the artefact of integral variables the scores are SCIP's own.
        with_artefact = strong_branching(model, which, artefact=True)
        np.testing.assert_allclose(with_artefact.scores, theirs, rtol=1e-6)
        nodes.append((observation, found, theirs))
        return found.chosen

    attach_callable(model, branch, candidates=which)
    model.optimize()
    model.free()
    assert len(nodes) >= NODES[which] - 1
    return nodes


def test_fractional_scores_are_vanillafullstrongs() -> None:
    for _, found, theirs in compare("fractional"):
        np.testing.assert_allclose(found.scores, theirs, rtol=1e-6)
        assert found.chosen == np.argmax(theirs)
        assert (found.down_gains >= 0).all()
        assert (found.up_gains >= 0).all()


def test_few_iterations_bound_the_gains_from_below() -> None:
    nodes = []
    model = item_placement(4)

    def branch(observation: Observation, candidates: NDArray[np.int32]) -> int:
        nodes.append([strong_branching(model, iterations=limit) for limit in (0, 2, 10**6)])
        return nodes[-1][0].chosen

    attach_callable(model, branch)
    model.optimize()
    model.free()
    smaller = 0
    for full, few, many in nodes:
        for name in ("down_gains", "up_gains"):
            gains, bounds = getattr(full, name), getattr(few, name)
            assert (bounds <= gains + 1e-6).all()
            smaller += (bounds < gains - 1e-6).sum()
            np.testing.assert_allclose(getattr(many, name), gains, atol=1e-6)
    assert smaller > 0


def test_an_integral_candidate_gains_nothing_where_the_lp_solution_stays() -> None:
    for observation, found, theirs in compare("unfixed"):
        features = observation.variable_features[found.candidates]
        fractional = features[:, VariableFeature.SOLUTION_FRAC] > 1e-6
        np.testing.assert_allclose(found.scores[fractional], theirs[fractional], rtol=1e-6)
        at_lower = ~fractional & (features[:, VariableFeature.IS_SOLUTION_AT_LOWER_BOUND] == 1)
        at_upper = ~fractional & (features[:, VariableFeature.IS_SOLUTION_AT_UPPER_BOUND] == 1)
        assert at_lower.any()
        assert (found.down_gains[at_lower] == 0).all()
        assert (found.up_gains[at_upper] == 0).all()
        # The artefact that is corrected: SCIP ranks some integral variable above all fractional.
        assert fractional[found.chosen]


def test_the_expert_needs_a_solved_node() -> None:
    with pytest.raises(RuntimeError, match="no focus node"):
        strong_branching(item_placement())


def test_not_idempotent_strong_branching_leaves_pseudocosts() -> None:
    for idempotent in (True, False):
        model = item_placement()
        known: list[bool] = []

        def branch(
            observation: Observation,
            candidates: NDArray[np.int32],
            model: Model = model,
            known: list[bool] = known,
            idempotent: bool = idempotent,
        ) -> int:
            found = strong_branching(model, idempotent=idempotent)
            variables = model.getVars(transformed=True)
            known.append(
                any(
                    model.getVarPseudocost(variables[j], pyscipopt.SCIP_BRANCHDIR.UPWARDS) != 1.0
                    for j in found.candidates
                )
            )
            model.interruptSolve()
            return 0

        attach_callable(model, branch)
        model.optimize()
        model.free()
        assert known == [not idempotent]
