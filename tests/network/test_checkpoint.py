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
