import json
import subprocess
import sys

import numpy as np
import pytest
import safetensors.numpy

from kida.errors import UserError
from kida.network.weights import (
    Architecture,
    Card,
    Policy,
    import_checkpoint,
    shapes,
    shipped,
)


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
    for name, array in policy.weights.items():
        np.testing.assert_array_equal(loaded.weights[name], array)
    assert sorted(path.name for path in (tmp_path / "p").iterdir()) == [
        "card.json",
        "weights.safetensors",
    ]


def test_default_network_has_the_published_number_of_parameters():
    statistics = ("shift", "scale")
    parameters = sum(
        int(np.prod(shape))
        for name, shape in shapes(Architecture(64)).items()
        if not name.endswith(statistics)
    )
    assert parameters == 63872


def test_shapes_are_those_of_the_torch_network():
    from kida.network.gnn import Network

    for architecture in (Architecture(8), Architecture(64), Architecture(8, statistics=True)):
        state = Network(architecture).state_dict()
        assert {name: tuple(tensor.shape) for name, tensor in state.items()} == shapes(architecture)


@pytest.mark.parametrize("size", [0, -8, 12, 136, 64.0])
def test_embedding_sizes_that_the_native_core_lacks_are_refused(size):
    with pytest.raises(UserError, match="multiple of 8"):
        Architecture(size)


def test_schema_versions_follow_from_the_architecture(policy, tmp_path):
    """A card of version 1 from before statistics loads as it did; one with them is of version 2."""
    policy.save(tmp_path / "first")
    file = tmp_path / "first" / "card.json"
    content = json.loads(file.read_text())
    assert content["schema_version"] == 1
    assert content["architecture"].pop("statistics") is False
    file.write_text(json.dumps(content))
    assert Policy.load(tmp_path / "first").card == policy.card

    architecture = Architecture(16, statistics=True)
    reading = Policy(random_weights(architecture), Card(architecture))
    assert reading.weights["output_module.0.weight"].shape == (16, 25)
    reading.save(tmp_path / "second")
    assert json.loads((tmp_path / "second" / "card.json").read_text())["schema_version"] == 2
    assert Policy.load(tmp_path / "second").card == reading.card
    with pytest.raises(UserError, match="do not belong together"):
        Policy(reading.weights, policy.card)


def test_identities_outlive_the_schema(policy):
    """Rewards on disk go by them; typed in from before there were statistics."""
    card = Card(Architecture(8), candidates="unfixed", parameters={"misc/usesymmetry": 2})
    weights = {n: np.full(s, 0.5, np.float32) for n, s in shapes(Architecture(8)).items()}
    assert Policy(weights, card).identity()[:16] == "88b844c584abddc5"


def edit_card(folder, **changes):
    file = folder / "card.json"
    content = json.loads(file.read_text())
    content.update(changes)
    file.write_text(json.dumps(content))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"schema_version": 3, "novelty": 1}, "schema version 3"),
        ({"schema_version": 0}, "schema version 0"),
        ({"schema_version": "1"}, "schema version '1'"),
        ({"schema_version": 2}, "without statistics is of version 1"),
        (
            {"architecture": {"embedding_size": 16, "statistics": True}},
            "schema version 1, but a network with statistics is of version 2",
        ),
        ({"architecture": {"embedding_size": 16, "statistics": 1}}, "must be true or false"),
        ({"novelty": 1}, "unknown field 'novelty'"),
        ({"architecture": {"embedding_size": 16, "heads": 4}}, "unknown field 'heads'"),
        ({"architecture": [16]}, "not a table"),
        ({"architecture": {"embedding_size": 32}}, "do not belong together"),
        ({"candidates": "all"}, "'fractional' or 'unfixed'"),
        ({"expert_depth": -2}, "expert_depth"),
        ({"expert_depth": "deep"}, "expert_depth"),
        ({"expert_iterations": -1}, "expert_iterations"),
        ({"parameters": {"misc/usesymmetry": [2]}}, "misc/usesymmetry"),
    ],
)
def test_cards_that_do_not_fit_are_refused(policy, tmp_path, changes, message):
    policy.save(tmp_path)
    edit_card(tmp_path, **changes)
    with pytest.raises(UserError, match=message):
        Policy.load(tmp_path)


def test_damaged_files_are_refused(policy, tmp_path):
    policy.save(tmp_path)
    weights = tmp_path / "weights.safetensors"
    content = weights.read_bytes()
    weights.write_bytes(content[: len(content) // 2])
    with pytest.raises(UserError, match="truncated or damaged"):
        Policy.load(tmp_path)
    weights.unlink()
    with pytest.raises(UserError, match=r"holds no weights\.safetensors"):
        Policy.load(tmp_path)
    (tmp_path / "card.json").write_text("{")
    with pytest.raises(UserError, match="cannot be read"):
        Policy.load(tmp_path)
    (tmp_path / "card.json").write_text("[]")
    with pytest.raises(UserError, match="no schema_version"):
        Policy.load(tmp_path)
    (tmp_path / "card.json").unlink()
    with pytest.raises(UserError, match=r"holds no card\.json"):
        Policy.load(tmp_path)


def test_weights_that_are_not_this_network_are_refused(policy):
    weights, card = policy.weights, policy.card
    name = "conv_v_to_c.output_module.0.bias"
    with pytest.raises(UserError, match="not finite"):
        Policy({**weights, name: np.full(16, np.nan, np.float32)}, card)
    with pytest.raises(UserError, match="float64"):
        Policy({**weights, name: weights[name].astype(np.float64)}, card)
    with pytest.raises(UserError, match="does not know"):
        Policy({**weights, "more": weights[name]}, card)
    with pytest.raises(UserError, match="lack"):
        Policy({key: array for key, array in weights.items() if key != name}, card)


def test_unknown_name_tells_the_shipped_ones():
    with pytest.raises(UserError, match="shipped: "):
        Policy.load("no_such_policy")


def test_shipped_policies_load():
    for name in shipped():
        assert Policy.load(name).card.recipe


@pytest.mark.parametrize("suffix", [".safetensors", ".npz", ".pt", ".pkl"])
def test_checkpoints_of_every_format_import(policy, tmp_path, suffix):
    path = tmp_path / f"checkpoint{suffix}"
    if suffix == ".safetensors":
        safetensors.numpy.save_file(policy.weights, path)
    elif suffix == ".npz":
        np.savez(path, **policy.weights)
    else:
        import torch

        torch.save({name: torch.from_numpy(a) for name, a in policy.weights.items()}, path)
    imported = import_checkpoint(path)
    assert imported.card.architecture == Architecture(16)
    assert imported.card.candidates == "unfixed"
    for name, array in policy.weights.items():
        np.testing.assert_array_equal(imported.weights[name], array)


class _Trap:
    def __reduce__(self):
        return (print, ("executed",))


def test_bad_checkpoints_are_refused_and_never_executed(policy, tmp_path, capsys):
    import torch

    trapped = tmp_path / "trapped.pkl"
    torch.save({"output_module.2.weight": _Trap()}, trapped)
    pickled = tmp_path / "pickled.npz"
    np.savez(pickled, weights=np.array([_Trap()], dtype=object))
    capsys.readouterr()
    for path in (trapped, pickled):
        with pytest.raises(UserError, match="no readable checkpoint"):
            import_checkpoint(path)
    assert "executed" not in capsys.readouterr().out
    with pytest.raises(UserError, match="there is no checkpoint"):
        import_checkpoint(tmp_path / "none.pt")
    (tmp_path / "model.onnx").write_bytes(b"")
    with pytest.raises(UserError, match="not a known checkpoint format"):
        import_checkpoint(tmp_path / "model.onnx")
    np.savez(tmp_path / "other.npz", bias=np.zeros(3))
    with pytest.raises(UserError, match="not a KIDA network"):
        import_checkpoint(tmp_path / "other.npz")
    np.savez(
        tmp_path / "wide.npz", **{**policy.weights, "output_module.2.weight": np.ones((1, 12))}
    )
    with pytest.raises(UserError, match="multiple of 8"):
        import_checkpoint(tmp_path / "wide.npz")


def test_loading_a_policy_needs_no_torch(policy, tmp_path):
    policy.save(tmp_path)
    code = (
        "import sys; from kida.network.weights import Policy; "
        f"Policy.load({str(tmp_path)!r}).native(); sys.exit('torch' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
