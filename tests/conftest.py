"""Fixtures shared by the whole suite."""

from pathlib import Path

import pytest

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real instances, golden observations and official results; the test skips without them."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"the reference data are not at {SHARED_DATA}")
    return SHARED_DATA
