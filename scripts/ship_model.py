r"""Put a trained policy into models/, with its measurements in its card: no figure typed by hand.

    python scripts/ship_model.py set_cover runs/set_cover/policy --measured results/sc_medium \
        "scripts/table_research.sh set_cover medium results/sc_medium"

The results must be of this very policy, under whatever name it had when they were measured. To add
to a shipped model's measurements, name its own folder:

    python scripts/ship_model.py set_cover models/set_cover --keep --measured results/sc_hard \
        "scripts/table_research.sh set_cover hard results/sc_hard"
"""

import argparse
import sys
from pathlib import Path
from statistics import fmean
from typing import Any

from kida.boundary import replaced
from kida.errors import UserError
from kida.evaluation.results import Results, Row, load_results
from kida.evaluation.summary import TIME, compare_efforts, compare_policies
from kida.network.policy import Policy
from kida.solver.policies import policy_identity

#: What every ``interval_95`` is.
INTERVAL = "Student's t, paired by instance; of a ratio, on its logarithm"
MODELS = Path(__file__).resolve().parents[1] / "models"


def measurement(folder: str, command: str, identity: str, name: str) -> dict[str, Any]:
    """Return the card's entry for a folder of results and the command that makes them."""
    results = load_results([Path(folder)])
    aliases = {
        record.job.policy for record in results.records if record.policy_identity == identity
    }
    if len(aliases) != 1:
        raise UserError(f"the results in {folder} are not of this policy")
    alias = aliases.pop()
    if len({row.instance for row in results.rows}) < 2:
        raise UserError(f"{folder} holds a single instance, which has no interval; evaluate more")
    names = {who: name if who == alias else who for who in results.policies}
    entry: dict[str, Any] = {
        "command": command,
        "protocol": describe(results),
        "scip_version": results.protocol.scip,
        "interval_method": INTERVAL,
        "disturbed_runs": f"{len(results.disturbed)} of {len(results.rows)}",
    }
    rivals = [who for who in results.policies if who != alias]
    research = results.protocol.settings == "research"
    if research:
        entry["solved"] = {
            names[who]: share([row for row in results.rows if row.policy == who])
            for who in results.policies
        }
    # Where most runs end at the limit, a ratio of times says little and the bound says it all.
    if research and 2 * sum(row.solved for row in results.rows) >= len(results.rows):
        entry |= times(results, alias, names, rivals)
    else:
        entry |= rewards(results, alias, names, rivals)
    return entry


def rewards(
    results: Results, alias: str, names: dict[str, str], rivals: list[str]
) -> dict[str, Any]:
    """Compare by the dual bound."""
    differences = {}
    for rival in rivals:
        found, _ = compare_policies(results, rival)[alias]
        differences[f"{names[alias]} - {rival}"] = {
            "mean": round(found.difference, 2),
            "interval_95": [round(found.low, 2), round(found.high, 2)],
            "wins": found.wins,
            "losses": found.losses,
        }
    means = {
        names[who]: round(
            fmean(row.cumulated_reward for row in results.rows if row.policy == who), 2
        )
        for who in results.policies
    }
    return {"mean_cumulated_reward": means, "paired_difference": differences}


def times(results: Results, alias: str, names: dict[str, str], rivals: list[str]) -> dict[str, Any]:
    """Compare by the time to optimality."""
    means, ratios = {}, {}
    for rival in rivals:
        ratio, _ = compare_efforts(results, rival, TIME)[alias]
        means |= {names[alias]: round(ratio.mean, 2), rival: round(ratio.baseline_mean, 2)}
        ratios[f"{names[alias]} / {rival}"] = {
            "value": round(ratio.ratio, 3),
            "interval_95": [round(ratio.low, 3), round(ratio.high, 3)],
            "wins": ratio.wins,
            "losses": ratio.losses,
        }
    return {"shifted_geometric_mean_seconds": means, "ratio": ratios}


def describe(results: Results) -> str:
    """Say what all runs had in common."""
    protocol = results.protocol
    names = sorted({row.instance for row in results.rows}, key=lambda name: (len(name), name))
    seeds = sorted({row.seed for row in results.rows})
    return (
        f"{protocol.settings} settings, {protocol.seconds:g} s, {len(names)} instances "
        f"({names[0]} to {names[-1]}), seeds {', '.join(map(str, seeds))}, one core per solve"
    )


def share(rows: list[Row]) -> str:
    """Say how many of the runs were solved."""
    return f"{sum(row.solved for row in rows)} of {len(rows)}"


def main() -> int:
    """Ship; return the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("name", help="the model's; scripts/train_NAME.toml is its recipe")
    parser.add_argument("policy", help="the folder that training left")
    parser.add_argument(
        "--measured",
        nargs=2,
        action="append",
        required=True,
        metavar=("RESULTS", "COMMAND"),
        help="a folder of results, and the command that makes them; may be repeated",
    )
    parser.add_argument(
        "--keep",
        action="store_true",
        help="keep the policy's earlier measurements, but those of a command measured again",
    )
    arguments = parser.parse_args()
    try:
        policy = Policy.load(arguments.policy)
        identity = policy_identity(arguments.policy)
        results = [
            measurement(folder, command, identity, arguments.name)
            for folder, command in arguments.measured
        ]
    except UserError as error:
        print(f"ship_model: {error}", file=sys.stderr)
        return 2
    if arguments.keep:
        again = {command for _, command in arguments.measured}
        results = [old for old in policy.card.results if old["command"] not in again] + results
    recipe = {"command": f"scripts/train.sh {arguments.name}"} | dict(policy.card.recipe)
    card = replaced(policy.card, recipe=recipe, results=tuple(results))
    Policy(policy.weights, card).save(MODELS / arguments.name)
    print(f"models/{arguments.name} is ready; scripts/train_{arguments.name}.toml must match it")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
