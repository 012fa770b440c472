"""What became of an episode: the record that its job leaves beside its shard of samples."""

from pathlib import Path

from msgspec import Struct

from kida.boundary import Natural, Seed, find_json
from kida.errors import UserError
from kida.files import whole_files


class EpisodeRecord(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What became of an episode.

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
    index: Natural
    seed: Seed
    acting: str
    samples: Natural
    nodes: Natural
    decisions: Natural
    expert_decisions: Natural
    status: str
    seconds: float
    root_seconds: float
    expert_seconds: float
    lp_seconds: float
    dual_bound: float | None
    reward: float | None


class EpochMetrics(Struct, frozen=True, kw_only=True):
    """What is read again of an epoch's metrics, see :class:`kida.learning.validation.Validation`.

    What else is recorded is left out.

    Attributes
    ----------
    epoch
        Counted from 1.
    loss
        The mean training loss.
    validation_loss, validation_top1, validation_score_ratio
        On the validation samples.
    """

    epoch: Natural
    loss: float
    validation_loss: float
    validation_top1: float
    validation_score_ratio: float


def record_file(shard: Path) -> Path:
    """Return where the record of the episode with this shard is; an episode that has it is done."""
    return shard.with_suffix(".json")


def failure_file(shard: Path) -> Path:
    """Return where it is written down that the episode with this shard has failed for good."""
    return shard.with_suffix(".failed.json")


def record_of(shard: Path) -> EpisodeRecord | None:
    """Return the record of the episode with this shard, or None if there is no intact one."""
    try:
        return find_json(record_file(shard), EpisodeRecord, "an episode's record")
    except UserError:
        return None


def records_in(folder: Path, kind: str = "*") -> list[EpisodeRecord]:
    """Return the records of a generation's episodes, those for ``"train"`` or ``"valid"`` alone."""
    paths = whole_files(folder, f"{kind}_*.json")
    found = (record_of(path) for path in paths if ".failed" not in path.name)
    return [record for record in found if record is not None]
