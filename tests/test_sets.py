import gzip
import hashlib
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from kida.errors import UserError
from kida.instances.family import Instance
from kida.instances.registry import initial_bounds, instances
from kida.jobs.cores import available_cores
from kida.jobs.run import Workers
from kida.sets import generate

CHOSEN = instances("item_placement", "train", 3, 3)


def manifest(folder: Path) -> dict[str, dict[str, object]]:
    return json.loads((folder / "manifest.json").read_text())["files"]


@pytest.mark.slow
def test_files_bounds_and_manifest(tmp_path: Path) -> None:
    seen: list[Instance] = []
    generate(CHOSEN, tmp_path, progress=seen.append)
    assert seen == CHOSEN
    files = manifest(tmp_path)
    assert list(files) == [f"item_placement_{k}.mps.gz" for k in (3, 4, 5)]
    for k, (name, entry) in enumerate(files.items()):
        assert hashlib.sha256((tmp_path / name).read_bytes()).hexdigest() == entry["sha256"]
        stored = json.loads((tmp_path / f"item_placement_{k + 3}.json").read_text())
        assert stored["dual_bound"] == entry["dual_bound"] == initial_bounds(CHOSEN[k]).dual
        assert stored["primal_bound"] == entry["primal_bound"] > stored["dual_bound"]
    # The folder is itself a family, with the bounds and the same problems.
    again = instances(str(tmp_path), "all")
    assert [instance.name for instance in again] == [instance.name for instance in CHOSEN]
    assert initial_bounds(again[0]) == (
        files["item_placement_3.mps.gz"]["dual_bound"],
        stored_primal(files),
    )


def stored_primal(files: dict[str, dict[str, object]]) -> object:
    return files["item_placement_3.mps.gz"]["primal_bound"]


def test_workers_write_the_same_files(tmp_path: Path) -> None:
    generate(CHOSEN, tmp_path / "one", bounds=False)
    generate(CHOSEN[::-1], tmp_path / "two", Workers(min(2, available_cores())), bounds=False)
    assert manifest(tmp_path / "one") == manifest(tmp_path / "two")


def test_goes_on_where_it_stopped(tmp_path: Path) -> None:
    class StopError(Exception):
        pass

    def stop(_: Instance) -> None:
        raise StopError

    with pytest.raises(StopError):
        generate(CHOSEN, tmp_path, progress=stop, bounds=False)
    assert len(manifest(tmp_path)) == 1
    (tmp_path / "manifest.json").unlink()  # as if killed before it was written
    first = (tmp_path / "item_placement_3.mps.gz").stat().st_mtime_ns
    generate(CHOSEN, tmp_path, bounds=False)
    assert len(manifest(tmp_path)) == 3
    assert (tmp_path / "item_placement_3.mps.gz").stat().st_mtime_ns == first


@pytest.mark.slow
def test_bounds_are_filled_in_later(tmp_path: Path) -> None:
    generate(CHOSEN[:1], tmp_path, bounds=False)
    before = json.loads((tmp_path / "item_placement_3.json").read_text())
    assert before["primal_bound"] is None
    generate(CHOSEN[:1], tmp_path)
    after = json.loads((tmp_path / "item_placement_3.json").read_text())
    assert after["primal_bound"] > after["dual_bound"] == before["dual_bound"]
    assert manifest(tmp_path)["item_placement_3.mps.gz"]["primal_bound"] == after["primal_bound"]


@pytest.mark.slow
def test_maximization_bounds(tmp_path: Path) -> None:
    chosen = instances("independent_set", "valid", 0, 1, "easy")
    generate(chosen, tmp_path)
    stored = json.loads((tmp_path / f"{chosen[0].name}.json").read_text())
    # The dual bound is from above now; the first solution is the empty set.
    assert stored["primal_bound"] == 0.0
    assert 200 < stored["dual_bound"] < 300


@pytest.mark.parametrize("with_manifest", [True, False])
def test_other_content_is_never_overwritten(tmp_path: Path, with_manifest: bool) -> None:
    generate(CHOSEN[:1], tmp_path, bounds=False)
    path = tmp_path / "item_placement_3.mps.gz"
    path.write_bytes(gzip.compress(b"mine"))
    if not with_manifest:
        (tmp_path / "manifest.json").unlink()
    with pytest.raises(UserError, match="holds something else"):
        generate(CHOSEN[:1], tmp_path, bounds=False)
    assert gzip.decompress(path.read_bytes()) == b"mine"


def test_foreign_manifest_and_folder(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text('{"version": 7}')
    with pytest.raises(UserError, match="not a manifest of kida"):
        generate(CHOSEN[:1], tmp_path)
    (tmp_path / "manifest.json").write_text('{"version": 1, "files": {"a.mps.gz": {"sha256": 1}}}')
    with pytest.raises(UserError, match=r"files.a.mps.gz.sha256 is 1"):
        generate(CHOSEN[:1], tmp_path)
    with pytest.raises(UserError, match="cannot write"):
        generate(CHOSEN[:1], tmp_path / "manifest.json" / "below")


def test_growing_manifest_keeps_everything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Written after every one. (As text, the name would be looked up through `kida.instances`,
    # which is a function too.)
    monkeypatch.setattr(sys.modules[generate.__module__], "_SAVE_EVERY", 0.0)
    generate(CHOSEN, tmp_path, bounds=False)
    assert len(manifest(tmp_path)) == 3


@pytest.mark.slow
def test_interrupt_keeps_what_is_finished(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "kida", "generate", "combinatorial_auction"]
    process = subprocess.Popen(
        [*command, "--out", str(tmp_path)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    stored = tmp_path / "combinatorial_auction_easy_train_0.json"
    while not stored.is_file() and process.poll() is None:
        time.sleep(0.02)
    time.sleep(0.2)  # the second instance is being drawn or solved
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=60)
    assert process.returncode == 130, error
    assert "interrupted" in error
    files = manifest(tmp_path)
    assert "combinatorial_auction_easy_train_0.mps.gz" in files
    assert len(files) < 10
    assert not list(tmp_path.glob(".*"))
