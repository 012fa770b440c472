"""Numbers on the command line: argparse types with bounds, each refusal one sentence.

Apart from ``common.py`` so that commands that need no solver do not load it for them.
"""

import math
import re
from collections.abc import Callable

from kida.boundary import LARGEST_SEED
from kida.errors import UserError

#: Processes or threads, whatever the machine.
MOST_WORKERS = 1024
#: Nodes, instances, seconds or mebibytes: beyond it a typing error is likelier than a wish.
MOST = 10**9
#: Seeds in one evaluation.
MOST_SEEDS = 10_000

_NUMBER = r"([0-9]{1,9}(?:\.[0-9]{1,6})?)"
_DURATION = re.compile(f"(?:{_NUMBER}h)?(?:{_NUMBER}m(?:in)?)?(?:{_NUMBER}s)?")
_WHOLE = re.compile(r"[+-]?[0-9]{1,18}")


def whole(option: str, least: int = 0, most: int = MOST) -> Callable[[str], int]:
    """Return the argparse type of whole numbers from ``least`` to ``most``.

    It raises a UserError that names ``option``, which argparse lets pass.
    """

    def read(text: str) -> int:
        if not _WHOLE.fullmatch(text.strip()) or not least <= int(text) <= most:
            raise UserError(
                f"{option} is {_short(text)}; it must be a whole number from {least} to {most}"
            )
        return int(text)

    return read


def positive(option: str, unit: str, most: float = MOST) -> Callable[[str], float]:
    """Return the argparse type of numbers above 0 and up to ``most``, of that unit."""

    def read(text: str) -> float:
        try:
            value = float(text) if len(text) < 100 else math.nan
        except ValueError:
            value = math.nan
        # NaN fails every comparison.
        if not 0 < value <= most:
            raise UserError(
                f"{option} is {_short(text)}; it must be a positive number of {unit} up to {most:,}"
            )
        return value

    return read


def seconds(option: str) -> Callable[[str], float]:
    """Return the argparse type of durations such as 45m, 1h30m or 90s, in seconds."""

    def read(text: str) -> float:
        found = _DURATION.fullmatch(text.strip().lower())
        parts = [float(part) if part else 0.0 for part in found.groups()] if found else []
        total = sum(x * unit for x, unit in zip(parts, (3600, 60, 1), strict=True)) if parts else 0
        if not 0 < total <= MOST:
            raise UserError(
                f"{option} is {_short(text)}; it must be a duration with its unit, such as 45m, "
                "1h30m or 90s"
            )
        return total

    return read


def seed(option: str = "--seed") -> Callable[[str], int]:
    """Return the argparse type of SCIP's seeds."""
    return whole(option, 0, LARGEST_SEED)


def processes(option: str) -> Callable[[str], int]:
    """Return the argparse type of numbers of processes or threads."""
    return whole(option, 1, MOST_WORKERS)


def read_seeds(text: str) -> list[int]:
    """Return the seeds of a list such as ``0,1,5-9``.

    Raises
    ------
    UserError
        If it is not such a list, a seed is too large, or there are too many.
    """
    seeds: list[int] = []
    for part in text.split(","):
        first, dash, last = part.partition("-")
        if not _WHOLE.fullmatch(first) or (dash and not _WHOLE.fullmatch(last)):
            raise UserError(f"{_short(text)} is not a list of seeds such as 0,1,5-9")
        low, high = int(first), int(last if dash else first)
        if not 0 <= max(low, high) <= LARGEST_SEED or low < 0:
            raise UserError(f"the seeds {_short(part)} are not all from 0 to {LARGEST_SEED}")
        if len(seeds) + high - low >= MOST_SEEDS:
            raise UserError(f"{_short(text)} names more than {MOST_SEEDS} seeds; name fewer")
        seeds += range(low, high + 1)
    return seeds


def _short(text: str) -> str:
    shown = text if re.fullmatch(r"[0-9a-z.+-]+", text) else repr(text)
    return shown if len(shown) <= 60 else shown[:60] + "..."
