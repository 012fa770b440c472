"""Episodes: one solve each, in which the strong-branching expert is asked at some of the nodes.

An episode is a job for a worker process: plain data in, a shard on disk and a small record out.
Nodes are recorded natively (``kida.solver.branching.attach_collector``); who branches where is
``config.CollectionConfig``.
"""

import json
import math
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from kida.errors import UserError
from kida.instances.family import Instance
from kida.instances.registry import initial_bounds
from kida.learning.config import CollectionConfig
from kida.learning.samples import Shard, ShardError, write_shard
from kida.network.policy import Policy
from kida.reward import ScoringRule, cumulated_reward
from kida.settings import Limits
from kida.solver.branching import Acting, Brancher, CollectOptions, attach_collector
from kida.solver.policies import load_function
from kida.solver.solve import solve


@dataclass(frozen=True)
class Episode:
    """One job.

    Attributes
    ----------
    instance
        What to solve.
    seed
        Of SCIP, and of the choice of recorded nodes.
    acting
        Who branches at unrecorded nodes.
    policy
        Folder of the policy, needed when the network acts.
    options
        The rest of the configuration.
    thinning
        Factor on its recording probabilities.
    path
        The shard to write.
    """

    instance: Instance
    seed: int
    acting: Acting
    policy: str | None
    options: CollectionConfig
    thinning: float
    path: Path

    @property
    def recording(self) -> CollectOptions:
        """What the branching rule is told."""
        options = self.options
        return CollectOptions(
            acting=self.acting,
            candidates=options.candidates,
            probability_by_depth=tuple(
                self.thinning * probability for probability in options.probability_by_depth
            ),
            depth_window=options.depth_window,
            node_window=options.node_window,
            max_samples=options.samples_per_episode,
            stop_when_full=True,
            seed=self.seed,
            expert_depth=options.acting_expert_depth,
            expert_candidates=options.expert_candidates,
            expert_iterations=options.expert_iterations,
            parameters=options.parameters,
            expert=options.expert,
            expert_score=(load_function(options.expert_score) if options.expert_score else None),
            act_on_expert=options.act_on_expert,
            expert_teaches=options.expert_teaches,
        )

    @property
    def limits(self) -> Limits:
        """When the solver stops at the latest."""
        options = self.options
        # After its window an episode can record nothing more.
        nodes = min((options.node_limit, *options.node_window[1:]))
        return Limits(time=options.time_limit, nodes=nodes)


@dataclass(frozen=True)
class EpisodeRecord:
    """What became of an episode; also stored in its shard.

    Attributes
    ----------
    instance, split, index, seed
        Which episode it was.
    acting
        Who branched at unrecorded nodes.
    samples
        Recorded nodes; 0 when the instance was solved at the root, or the expert was too slow.
    nodes, decisions, expert_decisions
        Nodes processed, branched on by the rule, and by the expert.
    status
        SCIP's word for how it ended.
    seconds, root_seconds
        Of the whole solve, and of its root node.
    expert_seconds, lp_seconds
        In the expert, and in LPs (strong branching's included).
    dual_bound
        The final one; None if there is none.
    reward
        Mean dual bound over the time from the end of the root node to the end of the episode;
        None if that is not finite.
    """

    instance: str
    split: str
    index: int
    seed: int
    acting: str
    samples: int
    nodes: int
    decisions: int
    expert_decisions: int
    status: str
    seconds: float
    root_seconds: float
    expert_seconds: float
    lp_seconds: float
    dual_bound: float | None
    reward: float | None


def play(episode: Episode) -> EpisodeRecord:
    """Solve the episode's instance, record samples and write them; runs in a worker process.

    If the shard is there already and intact, the episode is not played again.

    Raises
    ------
    UserError
        If the instance or the policy cannot be used, or the shard cannot be written.
    """
    finished = record_of(episode.path)
    if finished is not None:
        return finished
    options = episode.options
    policy = None if episode.policy is None else Policy.load(Path(episode.policy))
    if policy is not None and policy.card.candidates != options.candidates:
        raise UserError(
            f"the acting policy chooses among the {policy.card.candidates} variables, but the "
            f"samples are of the {options.candidates} ones: set collection.candidates"
        )
    attached: list[Brancher] = []

    def attach(model: Any) -> Brancher:
        attached.append(attach_collector(model, policy, episode.recording))
        return attached[0]

    started = time.perf_counter()
    result = solve(
        episode.instance,
        attach,
        settings=options.settings,
        limits=episode.limits,
        seed=episode.seed,
    )
    seconds = time.perf_counter() - started
    brancher = attached[0]
    samples = brancher.samples()
    trajectory, statistics = result.trajectory, brancher.statistics
    root_seconds = trajectory.root_end()
    after_root = float(trajectory.wall[-1]) - root_seconds
    reward = math.nan
    if after_root > 0:
        rule = ScoringRule(after_root, initial_bounds(episode.instance).dual)
        reward = cumulated_reward(trajectory, rule) / after_root
    record = EpisodeRecord(
        instance=episode.instance.name,
        split=episode.instance.split,
        index=episode.instance.index,
        seed=episode.seed,
        acting=episode.acting,
        samples=len(samples),
        nodes=result.nodes,
        decisions=statistics.decisions,
        expert_decisions=statistics.expert_decisions,
        status=result.termination.status,
        seconds=seconds,
        root_seconds=root_seconds,
        expert_seconds=statistics.seconds_expert,
        lp_seconds=result.lp_time + result.strong_branching_time,
        dual_bound=_finite(result.dual_bound),
        reward=_finite(reward),
    )
    write_shard(episode.path, samples, asdict(record))
    return record


def record_of(path: Path) -> EpisodeRecord | None:
    """Return the record in the shard at ``path``, or None if there is no intact shard."""
    if not path.exists():
        return None
    try:
        return EpisodeRecord(**Shard(path).episode)
    except (ShardError, TypeError, json.JSONDecodeError):
        return None


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
