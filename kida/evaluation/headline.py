"""What a set of results says, in one sentence: the verdict on the best policy beside the baseline.

The measure is that of a run's verdict (``verdict.py``): the dual bound over time under the
competition's settings, else the time if anything was solved, else the gap over time. Of several
policies the best one is named, and they share the probability of an error: its interval is as much
wider (Bonferroni).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from kida.errors import UserError
from kida.evaluation.records import Record
from kida.evaluation.results import Results
from kida.evaluation.verdict import (
    CONFIDENCE,
    FEWEST,
    Goal,
    Pair,
    Verdict,
    judged,
    paired,
    sentence,
)
from kida.files import printable


@dataclass(frozen=True)
class Headline:
    """What comes first in a report.

    Attributes
    ----------
    sentence
        The verdict.
    policy, baseline
        Whose verdict it is, and beside whom; as they are shown.
    verdict
        In numbers.
    pairs
        What both had on each instance and seed, instances by their names in tables.
    """

    sentence: str
    policy: str
    baseline: str
    verdict: Verdict
    pairs: tuple[Pair, ...]

    @property
    def marked(self) -> str:
        """What the interval is over: each ``"instance"``, or, as these are few, each ``"run"``."""
        return "instance" if len({pair.instance for pair in self.pairs}) >= FEWEST else "run"


def headline(results: Results, baseline: str) -> Headline | None:
    """Return the verdict on the best policy, None if nothing can be compared with the baseline.

    Parameters
    ----------
    results
        With at least one finished run.
    baseline
        A policy of theirs.
    """
    goal = _goal(results)
    base = _runs(results, baseline)
    others = {
        policy: runs
        for policy in results.policies
        if policy != baseline and paired(goal, runs := _runs(results, policy), base)
    }
    if not others:
        return None
    # Rounded so that no more than the 5 % is used.
    level = CONFIDENCE if len(others) == 1 else math.ceil(1000 - 50 / len(others)) / 1000
    found: dict[str, Verdict] = {}
    for policy, runs in others.items():
        try:
            found[policy] = judged(
                goal, runs, base, policy=policy, seconds_used=0.0, confidence=level
            )
        except UserError:
            continue
    if not found:
        return None
    best = min(found, key=lambda policy: found[policy].ratio)
    than = "SCIP's default" if baseline == "default" else baseline
    text = f"{best}: {sentence(found[best], than)}"
    if len(found) > 1:
        text = f"Of {len(found)} policies compared with {than} the best is {text}"
    names = {f"{name} {digest}": label for (name, digest), label in results.labels.items()}
    pairs = [
        pair._replace(instance=names.get(pair.instance, pair.instance))
        for pair in paired(goal, others[best], base)
    ]
    return Headline(text, best, baseline, found[best], tuple(pairs))


def _goal(results: Results) -> Goal:
    if results.protocol.settings == "competition":
        return "bound"
    return "time" if any(row.solved for row in results.rows) else "gap"


def _runs(results: Results, policy: str) -> Sequence[Record]:
    """Return a policy's runs, the failed ones too."""
    finished = [
        record
        for row, record in zip(results.rows, results.records, strict=True)
        if row.policy == policy
    ]
    failed = [record for record in results.failures if printable(record.job.policy) == policy]
    return [*finished, *failed]
