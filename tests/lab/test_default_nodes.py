"""Nodes of SCIP's default: which are kept, and what is told of them."""

from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy

from kida import _core
from kida.env.actions import DEFAULT
from kida.env.branching import Branching
from kida.env.observation import Khalil2016, KhalilFeature, TreeGate, TreeGateCandidateFeature
from kida.errors import UserError
from kida.instances.family import Instance
from kida.instances.registry import instances
from kida.lab.default_nodes import collect, read
from kida.learning.steering import TRAINED_ON
from kida.network.steering import FEATURES
from kida.solver.branching import capsule


def test_nodes_of_a_solve_are_kept_once(tmp_path: Path):
    (instance,) = instances("multidimensional_knapsack", "train", 0, 1)
    path = tmp_path / "nodes.safetensors"
    collect(instance, 1, 20.0, path)
    before = path.read_bytes()
    found = read(path, "knapsack")
    assert found
    for each in found:
        count = len(each.scores)
        assert count >= 5
        # Of the statistics, Khalil's, and TreeGate's of candidates and of the tree.
        assert each.features.shape == (count, 9 + 72 + 25 + 61)
        assert np.isfinite(each.features).all()
        assert each.steering.shape == (count, len(TRAINED_ON))
        assert each.scores.max() > 0
        assert each.observations.min() >= 0
    assert {each.number for each in found} >= {1}
    # SCIP's own order is by pseudocosts first.
    assert np.corrcoef(found[-1].own, found[-1].pseudocosts)[0, 1] > 0.5
    collect(instance, 1, 20.0, path)
    assert path.read_bytes() == before
    (knapsack,) = instances("multiple_knapsack", "train", 0, 1)
    collect(knapsack, 0, 1e-3, tmp_path / "none.safetensors")
    assert read(tmp_path / "none.safetensors", "knapsack") == []


def test_fraction_and_objective_are_what_the_steered_rule_reads():
    (instance,) = instances("fixed_charge_network", "train", 0, 1)
    compared = 0
    with Branching((Khalil2016(), TreeGate())) as env:
        (khalil, tree_gate), _ = env.reset(instance, 0)
        while not env.done and compared < 5:
            candidates = env.action_set.astype(np.int32)
            native = _core.observe_steering(capsule(env.model), candidates)
            fraction = tree_gate.candidate_features[:, TreeGateCandidateFeature.FRACTION]
            size = np.abs(khalil.features[:, KhalilFeature.OBJ_COEF])
            np.testing.assert_allclose(
                native[:, FEATURES.index("fractionality")],
                2 * np.minimum(fraction, 1 - fraction),
                atol=1e-6,
            )
            np.testing.assert_allclose(
                native[:, FEATURES.index("objective_size")],
                size / max(size.max(), 1e-300),
                atol=1e-6,
            )
            compared += 1
            seen, *_ = env.step(DEFAULT)
            if not env.done:
                khalil, tree_gate = seen
    assert compared == 5


def test_a_problem_that_cannot_be_read_leaves_no_nodes_and_says_so(tmp_path: Path, capsys):
    broken = tmp_path / "broken.lp"
    broken.write_text("minimize\n obj: x +\nsubject to\n c: x >= >= 1\nend\n")
    instance = Instance("broken", str(tmp_path), "", "all", 0, str(broken))
    path = tmp_path / "nodes.safetensors"
    collect(instance, 0, 1.0, path)
    assert not path.exists()
    assert read(path, "broken") == []
    assert "warning: broken is left out" in capsys.readouterr().out


def test_files_that_hold_something_else_are_refused(tmp_path: Path):
    path = tmp_path / "nodes.safetensors"
    path.write_bytes(b"nothing")
    with pytest.raises(UserError, match="cannot be read"):
        read(path, "a")
    path.write_bytes(safetensors.numpy.save({"sizes": np.array([3])}))
    with pytest.raises(UserError, match="other arrays than nodes have"):
        read(path, "a")
