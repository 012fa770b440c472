"""Whether an heir of specialists is a better start on another family than what it was made of.

One network is trained on a mixture of families, and goes on to be a specialist of each; their
weights are averaged. Then networks are trained on a few episodes of a family that none of these has
seen, from each of these starts, and measured there.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from kida.jobs.run import Workers
from kida.lab.effects import effect, shown
from kida.lab.events import Studying
from kida.lab.likeness import answers
from kida.lab.members import Pool
from kida.lab.yardstick import Yardstick
from kida.learning.events import Listener
from kida.learning.plan import Draw
from kida.learning.samples import Aggregate
from kida.learning.train import initial_network
from kida.network.architecture import Weights
from kida.network.inheritance import uniform_average
from kida.network.policy import Policy, holds_policy

#: What networks on the new family start from.
STARTS = ("nothing", "mixture", "specialist", "heir")


def transfer(
    pools: Mapping[str, Pool],
    unseen: Pool,
    episodes: Sequence[int],
    yardstick: Yardstick,
    draws: Sequence[Draw],
    workers: Workers,
    listener: Listener,
) -> dict[str, Any]:
    """Make and measure everything; return it as JSON content.

    Parameters
    ----------
    pools
        Of each family of the mixture, by name: of one generation.
    unseen
        That of the other family, of one generation.
    episodes
        How many of its episodes networks are trained on.
    yardstick, draws
        What they are measured by: validation instances of the other family.
    workers
        Play the episodes.
    listener
        Gets an event at every step.
    """
    for name, pool in (*pools.items(), ("unseen", unseen)):
        listener(Studying(text=f"episodes of {name}"))
        pool.play(workers)
    starts = _starts(pools, unseen, listener)
    samples = unseen.samples()
    paths = [samples.shards[k].path for k in sorted({r.shard for r in samples.references})]
    names: dict[tuple[str, int], str] = {}
    for start, weights in starts.items():
        if weights is not None:
            names[start, 0] = _kept(unseen, f"{start}_0", weights)
        for count in episodes:
            some = Aggregate(paths[:count])
            names[start, count] = _trained(unseen, f"{start}_{count}", some, weights)
    policies = [Policy.load(unseen.path(name)) for name in names.values()]
    worth = yardstick.compared(policies, draws)
    worths = dict(zip(names, worth, strict=True))
    most = worths["nothing", max(episodes)]
    return {
        "family": unseen.run.config.family,
        "mixture": list(pools),
        "draws": worth.shape[1],
        "rows": [
            {
                "start": start,
                "episodes": count,
                "samples": len(Aggregate(paths[:count])),
                "over_nothing": effect(worth - most),
                "over_mixture": effect(worth - worths["mixture", count])
                if start not in ("nothing", "mixture")
                else None,
            }
            for (start, count), worth in worths.items()
        ],
    }


def _starts(
    pools: Mapping[str, Pool], unseen: Pool, listener: Listener
) -> dict[str, Weights | None]:
    """Return the weights of the mixture, of the specialist nearest to the new family, and the heir.

    The nearest one is that of the lowest loss on the new family's validation samples.
    """
    every = [
        [shard.path for pool in pools.values() for shard in samples(pool).shards]
        for samples in (Pool.samples, Pool.validation)
    ]
    mixed = _trained(unseen, "mixed", Aggregate(every[0]), None, Aggregate(every[1]))
    mixture = Policy.load(unseen.path(mixed)).weights
    specialists = {}
    for family, pool in pools.items():
        name = _trained(pool, "specialist", pool.samples(), mixture, refit=False)
        specialists[family] = Policy.load(pool.path(name))
    seen = unseen.validation()
    losses = {
        family: answers(policy, seen, unseen.config).cross_entropy()
        for family, policy in specialists.items()
    }
    nearest = min(losses, key=lambda family: losses[family])
    listener(Studying(text=f"the nearest specialist is that of {nearest}"))
    heir = uniform_average([policy.weights for policy in specialists.values()])
    found = (None, mixture, specialists[nearest].weights, heir)
    return dict(zip(STARTS, found, strict=True))


def _trained(
    pool: Pool,
    name: str,
    samples: Aggregate,
    start: Weights | None,
    validation: Aggregate | None = None,
    *,
    refit: bool = True,
) -> str:
    """Train as the recipes do, to the best epoch, or find it trained; return what it is called.

    Parameters
    ----------
    refit
        Whether the start's prenorm statistics are fitted on the samples, as recipes do. Not for
        what is to be averaged.
    """
    best, config = f"{name}_best", pool.run.config.training
    if not holds_policy(pool.path(best)):
        if start is not None and refit:
            start = initial_network(samples, config, pool.run.config.seed, start).weights()
        pool.train(name, samples, config, start=start, validation=validation)
    return best


def _kept(pool: Pool, name: str, weights: Weights) -> str:
    pool.keep(name, weights)
    return name


def markdown(content: Mapping[str, Any]) -> str:
    """Return the table of :func:`transfer`'s content."""
    lines = [
        f"## Starts for {content['family']}",
        "",
        f"The mixture: {', '.join(content['mixture'])}. Nodes to optimality on {content['draws']} "
        "validation instances; positive is better; 95 % intervals in brackets.",
        "",
        "| start | episodes (samples) | over nothing, all episodes | over the mixture, as many |",
        "|---|---|---|---|",
    ]
    lines += [
        f"| {row['start']} | {row['episodes']} ({row['samples']}) "
        f"| {shown(row['over_nothing'])} | {shown(row['over_mixture'])} |"
        for row in content["rows"]
    ]
    return "\n".join([*lines, ""])
