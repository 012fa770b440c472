import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kida.errors import UserError
from kida.instances.independent_set import barabasi_albert, greedy_cliques, independent_set
from kida.instances.registry import generated_family, instances
from kida.instances.source import Source


@pytest.mark.parametrize(("size", "nodes"), [("easy", 500), ("medium", 1000), ("hard", 1500)])
def test_published_sizes(size: str, nodes: int) -> None:
    instance = instances("independent_set", "test", 0, 1, size)[0]
    program = generated_family("independent_set").program(instance)
    assert (len(program.columns), program.sense) == (nodes, "maximize")
    assert set(program.objective.tolist()) == {1.0}


def test_degrees_follow_preferential_attachment() -> None:
    graphs = [barabasi_albert(Source(seed), 1500, 4) for seed in range(3)]
    degrees = np.array([[len(node) for node in graph] for graph in graphs])
    assert (degrees.sum(axis=1) == 2 * 4 * (1500 - 4)).all()
    assert degrees[:, 4:].min() == 4
    # In the limit, P(degree >= k) = 4 * 5 / (k * (k + 1)) for k >= 4 (Bollobas et al. 2001).
    for k, tolerance in ((5, 0.03), (8, 0.03), (16, 0.015)):
        assert (degrees >= k).mean() == pytest.approx(20 / (k * (k + 1)), abs=tolerance)


@given(seed=st.integers(0, 999), affinity=st.integers(1, 5), more=st.integers(1, 40))
@settings(max_examples=40, deadline=None)
def test_cliques_partition_and_rows_hold_every_edge_once(
    seed: int, affinity: int, more: int
) -> None:
    nodes = affinity + more
    graph = barabasi_albert(Source(seed), nodes, affinity)
    cliques = greedy_cliques(graph)
    assert sorted(node for clique in cliques for node in clique) == list(range(nodes))
    program = independent_set("p", Source(seed), nodes, affinity)
    pairs = [
        (int(a), int(b))
        for start, stop in zip(program.starts[:-1], program.starts[1:], strict=True)
        for row in [program.indices[start:stop]]
        for place, a in enumerate(row)
        for b in row[place + 1 :]
    ]
    assert len(pairs) == len(set(pairs))
    assert set(pairs) == {(a, b) for a in range(nodes) for b in graph[a] if a < b}


@pytest.mark.parametrize(("nodes", "affinity"), [(4, 4), (10, 0)])
def test_impossible_parameters(nodes: int, affinity: int) -> None:
    with pytest.raises(UserError, match="does not exist"):
        independent_set("p", Source(0), nodes, affinity)
