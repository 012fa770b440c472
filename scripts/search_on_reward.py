r"""Tune a policy by search on reward, or train with generations that are made so.

    python scripts/search_on_reward.py item_placement --out runs/searched \
        --set generations=1 --set search.generations=1 --set search.start=item_placement

takes what kida train takes and, in the table search, the options of kida/lab/search_config.py:
search.generations names the generations to be made by search. Run the same command again to go on;
kida train --status shows how far a run is. docs/method.md says what the search does.
"""

import argparse
import json
import sys
from pathlib import Path

from kida.boundary import plain
from kida.cli import status_of
from kida.errors import UserError
from kida.jobs.cores import available_cores
from kida.jobs.run import Workers
from kida.lab.search import searches
from kida.lab.search_config import read_search
from kida.learning.dagger import train
from kida.learning.events import EpisodeEnded, Event, Tick


def main(arguments: list[str] | None = None) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("family", nargs="?", help="default: the configuration's")
    parser.add_argument("--out", type=Path, required=True, metavar="RUN", help="run folder")
    parser.add_argument("--config", type=Path, metavar="FILE.toml", help="configuration file")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--jobs", type=int, default=available_cores(), help="default: cores")
    chosen = parser.parse_args(arguments)
    config, options = read_search(chosen.family, chosen.config, chosen.set)
    if not options.generations:
        raise UserError("search.generations names no generation: --set search.generations=1")
    makers = searches(options)
    policy = train(chosen.out, config, makers=makers, workers=Workers(chosen.jobs), listener=_say)
    print(f"The policy is in {policy}; try it: kida solve FILE --model {policy}")
    return 0


def _say(event: Event) -> None:
    # The others are told often, and in the log or not worth a line.
    if not isinstance(event, Tick | EpisodeEnded):
        print(json.dumps(plain(event)), flush=True)


if __name__ == "__main__":
    sys.exit(status_of(main))
