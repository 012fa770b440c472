"""Training of a steering model: strong-branching samples in, a policy of the kind "relpscost" out.

The model is two layers over what is known of each candidate (:mod:`kida.network.steering`), so
samples of different problems count alike: every sample's loss is the cross-entropy to the softmax
of its scores, in units of that sample's own spread. The samples are those that ``kida train`` has
recorded, of as many different problems as there are.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from kida.errors import UserError
from kida.learning.events import Kept
from kida.learning.samples import Aggregate, best_candidates, informative
from kida.network.steering import FEATURES, Steering, SteeringCard
from kida.observation import VariableFeature
from kida.sample import Sample

#: What a model learns from: all but the noise.
TRAINED_ON = tuple(name for name in FEATURES if name != "noise")

#: Of the targets: the distance from the mean to the best score is one unit.
_TEMPERATURE = 0.2
_BATCH = 64
_FRACTION = VariableFeature.SOLUTION_FRAC
_LEARNING_RATE = 3e-3
_WEIGHT_DECAY = 1e-3


@dataclass(frozen=True)
class Fit:
    """What came of a training.

    Attributes
    ----------
    policy
        The model of the best epoch.
    kept
        Shortlist's length to the share of validation samples whose best candidate is on it, of
        those that have more candidates than that.
    by_pseudocosts
        The same of the order by pseudocosts.
    """

    policy: Steering
    kept: dict[int, float]
    by_pseudocosts: dict[int, float]

    @property
    def event(self) -> Kept:
        """What a run tells of it."""
        return Kept(by_model=self.kept, by_pseudocosts=self.by_pseudocosts)


def features_of(sample: Sample) -> NDArray[np.float32]:
    """Return what steering reads of a sample's candidates, shape ``(k, len(TRAINED_ON))``.

    The same as the native rule observes at a node (``cpp/candidate_model``), the noise apart.
    """
    variables = sample.observation.variable_features[sample.candidates]
    return features_from(
        sample.candidate_features, variables[:, _FRACTION], variables[:, VariableFeature.OBJECTIVE]
    )


def features_from(
    statistics: NDArray[Any], fraction: NDArray[Any], objective: NDArray[Any]
) -> NDArray[np.float32]:
    """Return the same from its parts.

    Parameters
    ----------
    statistics
        Of the candidates, :class:`kida.observation.CandidateFeature`; shape ``(k, 9)``.
    fraction
        Fractional parts of their LP values, shape ``(k,)``.
    objective
        Their objective coefficients, in any unit; shape ``(k,)``.
    """
    size = np.abs(objective)
    largest = size.max() if len(size) else 0.0
    more = [2 * np.minimum(fraction, 1 - fraction), size / largest if largest > 0 else 0 * size]
    found: NDArray[np.float32] = np.column_stack([statistics, *more])
    return found.astype(np.float32)


@dataclass(frozen=True, eq=False)
class Ranking:
    """Candidates of one node, to be put in the order of their scores.

    Attributes
    ----------
    features
        Shape ``(k, f)``.
    scores
        Of strong branching, shape ``(k,)``, not all alike.
    weight
        How much it counts among others.
    """

    features: NDArray[np.float32]
    scores: NDArray[np.float64]
    weight: float = 1.0


def rankings_of(samples: Sequence[Sample] | Aggregate) -> list[Ranking]:
    """Return the rankings of the samples that tell their candidates apart."""
    found = []
    for number in range(len(samples)):
        sample = samples[number]
        # The rule chooses among fractional candidates; and where strong branching was asked about
        # some only, the others are none here.
        fraction = sample.observation.variable_features[sample.candidates, _FRACTION]
        evaluated = ~np.isnan(sample.scores) & (fraction > 0)
        scores = sample.scores[evaluated]
        if informative(scores):
            found.append(Ranking(features_of(sample)[evaluated], scores))
    return found


class _Model(nn.Module):
    def __init__(self, features: int, hidden: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(features, hidden)
        self.output = nn.Linear(hidden, 1, bias=False)

    def forward(self, features: Tensor) -> Tensor:
        scores: Tensor = self.output(torch.relu(self.hidden(features)))[..., 0]
        return scores


def fit(
    training: Sequence[Ranking],
    validation: Sequence[Ranking],
    *,
    hidden: int = 16,
    epochs: int = 50,
    seed: int = 0,
    shortlists: tuple[int, ...] = (4, 8, 16),
) -> Fit:
    """Train a model, and say what its shortlists keep.

    Parameters
    ----------
    training, validation
        Rankings by the features of ``TRAINED_ON``; of problems that the other has none of, if the
        validation is to say anything of problems not seen.
    hidden
        Neurons of the hidden layer.
    epochs
        Passes over the training samples; the best by the validation loss counts.
    seed
        Of the initial weights and the order of the samples.
    shortlists
        The lengths for the card.

    Raises
    ------
    UserError
        If there is nothing to learn from, or to validate on.
    """
    for name, rankings in (("training", training), ("validation", validation)):
        if not rankings:
            raise UserError(
                f"no {name} sample tells its candidates apart: collect more, of harder problems"
            )
    model, loss = learn(training, validation, hidden=hidden, epochs=epochs, seed=seed)
    recipe = {"samples": len(training), "epochs": epochs, "validation_loss": round(loss, 6)}
    card = SteeringCard(
        features=TRAINED_ON, hidden=hidden, shortlists=shortlists, recipe=recipe, seeds=(seed,)
    )
    weights = {name: tensor.numpy() for name, tensor in model.state_dict().items()}
    column = TRAINED_ON.index("pseudocost_score")
    learned = [scores_by(model, each.features) for each in validation]
    known = [each.features[:, column] for each in validation]
    kept = (_kept(scores, validation, shortlists) for scores in (learned, known))
    return Fit(Steering(weights, card), *kept)


def learn(
    training: Sequence[Ranking],
    validation: Sequence[Ranking],
    *,
    hidden: int,
    epochs: int,
    seed: int,
) -> tuple[nn.Module, float]:
    """Train a model of any features.

    Parameters
    ----------
    training, validation, hidden, epochs, seed
        As of :func:`fit`. Without validation the last epoch counts.

    Returns
    -------
    tuple
        The model, and its validation loss: infinite without validation.
    """
    torch.manual_seed(seed)
    sets = [[_Prepared.of(each) for each in rankings] for rankings in (training, validation)]
    model = _Model(training[0].features.shape[1], hidden)
    optimizer = torch.optim.AdamW(model.parameters(), lr=_LEARNING_RATE, weight_decay=_WEIGHT_DECAY)
    least, best = np.inf, model.state_dict()
    generator = np.random.default_rng(seed)
    for _ in range(epochs):
        order = generator.permutation(len(sets[0]))
        for start in range(0, len(order), _BATCH):
            batch = [sets[0][number] for number in order[start : start + _BATCH]]
            optimizer.zero_grad()
            _loss(model, batch).backward()  # type: ignore[no-untyped-call]
            optimizer.step()
        if sets[1]:
            with torch.no_grad():
                loss = float(_loss(model, sets[1]))
            if loss < least:
                least = loss
                best = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    if sets[1]:
        model.load_state_dict(best)
    return model, float(least)


def scores_by(model: nn.Module, features: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the model's scores of candidates with these features, shape ``(k,)``."""
    with torch.no_grad():
        scores: NDArray[np.float32] = model(torch.from_numpy(features)).numpy()
    return scores


class _Prepared(NamedTuple):
    features: Tensor
    targets: Tensor
    weight: float

    @classmethod
    def of(cls, ranking: Ranking) -> "_Prepared":
        scores = ranking.scores
        unit = max(scores.max() - scores.mean(), 1e-300)
        targets = torch.from_numpy((scores - scores.max()) / (_TEMPERATURE * unit)).softmax(0)
        return cls(torch.from_numpy(ranking.features), targets.float(), ranking.weight)


def _loss(model: nn.Module, batch: Sequence[_Prepared]) -> Tensor:
    scores = model(torch.cat([each.features for each in batch]))
    parts = scores.split([len(each.targets) for each in batch])
    losses = [
        -each.weight * (each.targets * part.log_softmax(0)).sum()
        for part, each in zip(parts, batch, strict=True)
    ]
    return torch.stack(losses).mean()


def _kept(
    scores: Sequence[NDArray[np.float32]], rankings: Sequence[Ranking], lengths: Sequence[int]
) -> dict[int, float]:
    best = [best_candidates(each.scores) for each in rankings]
    kept = {}
    for length in lengths:
        hits = [
            bool(mine[np.argsort(-score, kind="stable")[:length]].any())
            for score, mine in zip(scores, best, strict=True)
            if len(mine) > length
        ]
        kept[length] = float(np.mean(hits)) if hits else 1.0
    return kept
