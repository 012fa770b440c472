"""Where a node stands in the tree."""

from kida.env.observation import FocusNode


def test_nodes_have_the_parents_that_were_branched(observe):
    solve = observe("maximisation", FocusNode())
    seen = {}
    for node, depth in zip(solve.observed, solve.depths, strict=True):
        assert node.depth == depth
        if depth == 0:
            assert (node.number, node.parent_number, node.parent_lower_bound) == (1, None, None)
        else:
            parent = seen[node.parent_number]
            assert parent.depth == depth - 1
            assert node.lower_bound >= node.parent_lower_bound >= parent.lower_bound - 1e-9
        seen[node.number] = node
    assert len(seen) == len(solve.observed)
