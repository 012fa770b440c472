"""Episodes: one solve each, in which the strong-branching expert is asked at some of the nodes.

An episode is a job: plain data in, a shard of samples and a small record out. Nodes are recorded
natively (``kida.solver.branching.attach_collector``); who branches where is
``config.CollectionConfig``.
"""

import math
import time
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from kida.errors import UserError
from kida.instances.family import Instance
from kida.instances.registry import initial_bounds
from kida.jobs.job import Job, Stage, enter
from kida.learning.config import CollectionConfig
from kida.learning.records import EpisodeRecord, record_of
from kida.learning.samples import write_shard
from kida.network.policy import Policy
from kida.reward import ScoringRule, cumulated_reward
from kida.rule import Acting
from kida.settings import Limits, named_settings
from kida.solver.branching import Brancher, attach_collector
from kida.solver.policies import load_function
from kida.solver.solve import SolveResult, solve

#: An episode that has recorded too little by then ends all the same.
NODE_LIMIT = 100_000


class Episode(Job, frozen=True, kw_only=True):
    """A job: play one episode.

    Attributes
    ----------
    instance
        What to solve.
    seed
        Of SCIP, and of the choice of recorded nodes.
    acting
        Who branches at unrecorded nodes.
    policy
        Absolute path of the policy, needed when the network acts.
    options
        The rest of the configuration.
    thinning
        Factor on its recording probabilities.
    shard
        Absolute path of the shard to write, before the record.
    folder
        Absolute path of the working folder, in which the expert's score function is looked for.
    """

    instance: Instance
    seed: int
    acting: Acting
    policy: str | None
    options: CollectionConfig
    thinning: float
    shard: str
    folder: str

    @property
    def label(self) -> str:
        """What the job is, for messages."""
        return f"the episode on {self.instance.name}, seed {self.seed}"

    def run(self, stage: Stage) -> EpisodeRecord:
        """Solve, record samples and write them.

        Raises
        ------
        UserError
            If the instance or the policy cannot be used, or the shard cannot be written.
        """
        finished = record_of(Path(self.shard))
        if finished is not None:
            # Whoever had begun it, and was taken for dead, has ended it.
            return finished
        enter(self.folder)
        policy = None if self.policy is None else Policy.load(Path(self.policy))
        if policy is not None and policy.card.candidates != self.options.candidates:
            raise UserError(
                f"the acting policy chooses among the {policy.card.candidates} variables, but the "
                f"samples are of the {self.options.candidates} ones: set collection.candidates"
            )
        branchers: list[Brancher] = []

        def attach(model: Any) -> Brancher:
            branchers.append(self.attach(model, policy))
            return branchers[0]

        started = time.perf_counter()
        result = solve(
            self.instance,
            attach,
            settings=named_settings(self.options.settings).under(self.options.user_parameters),
            limits=Limits(time=self.options.time_limit, nodes=NODE_LIMIT),
            seed=self.seed,
            raise_interrupt=True,
        )
        seconds = time.perf_counter() - started
        samples = branchers[0].samples()
        write_shard(Path(self.shard), samples)
        return self._record(result, branchers[0], len(samples), seconds)

    def attach(self, model: Any, policy: Policy | None) -> Brancher:
        """Attach the rule that plays the episode and records, with its loaded ``policy``."""
        options = self.options
        thinned = tuple(self.thinning * chance for chance in options.probability_by_depth)
        return attach_collector(
            model,
            policy,
            replace(options, probability_by_depth=thinned),
            acting=self.acting,
            seed=self.seed,
            expert_score=load_function(options.expert_score) if options.expert_score else None,
            parameters=options.parameters,
        )

    def _record(
        self, result: SolveResult, brancher: Brancher, samples: int, seconds: float
    ) -> EpisodeRecord:
        trajectory, statistics = result.trajectory, brancher.statistics
        root_seconds = trajectory.root_end()
        after_root = float(trajectory.wall[-1]) - root_seconds
        reward = math.nan
        if after_root > 0:
            rule = ScoringRule(after_root, initial_bounds(self.instance).dual)
            reward = cumulated_reward(trajectory, rule) / after_root
        return EpisodeRecord(
            instance=self.instance.name,
            split=self.instance.split,
            index=self.instance.index,
            seed=self.seed,
            acting=self.acting,
            samples=samples,
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


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
