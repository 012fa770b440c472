"""Policies as Ecole agents: on recorded observations always, on a live Ecole where there is one."""

import importlib.util
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from pyscipopt import Model, quicksum

import kida
from kida.errors import UserError
from kida.interop.ecole import ObservationFunction, Policy, from_ecole
from kida.network.checkpoint import import_checkpoint
from kida.network.policy import Policy as Network


def recorded(path, name="variable_features"):
    """An observation of a real Ecole, in the form of Ecole 0.8, or of 0.7 by ``name``."""
    with np.load(path) as arrays:
        edges = SimpleNamespace(indices=arrays["edge_indices"], values=arrays["edge_values"])
        fields = {name: arrays["column_features"], "row_features": arrays["row_features"]}
        return SimpleNamespace(edge_features=edges, **fields), dict(arrays)


@pytest.fixture(scope="module")
def golden(shared_data):
    files = sorted((shared_data / "golden").glob("*.node*.npz"))
    assert len(files) == 25
    return files


@pytest.fixture(scope="module")
def problem(tmp_path_factory):
    """A file of a problem that has a tree under SCIP's default settings."""
    generator = np.random.default_rng(3)
    model = Model("knapsacks")
    x = [model.addVar(f"x{i}", vtype="B") for i in range(40)]
    for _ in range(6):
        weights = generator.integers(20, 1000, size=40).tolist()
        model.addCons(quicksum(w * v for w, v in zip(weights, x, strict=True)) <= sum(weights) / 2)
    values = generator.integers(400, 600, size=40).tolist()
    model.setObjective(quicksum(w * v for w, v in zip(values, x, strict=True)), "maximize")
    path = tmp_path_factory.mktemp("problem") / "knapsacks.mps"
    model.writeProblem(str(path), verbose=False)
    model.free()
    return path


@pytest.fixture(scope="module")
def published(shared_data, tmp_path_factory):
    """The golden network as a policy folder."""
    folder = tmp_path_factory.mktemp("published") / "policy"
    import_checkpoint(shared_data / "golden" / "gnn_item_random_weights.npz").save(folder)
    return folder


@pytest.mark.parametrize("name", ["column_features", "variable_features"])
def test_chooses_what_the_published_network_chose(golden, published, name):
    policy = Policy(published)
    policy.seed(0)
    for path in golden:
        observation, arrays = recorded(path, name)
        logits = arrays["gnn_logits"][arrays["action_set"]]
        choice = policy(arrays["action_set"], observation)
        # The recorded choice is the best logit; float32 sums may tie to the last digits.
        assert arrays["gnn_logits"][choice] == pytest.approx(logits.max(), rel=1e-4)


def test_scores_are_those_recorded(golden, published):
    network = Network.load(published).native()
    for path in golden:
        observation, arrays = recorded(path)
        converted = from_ecole(observation)
        everything = np.arange(len(arrays["gnn_logits"]), dtype=np.int32)
        scores = network.score(
            converted.row_features,
            converted.variable_features,
            converted.row_starts,
            converted.edge_columns,
            converted.edge_values,
            everything,
        )
        scale = np.abs(arrays["gnn_logits"]).max()
        np.testing.assert_allclose(scores, arrays["gnn_logits"], rtol=1e-4, atol=1e-4 * scale)


def test_the_order_of_edges_does_not_matter(golden):
    observation, _ = recorded(golden[0])
    expected = from_ecole(observation)
    shuffled = np.random.default_rng(0).permutation(len(observation.edge_features.values))
    edges = observation.edge_features
    edges.indices, edges.values = edges.indices[:, shuffled], edges.values[shuffled]
    found = from_ecole(observation)
    np.testing.assert_array_equal(found.row_starts, expected.row_starts)
    for left, right in zip(found.row_starts, found.row_starts[1:], strict=False):
        pairs = [
            sorted(zip(o.edge_columns[left:right], o.edge_values[left:right], strict=True))
            for o in (found, expected)
        ]
        assert pairs[0] == pairs[1]


def test_a_policy_of_fractional_candidates_never_takes_an_integral_one(
    golden, make_policy, tmp_path
):
    make_policy(candidates="fractional").save(tmp_path / "policy")
    policy = Policy(tmp_path / "policy")
    for path in golden:
        observation, found = recorded(path)
        choice = policy(found["action_set"], observation)
        assert choice in found["action_set"]
        assert observation.variable_features[choice, 9] > 0


def test_nonsense_is_refused(golden, published):
    observation, arrays = recorded(golden[0])
    with pytest.raises(ValueError, match="empty"):
        Policy(published)(arrays["action_set"][:0], observation)
    with pytest.raises(ValueError, match="no NodeBipartite"):
        from_ecole(SimpleNamespace(row_features=observation.row_features))
    with pytest.raises(UserError, match="nonesuch"):
        Policy("nonesuch")


def test_without_statistics_a_policy_that_reads_them_is_refused(golden, make_policy, tmp_path):
    make_policy(candidate_features=True).save(tmp_path / "policy")
    observation, arrays = recorded(golden[0])
    with pytest.raises(UserError, match="observations lack"):
        Policy(tmp_path / "policy")(arrays["action_set"], observation)


def test_pyscipopt_is_not_needed(golden, published):
    """Ecole comes with another SCIP and another PySCIPOpt than kida solves with."""
    code = (
        "import sys; sys.modules['pyscipopt'] = None; import numpy as np\n"
        "from types import SimpleNamespace as S; from kida.interop.ecole import Policy\n"
        f"a = np.load({str(golden[0])!r})\n"
        "e = S(indices=a['edge_indices'], values=a['edge_values'])\n"
        "o = S(row_features=a['row_features'], column_features=a['column_features'],"
        " edge_features=e)\n"
        f"print(Policy({str(published)!r})(a['action_set'], o))"
    )
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert process.returncode == 0, process.stderr
    _, arrays = recorded(golden[0])
    assert int(process.stdout) in arrays["action_set"]


OTHER_SCIP = """
import sys, types
fake = types.ModuleType("pyscipopt")
fake.scip = types.ModuleType("pyscipopt.scip")
fake.Model = type("Model", (), {"version": lambda self: 8.1, "free": lambda self: None})
sys.modules |= {"pyscipopt": fake, "pyscipopt.scip": fake.scip}
from kida.interop.ecole import ObservationFunction
"""


@pytest.mark.parametrize(
    ("call", "error"),
    [
        ("ObservationFunction('set_cover')", "ImportError: Ecole is not installed"),
        ("ObservationFunction('independent_set')", "reads the solver's statistics, which is"),
        ("ObservationFunction('item_placement', parameters=True)", "brings SCIP parameters, which"),
    ],
)
def test_under_another_scip_ecole_observes_or_a_sentence_says_why(call, error):
    if importlib.util.find_spec("ecole") is not None:
        pytest.skip("Ecole is installed here")
    process = subprocess.run(
        [sys.executable, "-c", OTHER_SCIP + call], capture_output=True, text=True
    )
    assert process.returncode == 1
    assert error in process.stderr.splitlines()[-1]
    if "ImportError" not in error:
        assert "supports SCIP 10, but PySCIPOpt brings SCIP 8.1" in process.stderr


@pytest.fixture(params=["kida.ecole", "ecole"])
def ecole(request):
    """Ecole, where it is installed; and in its place always kida's own with its interface."""
    return pytest.importorskip(request.param, reason="Ecole comes from conda, see docs/ecole.md")


SHIPPED = [
    "combinatorial_auction",
    "facility_location",
    "fixed_charge_network",
    "independent_set",
    "item_placement",
    "load_balancing",
    "maritime_inventory_routing",
    "set_cover",
]


@pytest.mark.slow
@pytest.mark.parametrize("pseudo_candidates", [False, True])
@pytest.mark.parametrize("name", SHIPPED)
def test_all_shipped_policies_branch(ecole, name, pseudo_candidates, problem):
    environment = ecole.environment.Branching(
        pseudo_candidates=pseudo_candidates,
        observation_function=ObservationFunction(name, parameters=True),
        scip_params={"limits/nodes": 8},
    )
    environment.seed(3)
    policy = Policy(name)
    observation, action_set, _, done, _ = environment.reset(str(problem))
    assert (observation.candidate_features is None) == (name in ("item_placement", "set_cover"))
    steps = 0
    while not done:
        choice = policy(action_set, observation)
        assert choice in action_set
        observation, action_set, _, done, _ = environment.step(choice)
        steps += 1
    assert steps > 3


@pytest.mark.slow
@pytest.mark.parametrize("name", ["set_cover", "combinatorial_auction", "item_placement"])
def test_the_tree_is_the_one_that_kida_makes(ecole, name, problem):
    """With the card's parameters and the same seeds: node for node, iteration for iteration."""
    environment = ecole.environment.Branching(
        observation_function=ObservationFunction(name, parameters=True),
        scip_params={"limits/nodes": 30},
    )
    environment.seed(1)
    policy = Policy(name)
    observation, action_set, _, done, _ = environment.reset(str(problem))
    theirs = environment.model.as_pyscipopt()
    seeds = ("permuteconss", "permutevars", "permutationseed", "randomseedshift", "lpseed")
    known = {f"randomization/{seed}": theirs.getParam(f"randomization/{seed}") for seed in seeds}
    while not done:
        observation, action_set, _, done, _ = environment.step(policy(action_set, observation))

    ours = Model()
    ours.hideOutput()
    ours.readProblem(str(problem))
    ours.setParams({**known, "limits/nodes": 30})
    kida.attach(ours, name)
    ours.optimize()
    assert ours.getNNodes() == theirs.getNNodes() > 3
    assert ours.getNLPIterations() == theirs.getNLPIterations()
    assert ours.getDualbound() == theirs.getDualbound()
    ours.free()


@pytest.mark.parametrize("parameters", [False, True])
def test_parameters_are_set_only_if_asked_for(parameters):
    import kida.ecole as ecole

    model = ecole.scip.Model.prob_basic()
    ObservationFunction("item_placement", parameters=parameters).before_reset(model)
    assert model.get_param("misc/usesymmetry") == (2 if parameters else 7)


@pytest.mark.parametrize("options", [{"shortlist": 4}, {"network_depth": 8}])
def test_policies_in_which_scips_own_rule_chooses_are_refused(make_policy, tmp_path, options):
    make_policy(**options).save(tmp_path / "policy")
    with pytest.raises(UserError, match=r"lets SCIP's own rule choose .*, which Ecole cannot"):
        Policy(tmp_path / "policy")
