r"""Kill a training run and an evaluation at random moments, again and again.

    python scripts/kills.py --training 200 --evaluation 50
    python scripts/kills.py --training 5 --evaluation 0 --seed 3

What is lost? Each kill is SIGKILL to the command, which cannot do anything about it; the same
command then goes on. After every kill whatever was finished before must still be there, unchanged,
and nothing that counts may be half written: only the job in flight may be lost. When a run comes to
its end, another one begins. Of the first generations of all runs the policies must be the same,
however often they were killed. Exit status 1 if anything was lost.
"""

import argparse
import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from kida.files import whole_files
from kida.lock import LOCK_FILE

_TRAINING = (
    "generations=2", "collection.episodes=6", "collection.validation_episodes=2",
    "collection.samples_per_episode=4", "collection.thinning=[1]",
    "collection.probability_by_depth=[0.5]", "training.embedding_size=8", "training.epochs=3",
    "training.device=cpu", "inheritance.instances=2", "inheritance.time_limit=0.5",
    "inheritance.expert_depths=[-1, 2]",
)  # fmt: skip
#: What counts as finished, in a run and in a folder of results; each is written once.
_FINISHED = (
    "gen_*/episodes/*.json", "gen_*/episodes/*.safetensors", "gen_*/policy/*", "policy/*",
    "rewards/results/runs/*.json", "runs/*.json",
)  # fmt: skip
#: Seconds within which a command is killed, at random, counted from when its work begins.
_SOONEST, _LATEST = 0.0, 8.0


def training(folder: Path) -> list[str]:
    """Return the command of a small run."""
    settings = [word for setting in _TRAINING for word in ("--set", setting)]
    options = ["--out", str(folder), "--jobs", "1", "--no-verdict"]
    return ["train", "item_placement", *options, *settings]


def evaluation(folder: Path) -> list[str]:
    """Return the command of a small evaluation."""
    return ["evaluate", "item_placement", "--count", "4", "--seeds", "0-2", "--time-limit", "0.5",
            "--policies", "pscost,mostinf,item_placement", "--out", str(folder)]  # fmt: skip


def killed(
    command: Callable[[Path], list[str]],
    kills: int,
    place: Path,
    draw: random.Random,
    tell: Callable[[str], None] = print,
    soonest: float = _SOONEST,
    latest: float = _LATEST,
) -> list[str]:
    """Kill a command ``kills`` times; return what was lost or left damaged.

    Parameters
    ----------
    command
        Takes a folder; returns the arguments of ``kida``.
    kills
        How often.
    place
        Where the folders are made.
    draw
        Of the moments.
    tell
        Told of every end of a command.
    soonest, latest
        Seconds within which a command is killed, counted from when its work begins.
    """
    wrong: list[str] = []
    policies: set[str] = set()
    done, number = 0, 0
    folder = place / "0"
    while done < kills or not _ended_well(folder):
        last = done >= kills
        before, log = _digests(folder), _log(folder)
        seconds = None if last else draw.uniform(soonest, latest)
        status, said = _run(command(folder), folder, seconds)
        wrong += _lost(folder, before, log)
        if status == -signal.SIGKILL:
            done += 1
            continue
        if status != 0:
            wrong.append(f"status {status}: {said[-1000:]}")
            break
        (folder / "ended").touch()
        if (folder / "gen_01").is_dir():
            policies.add(_digest(folder / "gen_01" / "policy" / "weights.safetensors"))
        tell(f"{folder}: ended, after {done} of {kills} kills in all; {len(wrong)} faults")
        if done < kills:
            number += 1
            folder = place / str(number)
    if len(policies) > 1:
        wrong.append(f"the first generations' policies differ: {sorted(policies)}")
    return wrong


def _ended_well(folder: Path) -> bool:
    return (folder / "ended").exists()


def _run(arguments: Sequence[str], folder: Path, seconds: float | None) -> tuple[int, str]:
    """Run a command and kill it, that long after it has locked its folder.

    Return its status, and what it complained of.
    """
    (folder / LOCK_FILE).unlink(missing_ok=True)  # left by the last kill
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "kida", *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    # On a busy machine it may take long to begin.
    while process.poll() is None and not (folder / LOCK_FILE).exists():
        time.sleep(0.02)
    try:
        _, said = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.kill(process.pid, signal.SIGKILL)
        _, said = process.communicate()
    return process.returncode, said


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def _digests(folder: Path) -> dict[str, str]:
    """Return the finished files and what is in them."""
    return {
        str(path.relative_to(folder)): _digest(path)
        for pattern in _FINISHED
        for parent in sorted(folder.glob(str(Path(pattern).parent)))
        for path in whole_files(parent, Path(pattern).name)
    }


def _log(folder: Path) -> bytes:
    """Return the log's whole lines."""
    try:
        return (folder / "log.jsonl").read_bytes().rpartition(b"\n")[0]
    except FileNotFoundError:
        return b""


def _lost(folder: Path, before: dict[str, str], log: bytes) -> list[str]:
    """Return what is not as it was, or damaged, in words."""
    after = _digests(folder)
    wrong = [
        f"{folder / name} {'has changed' if name in after else 'is gone'}"
        for name, digest in before.items()
        if after.get(name) != digest
    ]
    if not _log(folder).startswith(log):
        wrong.append(f"{folder / 'log.jsonl'} has lost lines")
    for name in after:
        if name.endswith(".json"):
            try:
                json.loads((folder / name).read_bytes())
            except ValueError:
                wrong.append(f"{folder / name} is half written")
    return wrong


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the campaign that the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--training", type=int, default=200, metavar="N", help="kills (200)")
    parser.add_argument("--evaluation", type=int, default=50, metavar="N", help="kills (50)")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    wrong = []
    for command, kills in ((training, options.training), (evaluation, options.evaluation)):
        place = Path(tempfile.mkdtemp(prefix="kida-kills-"))
        began = time.monotonic()
        found = killed(command, kills, place, random.Random(options.seed)) if kills else []
        wrong += found
        seconds = time.monotonic() - began
        print(f"{command.__name__}: {kills} kills, {len(found)} faults, {seconds:.0f} s")
        if not found:
            shutil.rmtree(place)
    for text in wrong:
        print(text)
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
