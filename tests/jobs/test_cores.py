"""Counting cores: affinity, quotas of both versions of control groups, and leases."""

import math
import os
from pathlib import Path

import pytest

from kida.jobs.cores import Lease, available_cores, cgroup_quota


def test_cores_are_counted() -> None:
    assert 1 <= available_cores() <= (os.cpu_count() or 1)


@pytest.mark.parametrize(
    ("files", "membership", "quota"),
    [
        ({"cpu.max": "150000 100000"}, "0::/", 1.5),
        ({"cpu.max": "max 100000"}, "0::/", math.inf),
        ({"a/cpu.max": "400000 100000", "a/b/cpu.max": "max 100000"}, "0::/a/b", 4.0),
        ({"a/cpu.max": "max 100000", "a/b/cpu.max": "50000 100000"}, "0::/a/b", 0.5),
        (
            {"cpu/d/cpu.cfs_quota_us": "300000", "cpu/d/cpu.cfs_period_us": "100000"},
            "4:memory:/d\n3:cpu,cpuacct:/d",
            3.0,
        ),
        (
            {"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"},
            "3:cpu,cpuacct:/",
            math.inf,
        ),
        ({}, "0::/gone", math.inf),
        ({"cpu.max": "rubbish"}, "0::/", math.inf),
    ],
)
def test_quotas_of_control_groups(tmp_path: Path, files, membership, quota) -> None:
    for name, text in files.items():
        path = tmp_path / "cgroup" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (tmp_path / "membership").write_text(membership)
    assert cgroup_quota(tmp_path / "cgroup", tmp_path / "membership") == quota


def test_a_lease_is_of_one_core_until_it_is_given_back() -> None:
    lease = Lease.take()
    if lease is None:
        pytest.skip("other tests have all the cores at the moment")
    if lease.core is not None:
        assert lease.core in os.sched_getaffinity(0)
        another = Lease.take()
        assert another is None or another.core != lease.core
        if another is not None:
            another.close()
    lease.close()
