"""``kida import``: a published network becomes a policy folder, or one sentence says why not."""

from pathlib import Path

import numpy as np
import pytest

from kida.cli import main
from kida.network.policy import Policy


def call(*arguments: object) -> int:
    return main(["import", *map(str, arguments)])


def test_a_published_network_becomes_a_policy(
    shared_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    checkpoint = shared_data / "published" / "rl2branch_il_set_cover.safetensors"
    assert call(checkpoint, "--out", tmp_path / "peer") == 0
    said = capsys.readouterr().out
    assert "embedding 64, 19 columns" in said
    assert "fractional candidates" in said
    policy = Policy.load(tmp_path / "peer")
    assert policy.card.architecture.incumbent_features
    assert policy.card.recipe == {"imported_from": checkpoint.name}
    assert call(checkpoint, "--out", tmp_path / "peer") == 2
    assert "is there already" in capsys.readouterr().err


def test_what_is_no_network_is_refused_and_nothing_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.savez(tmp_path / "other.npz", bias=np.zeros(3))
    for name in ("other.npz", "none.pkl"):
        assert call(tmp_path / name, "--out", tmp_path / "peer") == 2
        assert capsys.readouterr().err.count("\n") == 1
        assert not (tmp_path / "peer").exists()
