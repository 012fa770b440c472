"""The memory campaign, in short: what is kept per model would show in some dozens of solves."""

import runpy
import sys
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc"),
]

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "campaign_memory.py"


def test_solves_of_every_kind_leave_no_memory_behind() -> None:
    module = runpy.run_path(str(SCRIPT))
    found = module["campaign"](40)
    assert set(found) == set(module["KINDS"])
    for kind, (before, after) in found.items():
        assert before > 20, kind
        assert after - before < module["ALLOWED"], kind
