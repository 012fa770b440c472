"""Instances x seeds x policies: which solves an evaluation consists of, and in which order."""

from collections.abc import Sequence
from dataclasses import dataclass

from kida.errors import UserError
from kida.evaluation.records import file_slug, slug
from kida.instances.family import Instance
from kida.instances.registry import digest_of


@dataclass(frozen=True)
class Trial:
    """One solve to do."""

    instance: Instance
    seed: int
    policy: str

    @property
    def file_name(self) -> str:
        """Where its record lives, below ``runs/``."""
        # Files of one name may differ, of two folders or times; generated instances never do.
        mark = "" if self.instance.path is None else f"-{digest_of(self.instance)}"
        return f"{file_slug(self.instance.name)}{mark}.{self.seed}.{file_slug(self.policy)}.json"

    @property
    def old_file_name(self) -> str:
        """Where the record would live that does not tell the instance's content (version 1)."""
        return f"{slug(self.instance.name)}.{self.seed}.{slug(self.policy)}.json"


def plan(
    instances: Sequence[Instance], seeds: Sequence[int], policies: Sequence[str]
) -> list[Trial]:
    """List the runs so that policies take turns: what disturbs the machine disturbs them alike.

    Which policy begins rotates, so that none is always the first on a cold machine.

    Raises
    ------
    UserError
        If there is nothing to run, something is named twice, or names cannot be told apart.
    """
    for what, given in (("instance", instances), ("seed", seeds), ("policy", policies)):
        if not given:
            raise UserError(f"there is no {what} to evaluate; name at least one")
        if len(set(given)) < len(given):
            raise UserError(f"a {what} is named twice; name each one once")
    runs = []
    for turn, (seed, instance) in enumerate((s, i) for s in seeds for i in instances):
        first = turn % len(policies)
        order = [*policies[first:], *policies[:first]]
        runs += [Trial(instance, seed, policy) for policy in order]
    if len({run.file_name for run in runs}) < len(runs):
        raise UserError(
            "two instances or policies have names that differ in punctuation only; "
            "rename a file or folder"
        )
    return runs
