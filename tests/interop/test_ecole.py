"""Policies as Ecole agents: on recorded observations always, on a live Ecole where there is one."""

import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

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


def test_a_policy_that_reads_statistics_is_refused(make_policy, tmp_path):
    make_policy(candidate_features=True).save(tmp_path / "policy")
    with pytest.raises(UserError, match="which Ecole does not observe"):
        Policy(tmp_path / "policy")


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


def test_without_ecole_the_observation_says_so():
    if "ecole" in sys.modules or _installed():
        pytest.skip("Ecole is installed here")
    with pytest.raises(ImportError, match="conda"):
        ObservationFunction("item_placement")


def _installed() -> bool:
    import importlib.util

    return importlib.util.find_spec("ecole") is not None


def test_a_live_ecole_is_branched(published):
    ecole = pytest.importorskip("ecole", reason="Ecole comes from conda only, see docs/ecole.md")
    environment = ecole.environment.Branching(
        pseudo_candidates=True,
        observation_function=ObservationFunction("item_placement"),
        scip_params={"limits/nodes": 20},
    )
    policy = Policy(published)
    instance = next(ecole.instance.SetCoverGenerator(n_rows=60, n_cols=120, rng=0))
    observation, action_set, _, done, _ = environment.reset(instance)
    steps = 0
    while not done:
        choice = policy(action_set, observation)
        assert choice in action_set
        observation, action_set, _, done, _ = environment.step(choice)
        steps += 1
    assert steps > 0
