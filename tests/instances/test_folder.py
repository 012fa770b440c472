import gzip
import json
import pickle
import re
from pathlib import Path

import pytest

from kida.errors import UserError
from kida.evaluation.records import slug
from kida.instances.family import Instance
from kida.instances.folder import Folder, read_sense
from kida.instances.registry import family, initial_bounds, instances, sense_of
from kida.instances.set_cover import set_cover
from kida.instances.source import Source
from kida.solver.problem import build_model, open_model, read_model

PROGRAM = set_cover("tiny", Source(0), rows=6, columns=8, density=0.4)


def fill(folder: Path, count: int, start: int = 0) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for k in range(start, start + count):
        PROGRAM.write(folder / f"x_{k}.mps.gz")
    return folder


def names(where: Path | str, split: str) -> list[str]:
    return [instance.name for instance in instances(str(where), split)]


def test_hash_splits_by_name_alone(tmp_path: Path) -> None:
    fill(tmp_path / "a", 60)
    fill(tmp_path / "b", 40)
    few = {split: set(names(tmp_path / "b", split)) for split in ("train", "valid", "test")}
    many = {split: set(names(tmp_path / "a", split)) for split in ("train", "valid", "test")}
    for split in few:
        assert few[split] <= many[split]
    assert sum(map(len, many.values())) == 60
    assert 40 <= len(many["train"]) <= 56  # 80 % of 60
    reseeded = Folder(str(tmp_path / "a"), seed=1)
    assert {reseeded.instance("given", "test", k).name for k in range(reseeded.length("test"))} != (
        many["test"]
    )


def test_all_in_natural_order(tmp_path: Path) -> None:
    fill(tmp_path, 12)
    (tmp_path / "notes.txt").write_text("not a problem")
    (tmp_path / ".1.x_99.mps").write_text("left by an interrupted write")
    assert names(tmp_path, "all") == [f"x_{k}" for k in range(12)]
    assert names(f"{tmp_path}/x_1*.mps.gz", "all") == ["x_1", "x_10", "x_11"]


def test_sub_folders_name_the_splits(tmp_path: Path) -> None:
    fill(tmp_path / "train", 3)
    fill(tmp_path / "test" / "deeper", 2)
    fill(tmp_path / "else", 1)
    assert names(tmp_path, "train") == ["train/x_0", "train/x_1", "train/x_2"]
    assert names(tmp_path, "valid") == []
    assert names(tmp_path, "test") == ["test/deeper/x_0", "test/deeper/x_1"]
    assert len(names(tmp_path, "all")) == 6


def test_one_file_is_every_split(tmp_path: Path) -> None:
    PROGRAM.write(tmp_path / "x.mps")
    for split in ("train", "valid", "test", "all"):
        assert names(tmp_path / "x.mps", split) == ["x"]


@pytest.mark.parametrize("suffix", [".mps", ".lp", ".cip", ".mps.gz", ".lp.gz", ".cip.gz"])
@pytest.mark.parametrize("sense", ["minimize", "maximize"])
def test_formats(tmp_path: Path, suffix: str, sense: str) -> None:
    model = build_model(PROGRAM)
    if sense == "maximize":
        model.setMaximize()
    plain = tmp_path / f"x{suffix.removesuffix('.gz')}"
    model.writeProblem(str(plain), verbose=False)
    if suffix.endswith(".gz"):
        (tmp_path / f"x{suffix}").write_bytes(gzip.compress(plain.read_bytes()))
        plain.unlink()
    instance = instances(str(tmp_path), "all")[0]
    assert sense_of(instance) == sense
    built = open_model(instance)
    assert (built.getNVars(), built.getNConss()) == (8, 6)
    assert built.getObjectiveSense() == sense


def test_a_worker_needs_the_file_only(tmp_path: Path) -> None:
    fill(tmp_path, 1)
    (tmp_path / "x_0.json").write_text('{"dual_bound": 3.5, "primal_bound": null}')
    instance: Instance = pickle.loads(pickle.dumps(instances(str(tmp_path), "all")[0]))
    assert (initial_bounds(instance).dual, initial_bounds(instance).primal) == (3.5, None)
    assert open_model(instance).getNVars() == 8


def test_objective_sense_lines(tmp_path: Path) -> None:
    for k, (name, text, sense) in enumerate(
        [
            ("x.mps", "NAME p\nOBJSENSE\n    MAX\nROWS\n N obj\nCOLUMNS\n", "maximize"),
            ("x.mps", "* maximize?\nNAME maxi\nROWS\n N obj\nCOLUMNS\n", "minimize"),
            ("x.mps", "NAME p\nOBJSENSE MAX\nROWS\n", "maximize"),
            ("x.lp", "\\ a comment: max\n\nMINIMIZE\n obj: x\n", "minimize"),
            ("x.lp", "max: x\n", "maximize"),
            ("X.LP", "max: x\n", "maximize"),
            ("x.lp.mps", "NAME p\nOBJSENSE\n    MAX\nROWS\n", "maximize"),
        ]
    ):
        path = tmp_path / str(k) / name
        path.parent.mkdir()
        path.write_text(text)
        assert read_sense(path) == sense


def test_digits_that_are_no_numbers(tmp_path: Path) -> None:
    for name in ("x10", "x²", "1²3", "x2", "x٣"):
        PROGRAM.write(tmp_path / f"{name}.mps")
    found = names(tmp_path, "all")
    assert sorted(found) == sorted(["x10", "x²", "1²3", "x2", "x٣"])
    assert found.index("x2") < found.index("x10")


def test_mistakes_are_explained(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(UserError, match="neither a family nor a folder"):
        family(str(tmp_path))
    fill(tmp_path, 2)
    with pytest.raises(UserError, match="choose one of train, valid, test, all"):
        instances(str(tmp_path), "everything")
    with pytest.raises(UserError, match="no size"):
        instances(str(tmp_path), "all", size="easy")
    with pytest.raises(UserError, match="2 instances in its all split"):
        instances(str(tmp_path), "all", 1, 2)
    with pytest.raises(UserError, match="no file"):
        read_model(tmp_path / "missing.mps")
    (tmp_path / "x.txt").write_text("")
    with pytest.raises(UserError, match=r"none of \.mps"):
        read_model(tmp_path / "x.txt")
    (tmp_path / "broken.mps").write_text("NAME x\nROWS\n Q  what\n")
    with pytest.raises(UserError, match="SCIP cannot read"):
        read_model(tmp_path / "broken.mps")
    (tmp_path / "broken.json").write_text(json.dumps([1]))
    with pytest.raises(UserError, match="mend or remove"):
        initial_bounds(instances(str(tmp_path / "broken.mps"))[0])
    PROGRAM.write(tmp_path / "x_0.mps")
    with pytest.raises(UserError, match="differ only in their suffix"):
        family(str(tmp_path))


@pytest.mark.parametrize("count", [1, 2, 3, 4, 9, 12, 19])
def test_few_files_are_split_by_count(tmp_path: Path, count: int) -> None:
    fill(tmp_path, count)
    splits = {split: names(tmp_path, split) for split in ("train", "valid", "test")}
    if count == 1:
        assert splits == {split: ["x_0"] for split in splits}
        return
    every = [name for found in splits.values() for name in found]
    assert sorted(every) == sorted(names(tmp_path, "all"))
    each = max(1, round(count / 10))
    assert len(splits["train"]) >= 2
    assert len(splits["test"]) == (each if count > 2 else 0)
    assert len(splits["valid"]) == (each if count > 3 else 0)


def test_some_dozens_of_files_have_ones_to_test_on(tmp_path: Path) -> None:
    # By the hashes alone one in eight such folders would have none.
    for start in range(0, 500, 25):
        fill(tmp_path / str(start), 25, start)
        for split in ("train", "valid", "test"):
            assert names(tmp_path / str(start), split), (start, split)


def test_names_of_any_script_are_told_apart() -> None:
    found = {slug(name) for name in ("实例甲", "实例乙", "пример", "größe", "grüße", "grosse")}
    assert len(found) == 6
    assert all(re.fullmatch(r"[A-Za-z0-9_-]+", name) for name in found)
    # Names of before stay, so that evaluations go on.
    assert slug("runs/mine/policy") == "runs-mine-policy"
