"""How many draws a verdict has, and what its gain comes from."""

import pytest

from kida.tuning.proving import MOST_DRAWS, draws_of_verdict


@pytest.mark.parametrize(
    ("files", "affordable", "draws"),
    [(10, 1000, 50), (10, 23, 23), (2, 1000, MOST_DRAWS), (3, 0, 1)],
)
def test_draws_fit_files_and_time(files, affordable, draws):
    assert draws_of_verdict(files, affordable) == draws
