"""Policies side by side on one real instance."""

import numpy as np
import pytest

from kida.errors import UserError
from kida.evaluation.side_by_side import compare
from kida.instances.registry import initial_bounds, instances


@pytest.mark.slow
def test_bounds_and_rewards_side_by_side():
    (instance,) = instances("item_placement", count=1)
    started = []
    found = compare(instance, ["mostinf", "pscost"], 1.0, on_start=started.append)
    assert started == ["mostinf", "pscost"] == list(found.results)
    times, bounds = found.bounds_over_time(4)
    np.testing.assert_allclose(times, [0, 0.25, 0.5, 0.75, 1])
    for policy, row in bounds.items():
        assert row.shape == (5,)
        assert (np.diff(row) >= 0).all()
        assert row[0] == pytest.approx(initial_bounds(instance).dual)
        reward = found.rewards()[policy]
        assert row[0] * (1 - 1e-9) <= reward <= row[-1] * (1 + 1e-9)


def test_all_policies_are_checked_first():
    (instance,) = instances("item_placement", count=1)
    started = []
    with pytest.raises(UserError, match="nonesuch"):
        compare(instance, ["mostinf", "nonesuch"], 1.0, on_start=started.append)
    assert not started
