"""The race of levers beside SMAC3: the same files, the same levers, the same time, one core each.

  pip install smac
  python benchmarks/bench_race.py FOLDER --out OUT [--minutes 15] [--side race|smac]

Of the files in FOLDER a part is tuned on and another is for the verdict alone, as ``kida tune``
divides them. The race (:mod:`kida.tuning.lever_race`) and SMAC3's algorithm configuration facade
(Lindauer et al., JMLR 2022: random forests and intensification) each get the same minutes, solves
with the same limit, in the same order of files and seeds, and SCIP's default as the start. SMAC3
chooses among all combinations: of each kind of lever one, or none. It minimises what the race
compares, the mean logarithm of shifted seconds. Then SCIP's default and both choices solve the
files that neither has seen, and the verdicts are printed.

Surveyed, raced and solved before is kept in OUT: a second start goes on, and the two sides may be
started beside each other, ``--side race`` and ``--side smac``, after a first start has surveyed;
without ``--side`` both are done in turn.
"""

import argparse
import math
import sys
from pathlib import Path
from typing import Any

from msgspec import Struct

from kida.boundary import read_json, write_json
from kida.cli import status_of
from kida.errors import UserError
from kida.evaluation.outcome import Text
from kida.evaluation.records import Finished, Protocol, Record
from kida.evaluation.verdict import SHIFTS, Goal, judged, paired, sentence
from kida.jobs.run import ONE_AT_A_TIME
from kida.learning.plan import Draw
from kida.tuning.clock import ENDS, Clock
from kida.tuning.config import TuneConfig
from kida.tuning.contestants import PLUS, of_levers
from kida.tuning.files import Division, divide
from kida.tuning.lever_choice import applicable
from kida.tuning.lever_race import race_draws, race_levers, race_limit
from kida.tuning.measuring import Arena
from kida.tuning.survey import MOST_FILES, Survey, first_limit, take_survey
from kida.tuning.tune import MOST_DRAWS, SEEDS

# Nothing chosen of a kind of lever.
_NONE = "none"
_SIDES = ("race", "smac")


class Chosen(Struct, frozen=True, forbid_unknown_fields=True):
    """What one side ended with, and how many solves it took."""

    levers: tuple[Text, ...]
    solves: int


def _arena(out: Path, name: str, limit: float, division: Division) -> Arena:
    protocol = Protocol("default", limit, permute=division.permute)
    return Arena(out / "results" / name, protocol, ONE_AT_A_TIME, lambda record, done, of: None)


def _clock(out: Path, name: str, minutes: float) -> Clock:
    """Return a clock whose time for levers are so many minutes from now."""
    folder = out / name
    folder.mkdir(parents=True, exist_ok=True)
    return Clock(folder, 60 * minutes / ENDS["levers"])


def _solves(arena: Arena) -> int:
    return len(list(arena.folder.glob("runs/*.json")))


def run_race(survey: Survey, draws: list[Draw], arena: Arena, out: Path, minutes: float) -> Chosen:
    """Return what the race of levers chooses."""
    clock = _clock(out, "race", minutes)
    found = race_levers(survey, draws, arena, clock, out / "race", print)
    return Chosen(found.levers, _solves(arena))


def run_smac(survey: Survey, draws: list[Draw], arena: Arena, out: Path, minutes: float) -> Chosen:
    """Return what SMAC3 chooses."""
    try:
        from ConfigSpace import Categorical, ConfigurationSpace
        from smac import AlgorithmConfigurationFacade, Scenario
    except ImportError:
        raise UserError("SMAC3 is not installed: pip install smac") from None
    kinds: dict[str, list[str]] = {}
    for lever in applicable(survey.shares, tree=survey.branched > 0):
        kinds.setdefault(lever.kind, [_NONE]).append(lever.name)
    space = ConfigurationSpace(seed=0)
    space.add([Categorical(kind, names, default=_NONE) for kind, names in kinds.items()])
    scenario = Scenario(
        space,
        output_directory=out / "smac",
        walltime_limit=60 * minutes,
        n_trials=10**6,
        deterministic=True,
        instances=[str(place) for place in range(len(draws))],
        instance_features={str(place): [float(place)] for place in range(len(draws))},
        seed=0,
    )

    def chosen(config: Any) -> list[str]:
        return [str(name) for name in dict(config).values() if name != _NONE]

    def cost(config: Any, instance: str, seed: int = 0) -> float:
        levers = chosen(config)
        policy = of_levers(out / "smac" / "policies", levers).policy if levers else "default"
        draw = draws[int(instance)]
        return _logarithm(survey.goal, arena.measure([policy], [draw])[policy][0])

    # Its initial design is the default configuration: nothing chosen of any kind.
    facade = AlgorithmConfigurationFacade(scenario, cost, overwrite=True)
    found = facade.optimize()
    return Chosen(tuple(chosen(found)), _solves(arena))


def _logarithm(goal: Goal, record: Record) -> float:
    """Return the logarithm of the shifted seconds of one run."""
    shift = SHIFTS[goal]
    if not isinstance(record, Finished):
        return math.log(record.job.time_limit + shift)
    (pair,) = paired(goal, [record], [record])
    return math.log(pair.seconds + shift)


def judge(choices: dict[str, Chosen], survey: Survey, division: Division, out: Path) -> None:
    """Print what both choices, and SCIP's default, do on files that neither has seen."""
    draws = division.draws("test", division.source.length("test"), SEEDS["verdict"])
    arena = _arena(out, "verdict", survey.time_limit, division)
    policies = {
        side: of_levers(out / "judged", chosen.levers).policy if chosen.levers else "default"
        for side, chosen in choices.items()
    }
    records = arena.measure(list(dict.fromkeys(["default", *policies.values()])), draws)
    for side, chosen in choices.items():
        print(f"{side}: {PLUS.join(chosen.levers) or 'default'}, after {chosen.solves} solves")
        _say(survey, records[policies[side]], records["default"], "SCIP's default")
    _say(survey, records[policies["race"]], records[policies["smac"]], "SMAC3's choice")


def _say(survey: Survey, records: list[Record], base: list[Record], than: str) -> None:
    found = judged(survey.goal, records, base, policy=None, seconds_used=0.0)
    print(f"  {sentence(found, than)}")


def main(arguments: list[str] | None = None) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=15.0, help="of each side (15)")
    parser.add_argument("--side", choices=_SIDES, help="do this one only, and no verdict")
    given = parser.parse_args(arguments)
    out: Path = given.out
    out.mkdir(parents=True, exist_ok=True)
    config = TuneConfig(problems=given.folder)
    division = divide(given.folder, out, ONE_AT_A_TIME)
    surveyed = division.draws("train", MOST_FILES, SEEDS["survey"])
    # The survey may take half as long as a side.
    clock = Clock(out, 30 * given.minutes / ENDS["survey"])
    limit = first_limit(config, clock, 1)
    survey = take_survey(surveyed, _arena(out, "survey", limit, division), config, clock, out)
    if survey.ended:
        raise UserError(survey.ended)
    draws = race_draws(survey, division.draws("train", MOST_DRAWS, SEEDS["levers"]))
    choices = {}
    for side, run in zip(_SIDES, (run_race, run_smac), strict=True):
        file = out / f"{side}.json"
        if not file.exists() and given.side in (None, side):
            arena = _arena(out, side, race_limit(survey), division)
            write_json(file, run(survey, draws, arena, out, given.minutes))
        if file.exists():
            choices[side] = read_json(file, Chosen, f"what {side} has chosen")
    if given.side is None:
        judge(choices, survey, division, out)
    return 0


if __name__ == "__main__":
    sys.exit(status_of(main))
