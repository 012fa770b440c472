"""The folder of a tuning: what is where, whose it is, and which round is under way.

Every step leaves a file when it has ended and is not done again, so that a tuning that was killed
goes on where it was; what a step's solves found is on disk solve by solve::

    RUN/tune.json                what was asked for; something else is refused
    RUN/policy/                  what is delivered: a network, levers, or SCIP's default
    RUN/verdict.json             what was proven of it, see kida.evaluation.verdict
    RUN/report.html              all of it on a page
    RUN/round_1/instances.json   which files are for what
    RUN/round_1/clock.json       seconds of the budget that are used
    RUN/round_1/decisions.json   what was decided by the seconds left
    RUN/round_1/survey.json      ... levers.json, policies.json, proof.json, delivery.json: what
                                 each step found
    RUN/round_1/results/         the solves of each step, as kida evaluate leaves them
    RUN/round_1/contestants/     the policies that raced
    RUN/round_1/learning/        a training run

With ``--order``, files that have come since make another round, as soon as there are enough of
them, which goes on from what the last one delivered. If the layout changes, raise the version in
``config``.
"""

from pathlib import Path

from kida.boundary import find_json, write_json
from kida.errors import UserError
from kida.learning.config import first_difference
from kida.learning.inventory import Inventory, listed
from kida.lock import holds_only_lock
from kida.tuning.config import TuneConfig
from kida.tuning.delivery import Delivery
from kida.tuning.files import LEAST_NEW, new_files, source_of

CONFIG_FILE, DELIVERY_FILE = "tune.json", "delivery.json"


def claim(folder: Path, config: TuneConfig) -> None:
    """Write what is asked for, or check that it is what was asked for before."""
    file = folder / CONFIG_FILE
    found = find_json(file, TuneConfig, "what a tuning was asked to do")
    if found is None:
        if not holds_only_lock(folder):
            raise UserError(f"{folder} is not empty and no tuning: give another --out")
        # A mistake in this must not be what the folder is for.
        source_of(config.problems, ordered=config.ordered)
        write_json(file, config)
        return
    difference = first_difference(config, found)
    if difference is not None:
        raise UserError(
            f"{folder} is a tuning of something else ({difference}): give another --out, or the "
            "old options to go on with it"
        )


def finished(place: Path) -> Delivery | None:
    """Return what a round has delivered, None if it has not come to its end."""
    return find_json(place / DELIVERY_FILE, Delivery, "what a tuning has delivered")


def rounds(folder: Path) -> list[Path]:
    """Return the folders of a tuning's rounds, the first one first."""
    found = [path for path in folder.glob("round_*") if path.name[6:].isdecimal()]
    return sorted(found, key=lambda path: int(path.name[6:]))


def current_round(folder: Path, config: TuneConfig) -> tuple[Path, Inventory | None]:
    """Return the round to go on with, and the list of files of the one before it."""
    found = rounds(folder)
    if not found:
        return folder / "round_1", None
    lists = [listed(place) for place in found]
    last = lists[-1]
    over = finished(found[-1]) is not None
    if over and files_come(config, last) >= LEAST_NEW:
        return folder / f"round_{len(found) + 1}", last
    return found[-1], lists[-2] if len(found) > 1 else None


def files_come(config: TuneConfig, last: Inventory | None) -> int:
    """Return how many files have come since a round; none where they have no order."""
    return len(new_files(config.problems, last)) if config.ordered and last is not None else 0
