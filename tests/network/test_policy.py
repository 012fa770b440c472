"""Policies in folders: written and read unchanged, their identity, damaged files."""

import json
import subprocess
import sys

import numpy as np
import pytest

from kida.errors import UserError
from kida.network.architecture import Architecture, shapes
from kida.network.card import Card
from kida.network.policy import LARGEST_WEIGHTS, Policy, shipped
from kida.solver.policies import policy_identity


def random_weights(architecture: Architecture, seed: int = 0):
    generator = np.random.default_rng(seed)
    return {
        name: generator.standard_normal(shape).astype(np.float32)
        for name, shape in shapes(architecture).items()
    }


@pytest.fixture
def policy() -> Policy:
    architecture = Architecture(16)
    card = Card(
        architecture,
        candidates="unfixed",
        expert_depth=8,
        expert_iterations=50,
        recipe={"generation": 3},
        seeds=(1, 2),
        scip_version="10.0.0",
        results=({"command": "kida evaluate", "reward": 1.5},),
    )
    return Policy(random_weights(architecture), card)


def test_saved_policy_loads_unchanged(policy, tmp_path):
    policy.save(tmp_path / "p")
    loaded = Policy.load(tmp_path / "p")
    assert loaded.card == policy.card
    assert loaded.weights.keys() == policy.weights.keys()
    assert [*loaded.weights] == sorted(policy.weights)  # the same order, whoever loads it
    for name, array in policy.weights.items():
        np.testing.assert_array_equal(loaded.weights[name], array)
    assert sorted(path.name for path in (tmp_path / "p").iterdir()) == [
        "card.json",
        "weights.safetensors",
    ]


def test_weights_are_in_one_order(policy, tmp_path):
    policy.save(tmp_path / "p")
    orders = {tuple(Policy.load(tmp_path / "p").weights) for _ in range(20)}
    assert orders == {tuple(sorted(policy.weights))}


def test_identities_outlive_the_schema(policy):
    """Rewards on disk go by them; typed in from before there were statistics."""
    card = Card(Architecture(8), candidates="unfixed", parameters={"misc/usesymmetry": 2})
    weights = {n: np.full(s, 0.5, np.float32) for n, s in shapes(Architecture(8)).items()}
    assert Policy(weights, card).identity()[:16] == "88b844c584abddc5"


def test_what_is_left_to_scip_is_part_of_the_identity(policy):
    cards = [
        Card(Architecture(16)),
        Card(Architecture(16), network_depth=8),
        Card(Architecture(16), shortlist=8),
    ]
    assert len({Policy(policy.weights, card).identity() for card in cards}) == 3


def test_damaged_files_are_refused(policy, tmp_path):
    policy.save(tmp_path)
    weights = tmp_path / "weights.safetensors"
    content = weights.read_bytes()
    weights.write_bytes(content[: len(content) // 2])
    with pytest.raises(UserError, match="truncated or damaged"):
        Policy.load(tmp_path)
    weights.write_bytes(bytes(LARGEST_WEIGHTS + 1))
    with pytest.raises(UserError, match=r"weights\.safetensors .* more than 2048 KiB"):
        Policy.load(tmp_path)
    # A header without arrays, and a type of number that numpy has not.
    tensor = {"dtype": "BF16", "shape": [1], "data_offsets": [0, 2]}
    for header in (b"{}", json.dumps({"output_module.0.bias": tensor}).encode()):
        weights.write_bytes(len(header).to_bytes(8, "little") + header + b"\0\0")
        with pytest.raises(UserError):
            Policy.load(tmp_path)
    weights.unlink()
    with pytest.raises(UserError, match=r"holds no weights\.safetensors"):
        Policy.load(tmp_path)
    (tmp_path / "card.json").unlink()
    with pytest.raises(UserError, match=r"holds no card\.json"):
        Policy.load(tmp_path)


def test_card_and_weights_must_belong_together(policy, tmp_path):
    with pytest.raises(UserError, match="do not belong together"):
        Policy(policy.weights, Card(Architecture(32)))
    policy.save(tmp_path)
    file = tmp_path / "card.json"
    content = json.loads(file.read_text())
    content["architecture"]["embedding_size"] = 32
    file.write_text(json.dumps(content))
    with pytest.raises(UserError, match="do not belong together"):
        Policy.load(tmp_path)


def test_a_program_builds_no_policy_with_a_wrong_card(policy):
    with pytest.raises(UserError, match=r"this Card makes no sense: expert_depth is -2"):
        Policy(policy.weights, Card(Architecture(16), expert_depth=-2))


def test_the_largest_network_fits_within_the_bound(tmp_path):
    architecture = Architecture(128, candidate_features=True)
    Policy(random_weights(architecture), Card(architecture)).save(tmp_path)
    assert (tmp_path / "weights.safetensors").stat().st_size < LARGEST_WEIGHTS / 1.5
    assert Policy.load(tmp_path).card.architecture == architecture


def test_unknown_name_tells_the_shipped_ones():
    with pytest.raises(UserError, match="shipped: "):
        Policy.load("no_such_policy")


#: The first digits, as they were when rewards were recorded under them.
IDENTITIES = {
    "combinatorial_auction": "658215d90194cf43",
    "facility_location": "1766036ccf1437ca",
    "fixed_charge_network": "e35e13422128b544",
    "independent_set": "166eed57e4aa5e84",
    "item_placement": "236c016fbb7f8276",
    "load_balancing": "7ac28b6119b409cc",
    "maritime_inventory_routing": "0f3706fb7773fcf7",
    "set_cover": "926a60335d01b287",
}


def test_shipped_policies_load_as_they_were_measured():
    assert shipped().keys() == IDENTITIES.keys()
    for name, identity in IDENTITIES.items():
        policy = Policy.load(name)
        assert policy.card.recipe
        assert policy.identity()[:16] == identity


def test_loading_a_policy_needs_no_torch(policy, tmp_path):
    policy.save(tmp_path)
    code = (
        "import sys; from kida.network.policy import Policy; "
        f"Policy.load({str(tmp_path)!r}).native(); sys.exit('torch' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_run_is_known_by_its_folder(tmp_path, make_policy):
    policy = make_policy(0)
    policy.save(tmp_path / "run" / "policy")
    assert Policy.load(tmp_path / "run").identity() == policy.identity()
    assert policy_identity(f"{tmp_path / 'run'}-bestbound").startswith("network sha256:")


def test_a_policy_without_a_network_is_a_card_alone(tmp_path):
    policy = Policy({}, Card(None, parameters={"misc/usesymmetry": 2}))
    policy.save(tmp_path / "p")
    assert [path.name for path in (tmp_path / "p").iterdir()] == ["card.json"]
    loaded = Policy.load(tmp_path / "p")
    assert loaded.card == policy.card
    assert not loaded.has_network
    assert loaded.identity() == policy.identity()
    assert loaded.identity() != Policy({}, Card(None)).identity()
    with pytest.raises(UserError, match="has no network"):
        loaded.native()


def test_weights_beside_a_card_without_a_network_are_refused(policy, tmp_path):
    policy.save(tmp_path / "p")
    (tmp_path / "p" / "card.json").write_text(json.dumps(Card(None).to_json()))
    with pytest.raises(UserError, match="the card says that there is no network"):
        Policy.load(tmp_path / "p")
