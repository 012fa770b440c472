"""Ecole's names, one by one: what they return, and what they refuse."""

import copy
import gc
import math
import os
import time
import warnings
import weakref
from pathlib import Path

import numpy as np
import pytest
from pyscipopt import Eventhdlr, Model

import kida.ecole as ecole
from kida.env import observation as env_observation
from kida.env.observation import KhalilFeature
from kida.errors import UserError


@pytest.fixture
def branching():
    """Return what makes environments whose episodes are short."""

    def make(**given):
        params = {"limits/nodes": 12, "presolving/maxrestarts": 0}
        return ecole.environment.Branching(scip_params=params, **given)

    return make


def steps(env, instance, policy=lambda actions, seen: actions[0]):
    """Play an episode; return what each call returned."""
    found = [env.reset(instance)]
    while not found[-1][3]:
        observation, action_set, *_ = found[-1]
        found.append(env.step(policy(action_set, observation)))
    return found


def test_the_generator_is_the_standard_librarys():
    generator = ecole.RandomGenerator()
    generator.discard(9999)
    assert generator() == 4123659995  # C++ standard, [rand.predef]
    other = ecole.RandomEngine(2**32 + 5)
    assert other == ecole.RandomGenerator(5)
    assert copy.deepcopy(other)() == other()
    ecole.seed(1)
    first = ecole.spawn_random_engine()
    ecole.seed(1)
    assert ecole.spawn_random_generator() == first != ecole.spawn_random_generator()


def test_a_seed_makes_an_episode(branching, instance):
    episodes = []
    for seed in (4, 4, 5):
        env = branching(observation_function=None, reward_function=ecole.reward.LpIterations())
        env.seed(seed)
        episodes.append(
            [(tuple(a) if a is not None else None, r) for _, a, r, _, _ in steps(env, instance)]
        )
    assert episodes[0] == episodes[1] != episodes[2]


def test_five_tuples_and_their_end(branching, instance):
    env = branching()
    found = steps(env, instance)
    assert len(found) > 3
    for observation, actions, reward, done, info in found[:-1]:
        assert isinstance(observation, ecole.observation.NodeBipartiteObs)
        assert actions.dtype == np.uint64
        assert (reward, done, info) == (0.0, False, {})
    assert found[-1] == (None, None, 1.0, True, {})
    with pytest.raises(ecole.MarkovError, match="reset"):
        env.step(0)


def test_actions_that_make_no_sense_and_the_default(branching, instance):
    env = branching()
    _, actions, *_ = env.reset(instance)
    outside = int(actions.max()) + 1000
    with pytest.raises(ValueError, match="not in the action set"):
        env.step(outside)
    env.reset(instance)
    assert not env.step(ecole.Default)[3]
    assert not env.step("default")[3]


def test_an_episode_left_in_its_middle_ends(instance):
    def threads():
        return len(os.listdir("/proc/self/task"))

    before = threads()
    for _ in range(20):
        env = ecole.environment.Branching(observation_function=None)
        env.reset(instance)
        env.reset(instance)
    assert not env.reset(instance)[3]
    assert threads() == before + 1
    del env
    gc.collect()
    assert threads() == before


def test_models_that_plugins_keep_alive_are_collected(instance):
    class Handler(Eventhdlr):
        pass

    class Watches:
        def before_reset(self, model):
            handler = Handler()
            handler.model_of_ecole = model
            model.as_pyscipopt().includeEventhdlr(handler, "watches", "")
            models.add(model.as_pyscipopt())

        def extract(self, model, done):
            return None

    models = weakref.WeakSet()
    env = ecole.environment.Configuring(observation_function=Watches())
    gc.collect()
    gc.disable()
    try:
        for _ in range(40):
            env.reset(instance)
            env.step({"limits/nodes": 1})
            assert len(models) < 30
    finally:
        gc.enable()


def test_observations_run_over_all_variables(branching, instance):
    functions = {
        "pseudocosts": ecole.observation.Pseudocosts(),
        "expert": ecole.observation.StrongBranchingScores(),
        "all": ecole.observation.StrongBranchingScores(pseudo_candidates=True),
        "khalil": ecole.observation.Khalil2016(),
        "graph": ecole.observation.NodeBipartite(cache=True),
        "node": ecole.observation.FocusNode(),
    }
    env = branching(observation_function=functions)
    found = steps(env, instance)
    for observation, actions, *_ in found[:-1]:
        n = len(observation["graph"].variable_features)
        for name in ("pseudocosts", "expert"):
            assert observation[name].shape == (n,)
            assert np.flatnonzero(~np.isnan(observation[name])).tolist() == sorted(actions)
        assert np.isfinite(observation["all"]).sum() >= len(actions)
        features = observation["khalil"].features
        assert features.shape == (n, 72)
        assert np.flatnonzero(~np.isnan(features[:, 0])).tolist() == sorted(actions)
        column = ecole.observation.Khalil2016Obs.Features.slack
        graph = observation["graph"]
        fractions = graph.column_features[actions, graph.ColumnFeatures.solution_frac]
        np.testing.assert_allclose(
            features[actions, column], np.minimum(fractions, 1 - fractions), atol=1e-6
        )
        assert graph.edge_features.indices.shape == (2, graph.edge_features.nnz)
    assert found[0][0]["node"].number == 0
    assert len(KhalilFeature) == 72


def bipartite() -> ecole.scip.Model:
    """A maximisation with sides of every kind."""
    model = Model()
    model.hideOutput()
    x = model.addVar("x", vtype="B")
    y = model.addVar("y", vtype="I", lb=-2, ub=5)
    z = model.addVar("z", lb=None)
    model.addCons(3 * x + 4 * y >= 1)
    model.addCons((3 * y - z <= 4) >= -4)
    model.setObjective(3 * x - 4 * y, "maximize")
    return ecole.scip.Model.from_pyscipopt(model)


def test_the_whole_problem_before_its_solve():
    class Seen(ecole.environment.Configuring):
        __DefaultObservationFunction__ = ecole.observation.MilpBipartite

    env = Seen()
    seen, *_ = env.reset(bipartite())
    names = seen.VariableFeatures
    assert [name.name for name in names] == [
        "objective",
        "is_type_binary",
        "is_type_integer",
        "is_type_implicit_integer",
        "is_type_continuous",
        "has_lower_bound",
        "has_upper_bound",
        "lower_bound",
        "upper_bound",
    ]
    assert seen.variable_features[:, names.objective].tolist() == [-3, 4, 0]
    edges = seen.edge_features
    dense = np.zeros(edges.shape)
    dense[tuple(edges.indices)] = edges.values
    assert dense.tolist() == [[-3, -4, 0], [0, -3, 1], [0, 3, -1]]
    assert seen.constraint_features[:, seen.ConstraintFeatures.bias].tolist() == [-1, 4, 4]
    assert env.step({})[0] is None
    assert ecole.observation.MilpBipartite().extract(env.model, False) is None


def test_the_whole_problem_normalized_and_not_linear():
    model = bipartite()
    function = ecole.observation.MilpBipartite(normalize=True)
    seen = function.extract(model, False)
    np.testing.assert_allclose(seen.variable_features[:, 0], [-0.6, 0.8, 0])
    np.testing.assert_allclose(seen.constraint_features[:, 0], [-0.2, 4 / 10**0.5, 4 / 10**0.5])
    assert seen.edge_features.values.tolist() == [-3, -4, -3, 1, 3, -1]
    x, y, _ = model.as_pyscipopt().getVars()
    model.as_pyscipopt().addCons(x * y * y <= 3)
    with pytest.raises(ecole.Exception, match=r"1 constraint\(s\) cannot be expressed as linear"):
        function.extract(model, False)


class _Both:
    """What ``kida.env`` observes at the nodes of an episode of ``kida.ecole``."""

    def __init__(self):
        self.functions = {
            "graph": env_observation.NodeBipartite(),
            "pseudocosts": env_observation.Pseudocosts(),
            "expert": env_observation.StrongBranchingScores("unfixed", artefact=True),
            "khalil": env_observation.Khalil2016(),
            "node": env_observation.FocusNode(),
        }

    def before_reset(self, model):
        for function in self.functions.values():
            function.before_reset(model.as_pyscipopt())

    def extract(self, model, done):
        scip = model.as_pyscipopt()
        return {name: f.extract(scip, done) for name, f in self.functions.items()}


def test_both_interfaces_agree(branching, instance):
    seen = {
        "graph": ecole.observation.NodeBipartite(),
        "pseudocosts": ecole.observation.Pseudocosts(),
        "expert": ecole.observation.StrongBranchingScores(pseudo_candidates=True),
        "khalil": ecole.observation.Khalil2016(),
        "node": ecole.observation.FocusNode(),
    }
    env = branching(observation_function=(seen, _Both()))
    odd = [f for f in KhalilFeature if "ACTIVE" in f.name or f.name == "ROWS_NEG_COEFS_MAX"]
    columns = np.setdiff1d(np.arange(72), odd)
    for observed, *_ in steps(env, instance)[:-1]:
        theirs, ours = observed
        graph = ours["graph"]
        np.testing.assert_array_equal(theirs["graph"].variable_features, graph.variable_features)
        np.testing.assert_array_equal(theirs["graph"].row_features, graph.row_features)
        np.testing.assert_array_equal(theirs["graph"].edge_features.indices, graph.edge_indices)
        np.testing.assert_array_equal(theirs["graph"].edge_features.values, graph.edge_values)
        for name in ("pseudocosts", "expert"):
            at = ours[name].candidates
            np.testing.assert_allclose(theirs[name][at], ours[name].scores, rtol=1e-6)
        features = theirs["khalil"].features[ours["khalil"].candidates]
        np.testing.assert_array_equal(features[:, columns], ours["khalil"].features[:, columns])
        assert theirs["node"].number == ours["node"].number - 1
        assert theirs["node"].lowerbound == ours["node"].lower_bound


def test_lists_numbers_and_functions_in_tuples(branching, instance):
    class Own:
        def before_reset(self, model):
            self.model = model

        def extract(self, model, done):
            assert model == self.model
            return model.stage

    env = branching(observation_function=(Own(), [3, None], {"a": Own()}), reward_function=2.5)
    first = env.reset(instance)
    stage = ecole.scip.Stage.Solving
    assert first[0] == [stage, [3, None], {"a": stage}]
    assert first[2] == 2.5


def test_rewards_have_arithmetic(branching, instance):
    class Twice(ecole.reward.NNodes):
        def extract(self, model, done=False):
            return 2 * super().extract(model, done)

    nodes = ecole.reward.NNodes
    rewards = {
        "nodes": nodes(),
        "formula": (3 * nodes() - 1) ** 2 / 4 + abs(-nodes()),
        "twice": -Twice(),
        "sum": nodes().cumsum(),
        "exp": nodes().exp().apply(math.log),
    }
    env = branching(observation_function=None, information_function=rewards)
    total = 0
    for *_, info in steps(env, instance):
        n = info["nodes"]
        total += n
        assert info["formula"] == pytest.approx((3 * n - 1) ** 2 / 4 + n)
        assert (info["twice"], info["sum"]) == (-2 * n, total)
        assert info["exp"] == pytest.approx(n)
    assert total == env.model.as_pyscipopt().getNNodes()


def test_integrals_are_areas(branching, instance):
    """Of a maximisation: all areas have a minimisation's sign."""
    rewards = {
        "dual": ecole.reward.DualIntegral(wall=True, bound_function=lambda m: (0.0, 1e5)),
        "primal": ecole.reward.PrimalIntegral(wall=True, bound_function=lambda m: (0.0, -1e5)),
        "gap": ecole.reward.PrimalDualIntegral(wall=True, bound_function=lambda m: (-1e5, 1e5)),
        "one": ecole.reward.DualIntegral(wall=True, bound_function=lambda m: (0.0, 1.0)),
        "time": ecole.reward.SolvingTime(wall=True),
        "process": ecole.reward.DualIntegral(bound_function=lambda m: (0.0, 1.0)),
    }
    env = branching(observation_function=None, information_function=rewards)
    begin = time.perf_counter()
    found = [info for *_, info in steps(env, instance)]
    lasted = time.perf_counter() - begin
    for info in found:
        # The bound is above the optimum throughout, the primal one below it.
        assert info["gap"] == pytest.approx(info["dual"] + info["primal"], abs=0.05 * 1e5)
        assert info["gap"] >= 0
    # With a dual bound of 1 for ever the area is the time.
    assert sum(info["one"] for info in found) == pytest.approx(lasted, rel=0.3)
    assert 0 < sum(info["time"] for info in found) <= lasted
    assert sum(info["process"] for info in found) > 0


def test_models(instance, tmp_path):
    model = ecole.scip.Model.from_file(instance)
    assert (model.name, model.stage) == ("knapsacks", ecole.scip.Stage.Problem)
    model.set_params({"limits/nodes": 3, "branching/scorefunc": "s"})
    assert (model.get_param("limits/nodes"), model.get_params()["branching/scorefunc"]) == (3, "s")
    copied = model.copy_orig()
    assert copied.get_param("limits/nodes") == 3
    assert copied != model == ecole.core.scip.Model.from_pyscipopt(model.as_pyscipopt())
    copied.disable_cuts()
    copied.disable_presolve()
    copied.solve()
    assert not copied.is_solved  # it is at its limit
    assert copied.stage == ecole.scip.Stage.Solving
    assert copied.primal_bound <= copied.dual_bound
    model.write_problem(tmp_path / "again.lp")
    assert ecole.scip.Model.from_file(tmp_path / "again.lp").stage == ecole.scip.Stage.Problem
    with pytest.raises(ecole.scip.Exception, match="nonesuch"):
        model.get_param("nonesuch")
    with pytest.raises(ecole.Exception, match="SCIP refuses"):
        model.set_params({"limits/nodes": -5})
    with pytest.raises(UserError, match="no file"):
        ecole.scip.Model.from_file("nonesuch.lp")
    assert ecole.scip.Model.prob_basic("empty").name == "empty"
    assert isinstance(model.as_pyscipopt(), Model)


@pytest.mark.parametrize(
    ("generator", "variables"),
    [
        (
            lambda rng: ecole.instance.SetCoverGenerator(
                n_rows=30, n_cols=40, density=0.2, rng=rng
            ),
            40,
        ),
        (lambda rng: ecole.instance.CombinatorialAuctionGenerator(10, 30, rng=rng), 30),
        (lambda rng: ecole.instance.CapacitatedFacilityLocationGenerator(6, 4, rng=rng), 28),
        (lambda rng: ecole.instance.IndependentSetGenerator(n_nodes=20, rng=rng), 20),
    ],
)
def test_instances_come_from_a_generator(generator, variables, tmp_path):
    streams = [generator(ecole.RandomGenerator(2)) for _ in range(2)]
    texts = []
    for stream in streams:
        for k, model in zip(range(2), stream, strict=False):
            assert model.as_pyscipopt().getNVars() == variables
            model.write_problem(tmp_path / f"{k}.lp")
            texts.append((tmp_path / f"{k}.lp").read_text())
    assert texts[:2] == texts[2:]
    assert texts[0] != texts[1]
    streams[0].seed(2)
    next(streams[0]).write_problem(tmp_path / "again.lp")
    assert (tmp_path / "again.lp").read_text() == texts[0]


def test_instances_come_from_files(instance):
    files = ecole.instance.FileGenerator(instance.parent, sampling_mode="remove")
    assert [model.name for model in files] == ["knapsacks"]
    with pytest.raises(ecole.Exception, match="not 'some'"):
        ecole.instance.FileGenerator(instance.parent, sampling_mode="some")
    kinds = ecole.instance.IndependentSetGenerator.GraphType
    assert ecole.instance.IndependentSetGenerator(graph_type=kinds.barabasi_albert).affinity == 4
    with pytest.raises(ecole.Exception, match="only 'barabasi_albert'"):
        ecole.instance.IndependentSetGenerator(graph_type=kinds.erdos_renyi)
    ecole.instance.CombinatorialAuctionGenerator(n_items=10, n_bids=20, add_item_prob=0.7)
    with pytest.raises(ecole.Exception, match=r"add_item_prob = 0.9 is not offered here, only 0.7"):
        ecole.instance.CombinatorialAuctionGenerator(add_item_prob=0.9)
    with pytest.raises(ecole.Exception, match="there is no parameter 'n_rows'"):
        ecole.instance.CapacitatedFacilityLocationGenerator(n_rows=3)


def test_primal_search_finds_solutions(instance):
    """By rounding down: the LP's solution of a packing problem, which is then a solution."""
    env = ecole.environment.PrimalSearch(
        trials_per_node=2, depth_stop=3, scip_params={"limits/nodes": 20}
    )
    env.seed(0)
    observation, actions, _, done, _ = env.reset(instance)
    m = env.model.as_pyscipopt()
    m.getNSolsFound()
    found, stops = [], 0
    while not done:
        column = observation.VariableFeatures.solution_value
        values = np.floor(observation.variable_features[actions, column] + 1e-6)
        before = m.getNSolsFound()
        observation, actions, _, done, _ = env.step((actions, values))
        found.append(m.getNSolsFound() - before)
        stops += 1
    assert stops > 2
    assert sum(found) > 0
    assert m.getPrimalbound() > 0


def test_primal_search_refuses_what_makes_no_sense(instance):
    env = ecole.environment.PrimalSearch(trials_per_node=-1)
    _, actions, _, done, _ = env.reset(instance)
    assert not done
    for wrong in ((actions, [0.0]), ([10**6], [0.0])):
        with pytest.raises(ValueError, match="as many values"):
            env.dynamics.step_dynamics(env.model, wrong)
    # Without an end, trials stay at the node.
    nodes = env.model.as_pyscipopt().getNNodes()
    for _ in range(3):
        assert not env.step("default")[3]
    assert env.model.as_pyscipopt().getNNodes() == nodes
    env.model.set_param("limits/time", 0.001)
    assert env.step(ecole.Default)[3]


def test_the_trap_of_nans_is_named_once(branching, instance, monkeypatch):
    monkeypatch.setattr(ecole.observation._Scores, "_warned", False)
    env = branching(observation_function=ecole.observation.Pseudocosts(), pseudo_candidates=True)
    with pytest.warns(RuntimeWarning, match="nanargmax"):
        env.reset(instance)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        env.reset(instance)


@pytest.mark.parametrize("suffix", ["mps", "lp", "cip"])
def test_a_problem_that_the_disk_has_no_room_for_is_said_to_be_so(instance, tmp_path, suffix):
    model, path = ecole.scip.Model.from_file(instance), tmp_path / f"gr\udcf6.{suffix}"
    model.write_problem(path)
    whole = path.read_bytes()
    assert whole.split()[-1].upper() in (b"END", b"ENDATA")

    class Full:
        def writeProblem(self, filename, verbose):  # noqa: N802
            Path(filename).write_bytes(whole[:-10])  # SCIP says nothing

    with pytest.raises(UserError, match="No space left"):
        ecole.scip.Model(Full()).write_problem(path)
    assert path.read_bytes() == whole
    model.write_problem(tmp_path / "plain")
    assert len([*tmp_path.iterdir()]) == 2
    assert (tmp_path / "plain.cip").exists()
