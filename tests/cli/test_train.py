import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from kida.cli import main
from kida.files import whole_files

TINY = (
    "generations=1",
    "collection.episodes=2",
    "collection.validation_episodes=1",
    "collection.samples_per_episode=4",
    "collection.thinning=[1]",
    "collection.probability_by_depth=[0.5]",
    "training.embedding_size=8",
    "training.epochs=2",
    "inheritance.method=last",
    "inheritance.expert_depths=[3]",
)


def command(folder, *more):
    arguments = ["train", "item_placement", "--out", str(folder), "--jobs", "1", "--no-verdict"]
    arguments += more
    for setting in TINY:
        arguments += ["--set", setting]
    return arguments


@pytest.mark.slow
def test_training_leaves_a_policy_and_a_status(tmp_path, capsys):
    folder = tmp_path / "run"
    curves = importlib.util.find_spec("tensorboard") is not None
    assert main(command(folder, *["--tensorboard"] * curves)) == 0
    assert len(list((folder / "tensorboard").glob("events.out.tfevents.*"))) == curves
    assert f"The policy is in {folder / 'policy'}" in capsys.readouterr().out.replace("\n", "")
    card = json.loads((folder / "policy" / "card.json").read_text())
    assert card["expert_depth"] == 3
    assert main(["train", "--status", str(folder)]) == 0
    output = capsys.readouterr().out
    assert "3/3" in output
    assert "done" in output


@pytest.mark.slow
def test_a_run_on_files_says_how_long_it_takes_and_ends_with_a_verdict(
    tmp_path, capsys, monkeypatch, knapsacks
):
    monkeypatch.setattr("kida.learning.proof.MOST_SEEDS", 2)
    files, folder = knapsacks(9), tmp_path / "run"
    options = [*TINY[2:-1], "generations=1", "collection.episodes=7", "collection.time_limit=5"]
    arguments = ["train", str(files), "--out", str(folder), "--jobs", "1"]
    arguments += [word for option in options for word in ("--set", option)]
    # Trained first, and compared by the same command without the option.
    assert main([*arguments, "--no-verdict"]) == 0
    shown = capsys.readouterr().out
    assert "the run: 1 generation, each of 8 episodes of at most 5 s and at most 2" in shown
    assert "an estimate follows after the first episodes" in shown
    assert "the run: about" in shown
    assert "generation 1 is done; the run: about" in shown
    assert "Verdict" not in shown
    assert not (folder / "verdict.json").exists()
    assert main(arguments) == 0
    shown = capsys.readouterr().out
    assert "verdict: first, SCIP's default solves 4 training instances" in shown
    assert "verdict: the policy against SCIP's default on 1 unseen instance with 2 seeds" in shown
    verdict = json.loads((folder / "verdict.json").read_text())
    assert (verdict["goal"], verdict["instances"], verdict["seeds"]) == ("time", 1, 2)
    line = next(line for line in shown.splitlines() if line.startswith("Verdict: "))
    assert "than SCIP's default" in line
    assert "settings default" in line
    assert main(["train", "--status", str(folder)]) == 0
    assert line.removeprefix("Verdict: ") in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "status", "message"),
    [
        (signal.SIGINT, 130, "kida: interrupted;"),
        (signal.SIGTERM, 143, "kida: terminated;"),
        (signal.SIGKILL, -signal.SIGKILL, ""),
    ],
    ids=["SIGINT", "SIGTERM", "SIGKILL"],
)
def test_signals_end_the_workers_and_keep_what_is_done(tmp_path, number, status, message):
    folder = tmp_path / "run"
    arguments = command(folder)
    arguments += ["--jobs", "2", "--set", "collection.episodes=4", "--set", "training.epochs=1"]
    # Only the command itself gets the signal; its workers, in sessions of their own, must notice.
    process = subprocess.Popen(
        [sys.executable, "-m", "kida", *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # A shell starts background jobs with interrupts ignored, and this test may be one.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    episodes, seen = folder / "gen_01" / "episodes", set()
    try:
        deadline = time.monotonic() + 120
        while not whole_files(episodes, "*.json"):
            assert process.poll() is None, process.stderr.read()
            assert time.monotonic() < deadline
            seen.update(_workers(folder))
            time.sleep(0.05)
        assert seen
        os.kill(process.pid, number)
        _, errors = process.communicate(timeout=30)
        while _workers(folder):
            assert time.monotonic() < deadline, "a worker has survived"
            time.sleep(0.05)
    finally:
        process.kill()
    assert process.returncode == status
    assert message in errors
    assert "Traceback" not in errors
    done = finished(episodes)
    assert 0 < len(done) < 2 * 5
    assert not (folder / "policy").exists()
    if number == signal.SIGTERM:  # goes on, and does nothing again
        assert main(arguments) == 0
        assert {path: path.stat().st_mtime_ns for path in done} == done
        assert len(finished(episodes)) == 2 * 5


def finished(episodes: Path) -> dict[Path, int]:
    """Return the records that are there and their shards, and when they were written."""
    records = whole_files(episodes, "*.json")
    both = [*records, *(record.with_suffix(".safetensors") for record in records)]
    return {path: path.stat().st_mtime_ns for path in both}


def _workers(folder: Path) -> list[str]:
    """Return the processes that play episodes of a run: each is called with its record's path."""
    found = subprocess.run(["ps", "-Awwo", "args="], capture_output=True, text=True, check=True)
    return [line for line in found.stdout.splitlines() if f"{folder}/gen_01/episodes" in line]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train"], "needs a family (or --config) and --out"),
        (["train", "item_placement"], "needs a family (or --config) and --out"),
        (["train", "no_family", "--out", "{}"], "no_family"),
        (["train", "item_placement", "--out", "{}", "--set", "epochs=3"], "unknown field `epochs`"),
        (
            ["train", "item_placement", "--out", "{}", "--config", "none.toml"],
            "there is no file none.toml",
        ),
        (["train", "item_placement", "--out", "{}", "--jobs", "0"], "jobs is 0"),
        (["train", "item_placement", "--out", "{}", "--threads", "0"], "threads is 0"),
        (["train", "item_placement", "--out", "{}", "--set", "seed=-1"], "seed is -1"),
        (["train", "item_placement", "--out", "{}", "--set", "training.device=x"], "device 'x'"),
        (["train", "--status", "{}"], "holds no training run"),
    ],
)
def test_mistakes_are_one_sentence_and_status_2(tmp_path, capsys, arguments, message):
    folder = tmp_path / "run"
    assert main([argument.format(folder) for argument in arguments]) == 2
    errors = capsys.readouterr().err
    assert message in errors
    assert errors.count("\n") == 1
    assert not folder.exists()


def test_unwritable_folder(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert main(command(tmp_path / "file" / "run")) == 2
    assert "cannot" in capsys.readouterr().err


@pytest.mark.slow
def test_a_full_disk_loses_nothing_but_time(tmp_path, capsys):
    disk = tmp_path / "disk"
    disk.mkdir()

    def mount(options):
        arguments = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(disk)]
        return shutil.which("mount") and subprocess.run(arguments, stderr=subprocess.DEVNULL)

    mounted = mount("size=400k")
    if not mounted or mounted.returncode:
        pytest.skip("mounting a small disk is not permitted here")
    try:
        folder = disk / "run"
        assert main(command(folder)) == 2
        errors = capsys.readouterr().err
        assert errors.startswith("kida: cannot write")
        assert "free" in errors
        assert errors.count("\n") == 1
        done = finished(folder / "gen_01" / "episodes")
        assert done
        mount("remount,size=20m")
        assert main(command(folder)) == 0
        assert {path: path.stat().st_mtime_ns for path in done} == done
        for line in (folder / "log.jsonl").read_text().splitlines():
            json.loads(line)
        assert not list(folder.rglob(".*"))
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_another_configuration_is_refused(tmp_path, capsys):
    from kida.learning.config import read_config
    from kida.learning.run import Run

    Run(tmp_path / "run", read_config("item_placement", None, TINY))
    assert main([*command(tmp_path / "run"), "--set", "training.epochs=5"]) == 2
    assert "training.epochs is 2 there and 5 here" in capsys.readouterr().err


def test_a_run_of_another_version_is_refused_by_status_too(tmp_path, capsys):
    (tmp_path / "config.json").write_text('{"run_version": 3, "family": "item_placement"}')
    assert main(["train", "--status", str(tmp_path)]) == 2
    errors = capsys.readouterr().err
    assert "finish it with the kida that began it" in errors
    assert errors.count("\n") == 1
