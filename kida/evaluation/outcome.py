"""How a solve ended, as it is recorded: declared types for the trajectory and the counters.

What a solve gives is ``kida.solver.solve.SolveResult``; ``solving.py`` makes an :class:`Outcome` of
it. To record more, add a field with a default, so that what is on disk stays readable.
"""

import math
from typing import Annotated

from msgspec import Meta, Struct

from kida.boundary import Bound
from kida.sense import Sense
from kida.trajectory import BoundTrajectory, without_infinities

#: Names of instances and policies, paths, what a process said.
Text = Annotated[str, Meta(max_length=10_000)]
#: Seconds that something took.
Duration = Annotated[float, Meta(ge=0.0, le=1e9)]
Counter = Annotated[int, Meta(ge=0, le=2**63 - 1)]
# Values of :class:`kida.solver.solve.Limit` at which a solve is over as it was meant to be.
_ASKED_FOR = {"gap", "bound", "solutions"}
_Events = Meta(min_length=1, max_length=10_000_000)


class Trajectory(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A :class:`kida.trajectory.BoundTrajectory` as it is stored: lists, infinities as +-1e20."""

    sense: Sense
    root_end_wall: Duration | None
    root_end_cpu: Duration | None
    wall: Annotated[list[Duration], _Events]
    cpu: Annotated[list[Duration], _Events]
    dual: Annotated[list[Bound], _Events]
    primal: Annotated[list[Bound], _Events]
    nodes: Annotated[list[Counter], _Events]

    def __post_init__(self) -> None:
        # A ValueError if its lists do not belong together, or time runs backwards.
        self.bounds()

    @classmethod
    def of(cls, bounds: BoundTrajectory) -> "Trajectory":
        """Return what is stored of a solve's bounds."""
        root_ends = (bounds.root_end_wall, bounds.root_end_cpu)
        wall, cpu = (None if math.isnan(stamp) else float(stamp) for stamp in root_ends)
        return cls(
            sense=bounds.sense,
            root_end_wall=wall,
            root_end_cpu=cpu,
            wall=bounds.wall.tolist(),
            cpu=bounds.cpu.tolist(),
            dual=without_infinities(bounds.dual).tolist(),
            primal=without_infinities(bounds.primal).tolist(),
            nodes=bounds.nodes.tolist(),
        )

    def bounds(self) -> BoundTrajectory:
        """Return the bounds as step functions of time."""
        arrays = {name: getattr(self, name) for name in ("wall", "cpu", "dual", "primal", "nodes")}
        stamps = (self.root_end_wall, self.root_end_cpu)
        wall, cpu = (math.nan if stamp is None else stamp for stamp in stamps)
        return BoundTrajectory.from_arrays(arrays, wall, cpu, self.sense)


class Branching(Struct, frozen=True, kw_only=True):
    """What a rule counted, see :class:`kida.solver.branching.BranchingStatistics`.

    Counters that are not known here are left out.
    """

    decisions: Counter
    network_decisions: Counter
    expert_decisions: Counter
    mean_candidates: Annotated[float, Meta(ge=0.0, le=1e9)]
    seconds_observing: Duration
    seconds_scoring: Duration
    seconds_expert: Duration
    seconds_total: Duration
    declined: bool = False
    unscored: Counter = 0
    shortlist_decisions: Counter = 0
    looks: Counter = 0


class Outcome(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a solve ended, see :class:`kida.solver.solve.SolveResult`; no gap is an infinite one.

    The split of time is empty in records of before it was kept.
    """

    reason: Text
    limit: Text | None
    status: Text
    sense: Sense
    dual_bound: Bound
    primal_bound: Bound
    gap: Annotated[float, Meta(ge=0.0, le=1e300)] | None
    has_solution: bool
    wall_time: Duration
    cpu_time: Duration
    nodes: Counter
    fair_nodes: Counter
    lp_iterations: Counter
    lp_time: Duration
    strong_branching_time: Duration
    branching: Branching | None
    trajectory: Trajectory
    time_split: Annotated[dict[str, Duration], Meta(max_length=100)] = {}

    @property
    def solved(self) -> bool:
        """Whether nothing is left to do, as :attr:`kida.solver.solve.Termination.solved`.

        Also where a gap, a bound or a number of solutions was enough, as only parameters of the
        user's own can ask for.
        """
        return (
            self.limit is None or self.limit in _ASKED_FOR
        ) and self.reason != "infeasible or unbounded"
