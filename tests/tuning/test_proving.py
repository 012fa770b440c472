"""How many draws a verdict has, and what its gain comes from."""

import pytest

from kida.tuning.proving import MOST_DRAWS, draws_at_once, draws_of_verdict


@pytest.mark.parametrize(
    ("files", "affordable", "draws"),
    [(10, 1000, 50), (10, 23, 23), (2, 1000, MOST_DRAWS), (3, 0, 1)],
)
def test_draws_fit_files_and_time(files, affordable, draws):
    assert draws_of_verdict(files, affordable) == draws


@pytest.mark.parametrize(
    ("cores", "arms", "draws"), [(1, 2, 1), (1, 3, 1), (2, 2, 2), (2, 3, 2), (16, 3, 16)]
)
def test_no_core_waits_for_others(cores, arms, draws):
    assert draws_at_once(cores, arms) == draws
    assert draws * arms % cores == 0
