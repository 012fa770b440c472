"""How alike networks are: numbers that can be worked out by hand."""

import numpy as np
import pytest

from kida.lab.likeness import Answers, churn, disagreement


def of(logits, best):
    return Answers(np.array(logits, np.float64), np.array(best, bool))


def test_the_cross_entropy_of_the_undecided_is_that_of_the_candidates():
    # Two candidates of which one is best, and four of which two are.
    undecided = of([[0, 0, -np.inf, -np.inf], [3, 3, 3, 3]], [[1, 0, 0, 0], [0, 1, 1, 0]])
    assert undecided.cross_entropy() == pytest.approx((np.log(2) + np.log(4)) / 2)


def test_who_is_too_sure_is_told_by_how_much():
    generator = np.random.default_rng(0)
    logits = generator.standard_normal((4000, 5))
    chances = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    chosen = [generator.choice(5, p=chance) for chance in chances]
    best = np.eye(5, dtype=bool)[chosen]
    assert of(logits, best).calibration() == pytest.approx(1, abs=0.1)
    sure = of(8 * logits, best)
    assert sure.calibration() == pytest.approx(1 / 8, abs=0.02)
    assert sure.cross_entropy() > of(logits, best).cross_entropy() + 1
    # What is chosen does not depend on it.
    assert sure.accuracy() == of(logits, best).accuracy() > 0.3


def test_disagreement_is_of_all_pairs_and_churn_of_neighbours():
    first = of([[1, 0], [1, 0], [1, 0], [1, 0]], [[1, 0]] * 4)
    second = of([[1, 0], [1, 0], [1, 0], [0, 1]], [[1, 0]] * 4)
    third = of([[0, 1], [1, 0], [1, 0], [0, 1]], [[1, 0]] * 4)
    assert churn([first, second, third]) == pytest.approx((0.25 + 0.25) / 2)
    assert disagreement([first, second, third]) == pytest.approx((0.25 + 0.25 + 0.5) / 3)
