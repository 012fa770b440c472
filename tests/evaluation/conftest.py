"""Real runs, made once for all tests that read results."""

from pathlib import Path

import pytest

from kida.evaluation.runner import Protocol, evaluate, plan
from kida.instances.family import instances


@pytest.fixture(scope="session")
def results_folder(tmp_path_factory) -> Path:
    """Two instances, two policies, one second each under competition settings."""
    folder = tmp_path_factory.mktemp("results") / "placement"
    runs = plan(instances("item_placement", count=2), [0], ["mostinf", "pscost"])
    evaluate(runs, Protocol(time_limit=1.0), folder)
    return folder
