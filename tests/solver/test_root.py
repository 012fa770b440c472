from kida.instances.combinatorial_auction import combinatorial_auction
from kida.instances.facility_location import facility_location
from kida.instances.program import Rows
from kida.instances.source import Source
from kida.solver.problem import build_model
from kida.solver.root import solve_root


def test_candidates_at_the_root() -> None:
    model = build_model(combinatorial_auction("p", Source(1), items=60, bids=300))
    candidates = solve_root(model, 60.0)
    assert candidates is not None
    assert 0 < candidates.fractional <= candidates.unfixed <= 300
    assert model.getNNodes() == 1
    assert model.getDualbound() > model.getPrimalbound()  # it maximizes


def test_none_where_nothing_is_branched() -> None:
    rows = Rows()
    rows.add("row", [0, 1], 1.0, left=1.0)
    assert solve_root(build_model(rows.program("p", ["a", "b"], [1.0, 2.0])), 60.0) is None


def test_none_at_the_time_limit() -> None:
    model = build_model(facility_location("p", Source(0), customers=60, facilities=60))
    assert solve_root(model, 1e-3) is None
    assert model.getStatus() == "timelimit"
