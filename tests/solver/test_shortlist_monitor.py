"""Whether a shortlist pays: the bound on what finding out may cost, whatever the scores are."""

import math
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kida import _core

ALLOWANCE = _core.ShortlistMonitor.allowance


class Solve:
    """A solve as the monitor sees it: each node of so many iterations, the root of many."""

    def __init__(self, lengths: list[int], root: float = 5000.0) -> None:
        self.monitor: Any = _core.ShortlistMonitor(lengths)
        self.lengths = lengths
        self.work = root
        self.nodes = 1.0
        self.played = dict.fromkeys(lengths, 0)
        self.longest_run = self.run = 0

    def node(
        self,
        since: float,
        everything: float,
        lists: list[float],
        kept: list[float],
        caught: Sequence[float] | None = None,
    ) -> None:
        """Branch once: strong branching costs ``everything``, or what the list played costs."""
        self.nodes += 2
        self.work += since
        self.monitor.at_node(self.work, since, self.nodes)
        if self.monitor.closed:
            return
        length = self.monitor.next()
        if length == 0:
            self.work += everything
            self.monitor.looked(everything, 20, kept, list(caught or [1.0] * len(self.lengths)))
            assert self.monitor.unsettled == 0
            self.run = 0
            return
        place = self.lengths.index(length)
        self.work += lists[place]
        self.monitor.played(lists[place])
        self.played[length] += 1
        self.run += 1
        self.longest_run = max(self.run, self.longest_run)


looks = st.tuples(
    st.floats(0, 1000),
    st.floats(0, 5000),
    st.lists(st.floats(0, 5000), min_size=3, max_size=3),
    # The list that was played is told of, or the node was not branched on.
    st.lists(st.floats(0, 1), min_size=3, max_size=3) | st.just([math.nan] * 3),
    st.lists(st.sampled_from([0.0, 1.0]), min_size=3, max_size=3),
)


@given(st.lists(looks, max_size=150), st.floats(0, 1e5))
@settings(max_examples=150, deadline=None)
def test_whatever_the_looks_tell_the_loss_stays_within_the_allowance(nodes, root) -> None:
    solve = Solve([4, 8, 16], root)
    for node in nodes:
        solve.node(*node)
        assert solve.monitor.lost <= ALLOWANCE * solve.work + 1e-6


def test_an_adversary_that_turns_when_trusted_is_held_to_the_allowance() -> None:
    """Each look praises every list until it is played, and condemns it at the next one."""
    solve = Solve([4, 8, 16])
    for _ in range(3000):
        trusted = solve.monitor.next() == 0 and solve.run > 0
        solve.node(100.0, 200.0, [10.0] * 3, [0.3 if trusted else 1.0] * 3)
        assert solve.monitor.lost <= ALLOWANCE * solve.work
    assert sum(solve.played.values()) > 0


def test_a_good_list_is_played_at_nearly_all_nodes() -> None:
    solve = Solve([4, 8, 16])
    for _ in range(1000):
        solve.node(50.0, 500.0, [100.0, 150.0, 200.0], [0.7, 1.0, 1.0])
    assert solve.longest_run == _core.ShortlistMonitor.longest_span
    # The shortest list loses too much of the gain, the longest costs more than the second.
    assert solve.played[8] > 800
    # No more is in hand than may be lost.
    assert -ALLOWANCE * solve.work - 1e-6 <= solve.monitor.lost < 0


def test_what_a_list_would_not_have_found_becomes_a_node() -> None:
    """All gains are kept, but every second look finds a child without a solution."""
    found = {}
    for caught in (0.0, 1.0):
        solve = Solve([4])
        for number in range(400):
            ended = number % 2 == 0
            kept = [math.nan if ended else 1.0]
            solve.node(100.0, 60.0, [30.0], kept, [caught if ended else 1.0])
        found[caught] = solve.played[4]
    assert found[1.0] > 200
    assert found[0.0] == 0


def test_a_list_of_which_nothing_is_known_is_not_played() -> None:
    solve = Solve([4, 8])
    for _ in range(50):
        solve.node(50.0, 500.0, [100.0, 100.0], [0.99, math.nan], [1.0, 1.0])
    assert solve.played[4] > 0
    assert solve.played[8] == 0


def test_after_a_restart_the_root_is_looked_at_and_tells_of_the_list_played_before() -> None:
    solve = Solve([4], root=1e6)
    while solve.run < 3:
        solve.node(50.0, 500.0, [100.0], [1.0])
    assert solve.monitor.next() == solve.monitor.unsettled == 4
    solve.monitor.restart()
    assert (solve.monitor.next(), solve.monitor.unsettled) == (0, 4)
    before = solve.monitor.lost
    solve.node(50.0, 500.0, [100.0], [0.1])
    assert solve.monitor.lost > before


@pytest.mark.parametrize(
    ("kept", "everything"),
    [([0.2, 0.3, 0.5], 500.0), ([1.0, 1.0, 1.0], 0.0), ([0.9, 0.9, 0.9], 50.0)],
)
def test_lists_that_do_not_pay_are_never_played_and_given_up(kept, everything) -> None:
    """They miss the gains, save nothing, or save less than the larger tree costs."""
    solve = Solve([4, 8, 16])
    for _ in range(100):
        solve.node(50.0, everything, [everything / 2] * 3, kept)
    assert sum(solve.played.values()) == 0
    assert solve.monitor.closed


def test_what_makes_no_sense_is_refused() -> None:
    for lengths in ([], [0], [8, 4], [4, 4]):
        with pytest.raises(ValueError, match="must be at least 1 and rise"):
            _core.ShortlistMonitor(lengths)
    monitor = _core.ShortlistMonitor([4])
    with pytest.raises(ValueError, match="a look is due"):
        monitor.played(1.0)
    with pytest.raises(ValueError, match="tells of every list"):
        monitor.looked(1.0, 1, [], [1.0])
    with pytest.raises(ValueError, match="tells of every list"):
        monitor.looked(1.0, 1, [1.0], [])
