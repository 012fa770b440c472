"""Checkpoints of others: every format, never executed, none without bounds."""

import zipfile

import numpy as np
import pytest
import safetensors.numpy

from kida.errors import UserError
from kida.network.architecture import Architecture, shapes
from kida.network.card import Card
from kida.network.checkpoint import LARGEST_CHECKPOINT, import_checkpoint
from kida.network.policy import Policy


@pytest.fixture
def policy() -> Policy:
    generator = np.random.default_rng(0)
    return Policy(
        {
            name: generator.standard_normal(shape).astype(np.float32)
            for name, shape in shapes(Architecture(16)).items()
        },
        Card(Architecture(16)),
    )


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


def test_a_network_of_all_columns_is_told_from_kidas(tmp_path):
    architecture = Architecture(16, incumbent_features=True)
    weights = {name: np.ones(shape, np.float32) for name, shape in shapes(architecture).items()}
    path = tmp_path / "checkpoint.npz"
    np.savez(path, **weights)
    imported = import_checkpoint(path)
    assert imported.card.architecture == architecture
    assert imported.card.candidates == "fractional"
    imported.save(tmp_path / "policy")
    assert Policy.load(tmp_path / "policy").card == imported.card


def test_a_training_checkpoint_may_hold_the_state_dictionary(policy, tmp_path):
    import torch

    state = {name: torch.from_numpy(a).double() for name, a in policy.weights.items()}
    torch.save({"state_dict": state, "epoch": 3}, tmp_path / "training.pt")
    imported = import_checkpoint(tmp_path / "training.pt")
    np.testing.assert_array_equal(
        imported.weights["var_embedding.1.bias"], policy.weights["var_embedding.1.bias"]
    )
    torch.save({"model": state}, tmp_path / "other.pt")
    with pytest.raises(UserError, match="no state dictionary"):
        import_checkpoint(tmp_path / "other.pt")


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
    with pytest.raises(UserError, match="only be read by executing code in it"):
        import_checkpoint(trapped)
    np.savez(tmp_path / "words.npz", bias=np.array(["one"]))
    with pytest.raises(UserError, match="weights are floating-point numbers"):
        import_checkpoint(tmp_path / "words.npz")
    np.savez(tmp_path / "other.npz", bias=np.zeros(3))
    with pytest.raises(UserError, match="not a network of the KIDA"):
        import_checkpoint(tmp_path / "other.npz")
    np.savez(
        tmp_path / "wide.npz", **{**policy.weights, "output_module.2.weight": np.ones((1, 12))}
    )
    with pytest.raises(UserError, match="multiple of 8"):
        import_checkpoint(tmp_path / "wide.npz")


def test_more_than_a_checkpoint_holds_is_not_read(tmp_path):
    """Of zeros, an archive of a few kilobytes unpacks to gigabytes."""
    for suffix in (".npz", ".pt"):
        bomb = tmp_path / f"bomb{suffix}"
        with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("output_module.2.weight.npy", bytes(LARGEST_CHECKPOINT + 1))
        assert bomb.stat().st_size < LARGEST_CHECKPOINT / 100
        with pytest.raises(UserError, match="more than 64 MiB"):
            import_checkpoint(bomb)
    large = tmp_path / "large.safetensors"
    with large.open("wb") as file:
        file.truncate(LARGEST_CHECKPOINT + 1)
    with pytest.raises(UserError, match="more than 64 MiB"):
        import_checkpoint(large)
