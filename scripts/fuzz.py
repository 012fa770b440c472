r"""Damage every kind of file that kida reads, thousands of times, and see what happens.

    python scripts/fuzz.py
    python scripts/fuzz.py --kinds card,shard --count 500 --seed 3

Each input is a valid file with a few seeded changes. It is read in a child process of bounded
memory and time: whatever ends otherwise than by a result or a sentence for the user (``UserError``)
is a finding, and so is a file touched outside the folder that the input is in. Where SCIP's own
reader crashes, that is counted apart: kida can only contain it in a process of its own. Exit status
1 if anything was found. A new kind of file is one entry of :func:`kinds`.
"""

import argparse
import faulthandler
import json
import os
import random
import re
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from fuzz_kinds import Kind, kinds

from kida.jobs.cores import available_cores

#: Bytes that reading an input may take beside what the process has already.
MEMORY = 1 << 30
#: Seconds that reading an input may take.
SECONDS = 20

_TOKENS = (
    b"nan", b"inf", b"-1", b"0", b"1e308", b"-1e999", b"1e20", b"99999999999999999999", b"\x00",
    b"\xff\xfe", b"\xf6", b"null", b"[]", b"{}", b'"', b"\n", b"../../x", b"<", b">=", b":", b"*",
    b"\\ud800", b"[[[[[[[[", b"true", b"1" * 400, b"9" * 5000, b"free", b"-0.0", b"4294967296",
)  # fmt: skip


@dataclass
class Tally:
    """What came of the inputs of a kind.

    Attributes
    ----------
    read, refused
        How many were read, and refused with a sentence.
    contained
        How many crashed SCIP's own reader, or let it run on (SIGALRM), each in a child process.
    findings
        What was wrong, one text each.
    peak
        Bytes that the largest child had resident.
    """

    read: int = 0
    refused: int = 0
    contained: Counter[str] = field(default_factory=Counter)
    findings: list[str] = field(default_factory=list)
    peak: int = 0


def mutated(content: bytes, others: Sequence[bytes], draw: random.Random) -> bytes:
    """Return ``content`` with one to six changes."""
    data = bytearray(content)
    for _ in range(draw.choice((1, 1, 1, 2, 3, 6))):
        start = draw.randrange(len(data) + 1)
        stop = min(len(data), start + draw.choice((1, 1, 4, 16, 200)))
        # A number in place of another one leaves most files whole enough to be looked into.
        kind = draw.choice((0, 0, 1, 2, 3, 4, 5, 5, 5, 5, 6, 7, 8))
        if kind == 0 and data:
            data[start % len(data)] ^= 1 << draw.randrange(8)
        elif kind == 1:
            data[start:stop] = draw.randbytes(stop - start)
        elif kind == 2:
            del data[start:stop]
        elif kind == 3:
            data[start:start] = bytes(data[start:stop]) * draw.choice((1, 3, 50))
        elif kind == 4:
            data[start:start] = draw.choice(_TOKENS)
        elif kind == 5 and (numbers := list(re.finditer(rb"-?\d+(\.\d+)?", data))):
            number = draw.choice(numbers)
            data[number.start() : number.end()] = draw.choice(_TOKENS)
        elif kind == 6:
            del data[start:]
        elif kind == 7:
            other = draw.choice(others)
            cut = draw.randrange(len(other) + 1)
            data[start:stop] = other[cut : cut + stop - start + 20]
        elif kind == 8:
            lines = bytes(data).split(b"\n")
            first, second = draw.randrange(len(lines)), draw.randrange(len(lines))
            lines[first], lines[second] = lines[second], lines[first]
            data = bytearray(b"\n".join(lines))
    return bytes(data)


def campaign(kind: Kind, count: int, seed: int, place: Path) -> Tally:
    """Read ``count`` inputs of a kind; ``place`` is a folder for them."""
    tally = Tally()
    done = 0
    while done < count:
        done = _batch(kind, done, count, seed, place, tally)
    return tally


def _batch(kind: Kind, start: int, count: int, seed: int, place: Path, tally: Tally) -> int:
    """Read inputs in a child process until it ends; return the number of the next one."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        _child(kind, range(start, count), seed, place, writing)
    os.close(writing)
    told = b""
    while received := os.read(reading, 1 << 16):
        told += received
    os.close(reading)
    _, status, usage = os.wait4(child, 0)
    tally.peak = max(tally.peak, usage.ru_maxrss << 10)
    number = start - 1
    for line in told.splitlines():
        number, outcome = json.loads(line)
        if outcome in ("read", "refused"):
            setattr(tally, outcome, getattr(tally, outcome) + 1)
        else:
            tally.findings.append(f"{kind.name} {number}: {outcome}")
    if os.WIFSIGNALED(status):
        number += 1
        how = signal.Signals(os.WTERMSIG(status)).name
        if kind.by_scip:
            tally.contained[how] += 1
        else:
            tally.findings.append(f"{kind.name} {number}: the process died of {how}")
    elif number < count - 1:
        number += 1
        tally.findings.append(f"{kind.name} {number}: the process ended ({status})")
    return number + 1


def _child(kind: Kind, numbers: range, seed: int, place: Path, writing: int) -> None:
    """Read inputs and tell of each; ends the process."""
    try:
        resource.setrlimit(resource.RLIMIT_AS, (_address_space() + MEMORY,) * 2)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        faulthandler.disable()
        # The default action ends the process, also inside of libraries.
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        null = os.open(os.devnull, os.O_RDWR)
        for stream in range(3):
            os.dup2(null, stream)
        guard = _Guard(place)
        for number in numbers:
            line = json.dumps([number, _outcome(kind, number, seed, place, guard)])
            os.write(writing, line.encode() + b"\n")
    finally:
        os._exit(0)


def _outcome(kind: Kind, number: int, seed: int, place: Path, guard: "_Guard") -> str:
    from kida.errors import UserError

    draw = random.Random(f"{seed}/{kind.name}/{number}")
    # The valid files come first, unchanged.
    valid = number < len(kind.seeds)
    content = kind.seeds[number] if valid else mutated(draw.choice(kind.seeds), kind.seeds, draw)
    folder = place / f"{kind.name}_{number}"
    folder.mkdir()
    file = folder / kind.file
    for name, other in kind.beside.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(other)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    signal.alarm(SECONDS)
    guard.touched.clear()
    try:
        kind.read(file)
        found = "read"
    except UserError as error:
        # One sentence, that can be printed.
        clean = "\n" not in str(error) and len(str(error)) < 5000
        found = "refused" if clean else f"no sentence: {str(error)[:500]!r}"
        if valid:
            found = f"a valid file is refused: {error}"
    except BaseException:
        found = traceback.format_exc()[-1500:]
    finally:
        signal.alarm(0)
    if guard.touched:
        found = f"touched {guard.touched}"
    if found in ("read", "refused"):
        shutil.rmtree(folder)
    return found


class _Guard:
    """Notes what is written, made or removed outside of a folder, through Python."""

    _WRITES = frozenset(
        ("os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.symlink", "os.link", "os.truncate",
         "os.chmod", "shutil.rmtree", "subprocess.Popen", "os.system", "os.exec")
    )  # fmt: skip

    def __init__(self, place: Path) -> None:
        self.touched: list[str] = []
        self._place = str(place)
        sys.addaudithook(self._look)

    def _look(self, event: str, details: tuple[Any, ...]) -> None:
        if event == "open" and isinstance(details[2], int):
            if details[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
                self._note(event, details[0])
        elif event in self._WRITES:
            self._note(event, details[0])

    def _note(self, event: str, path: Any) -> None:
        if isinstance(path, int):
            return
        whole = os.path.abspath(os.fsdecode(path))
        if not whole.startswith(self._place) and whole != os.devnull:
            self.touched.append(f"{event} {whole}")


def _address_space() -> int:
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[0]) * resource.getpagesize()


_CHOSEN: list[Kind] = []


def _timed(number: int, count: int, seed: int, place: Path) -> tuple[Tally, float]:
    """Read inputs of a chosen kind; return what came of them, and in how many seconds."""
    began = time.monotonic()
    return campaign(_CHOSEN[number], count, seed, place), time.monotonic() - began


def run(
    count: int, seed: int, names: Sequence[str] | None = None, tell: Callable[[str], None] = print
) -> dict[str, Tally]:
    """Read ``count`` inputs of each kind, and tell what came of each."""
    found = {}
    with tempfile.TemporaryDirectory(prefix="kida-fuzz-") as scratch:
        place = Path(scratch).resolve() / "inputs"
        place.mkdir()
        before = tempfile.tempdir
        tempfile.tempdir = str(place)
        try:
            chosen = [kind for kind in kinds(place) if names is None or kind.name in names]
            # Forked, for kinds hold functions: which cannot be sent, and are there already.
            _CHOSEN[:] = chosen
            with ProcessPoolExecutor(available_cores(), get_context("fork")) as cores:
                works = [cores.submit(_timed, n, count, seed, place) for n in range(len(chosen))]
                for kind, work in zip(chosen, works, strict=True):
                    tally, seconds = work.result()
                    found[kind.name] = tally
                    tell(
                        f"{kind.name:12} {count:6} inputs: {tally.read} read, {tally.refused} "
                        f"refused, {_ends(tally)}{len(tally.findings)} findings; "
                        f"{seconds:.1f} s, {tally.peak >> 20} MiB"
                    )
        finally:
            tempfile.tempdir = before
        if {path.name for path in Path(scratch).iterdir()} != {"inputs"}:
            found.setdefault("files", Tally()).findings.append("files beside the inputs' folder")
    return found


def _ends(tally: Tally) -> str:
    how = ", ".join(f"{number} by {name}" for name, number in tally.contained.items())
    return f"SCIP's reader ended in its process ({how}), " if how else ""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the campaign that the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=10_000, help="inputs of each kind (10000)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kinds", help="comma-separated (default: all)")
    options = parser.parse_args(arguments)
    names = None if options.kinds is None else options.kinds.split(",")
    found = run(options.count, options.seed, names)
    findings = [text for tally in found.values() for text in tally.findings]
    # The same fault is found many times: one of each, by its last line.
    times = Counter(text.strip().splitlines()[-1][:200] for text in findings)
    for text in findings:
        if times.pop(text.strip().splitlines()[-1][:200], 0):
            print(text)
    print(f"{len(findings)} findings, seed {options.seed}")
    return 1 if findings else 0


if __name__ == "__main__":
    raise SystemExit(main())
