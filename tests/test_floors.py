"""What works where PySCIPOpt cannot be imported: everything but solving.

Each in a process of its own, as an import that is done once hides that it is needed.
"""

import subprocess
import sys
from pathlib import Path

import pytest

BLOCKED = """
import sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "pyscipopt":
            raise ImportError("PySCIPOpt is blocked")

sys.meta_path.insert(0, Blocked())
"""

SAMPLES = """
import numpy as np
from kida.observation import CandidateFeature, Observation, RowFeature, VariableFeature
from kida.sample import Sample

generator = np.random.default_rng(0)

def observation(rows=6, variables=9, edges=4):
    features = generator.random((variables, len(VariableFeature))).astype(np.float32)
    for column in VariableFeature:
        if column.name.startswith(("IS_", "HAS_")):
            features[:, column] = features[:, column] > 0.5
    row_features = generator.random((rows, len(RowFeature))).astype(np.float32)
    row_features[:, RowFeature.IS_TIGHT] = 1
    columns = [np.sort(generator.choice(variables, edges, replace=False)) for _ in range(rows)]
    return Observation(
        row_features,
        features,
        np.arange(0, rows * edges + 1, edges, dtype=np.int32),
        np.concatenate(columns).astype(np.int32),
        generator.random(rows * edges).astype(np.float32),
    )

def sample(number):
    scores = generator.random(4)
    return Sample(
        observation=observation(),
        candidates=np.array([0, 2, 5, 7], np.int32),
        candidate_features=generator.random((4, len(CandidateFeature))).astype(np.float32),
        down_gains=scores,
        up_gains=scores,
        scores=scores,
        chosen=int(scores.argmax()),
        depth=number,
        node_number=number + 1,
        lp_objective=1.0,
        dual_bound=1.0,
        taken=-1,
    )
"""


def without_pyscipopt(code: str, folder: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-c", BLOCKED + code],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_plain_data_needs_numpy_alone(tmp_path):
    code = """
import importlib

others = {"msgspec", "rich", "safetensors", "scipy", "torch"}

class AllBlocked(Blocked):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in others:
            raise ImportError(f"{name} is blocked")
        return super().find_spec(name, path, target)

sys.meta_path.insert(0, AllBlocked())
for name in ("errors", "files", "observation", "parameters", "reward", "sample", "sense"):
    importlib.import_module(f"kida.{name}")
importlib.import_module("kida.trajectory")
"""
    without_pyscipopt(code, tmp_path)


def test_the_block_holds(tmp_path):
    with pytest.raises(AssertionError, match="PySCIPOpt is blocked"):
        without_pyscipopt("import pyscipopt", tmp_path)
    with pytest.raises(AssertionError, match="PySCIPOpt is blocked"):
        without_pyscipopt("from kida.solver.solve import solve", tmp_path)


@pytest.mark.slow
def test_results_are_read_and_reported(results_folder, tmp_path):
    pytest.importorskip("matplotlib", reason="the extra plot is not installed")
    code = f"""
from pathlib import Path
from kida.cli import main
from kida.evaluation import comparisons, official, plots, records, summary, trials
from kida.evaluation.results import load_results

assert len(load_results([Path({str(results_folder)!r})]).rows) == 4
assert main(["report", {str(results_folder)!r}, "--out", "page"]) == 0
"""
    without_pyscipopt(code, tmp_path)
    page = (tmp_path / "page" / "report.html").read_text()
    assert "item_placement_10001" in page
    assert "data:image/png;base64" in page


def test_policies_are_loaded_and_score(tmp_path):
    code = f"""{SAMPLES}
import kida
from kida.network.checkpoint import import_checkpoint

policy = kida.Policy.load("set_cover")
seen = observation()
scores = policy.native().score(
    seen.row_features, seen.variable_features, seen.row_starts, seen.edge_columns,
    seen.edge_values, np.array([1, 3], np.int32), None,
)
assert np.isfinite(scores).all() and len(scores) == 2
policy.save("copy")
assert kida.Policy.load("copy").identity() == policy.identity()
"""
    without_pyscipopt(code, tmp_path)


def test_instances_are_listed_and_known(knapsack, tmp_path):
    code = f"""
from kida.cli import main
from kida.instances.registry import digest_of, initial_bounds, instances

assert main(["instances"]) == 0
for where in ("set_cover", {str(knapsack)!r}):
    found = instances(where, count=1)[0]
    assert len(digest_of(found)) == 16
    initial_bounds(found)
"""
    assert "set_cover" in without_pyscipopt(code, tmp_path)


SHARDS = f"""{SAMPLES}
from pathlib import Path
from kida.learning.samples import Aggregate, write_shard

write_shard(Path("a.safetensors"), [sample(k) for k in range(12)])
shards = Aggregate([Path("a.safetensors")])
assert len(shards) == 12
assert shards[3].depth == 3
"""


def test_shards_are_written_and_loaded(tmp_path):
    without_pyscipopt(SHARDS, tmp_path)


def test_configurations_are_read(tmp_path):
    code = """
from kida.learning.config import read_config

assert read_config("set_cover", None, ["generations=2"]).generations == 2
"""
    without_pyscipopt(code, tmp_path)


@pytest.mark.slow
def test_a_network_is_trained(tmp_path):
    pytest.importorskip("torch", reason="the extra train is not installed")
    code = f"""{SHARDS}
import torch
from kida.learning.config import TrainingConfig
from kida.learning.train import initial_network, train_generation

torch.set_num_threads(1)
config = TrainingConfig(embedding_size=8, epochs=1, device="cpu")
network = initial_network(shards, config, seed=0)
result = train_generation(
    shards, shards, network, config, seed=1, checkpoint=Path("checkpoint.safetensors")
)
assert len(result.history) == 1
assert all(np.isfinite(array).all() for array in result.weights.values())
"""
    without_pyscipopt(code, tmp_path)
