"""How a solve's bounds moved: an exact record of every change, as step functions of time.

The record is made by the native core (``kida._core.BoundRecorder``), event by event, and is plain
data from here on: it is stored (``kida/evaluation/records.py``) and scored (``kida/reward.py``).
Infinite bounds mean that there is none yet.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kida.sense import Sense, sign

Clock = Literal["wall", "cpu"]

#: SCIP's number for "no bound" and everything beyond it.
SCIP_INFINITY = 1e20


@dataclass(frozen=True, eq=False)
class BoundTrajectory:
    """Dual and primal bound as right-continuous step functions of time.

    Attributes
    ----------
    wall, cpu
        Shape ``(k,)``, float64, seconds of wall-clock and of process CPU time from the start of
        the solve, not decreasing. The last event is the end of the solve.
    dual, primal
        Shape ``(k,)``, float64: the bounds from that instant on, in the original objective.
    nodes
        Shape ``(k,)``, int64: nodes processed by then.
    root_end_wall, root_end_cpu
        When the first branching decision was taken; NaN if there was none.
    sense
        Whether the objective is minimised (the dual bound is a lower one) or maximised.
    """

    wall: NDArray[np.float64]
    cpu: NDArray[np.float64]
    dual: NDArray[np.float64]
    primal: NDArray[np.float64]
    nodes: NDArray[np.int64]
    root_end_wall: float
    root_end_cpu: float
    sense: Sense

    def __post_init__(self) -> None:
        events = len(self.wall)
        if events == 0:
            raise ValueError("a trajectory needs at least one event")
        for name in ("wall", "cpu", "dual", "primal", "nodes"):
            if getattr(self, name).shape != (events,):
                raise ValueError(f"{name} has shape {getattr(self, name).shape}, not ({events},)")
        clocks: tuple[Clock, ...] = ("wall", "cpu")
        for name in clocks:
            if not (np.diff(getattr(self, name)) >= 0).all():
                raise ValueError(f"{name} decreases, or is not a number")
            # A window that opens with the end of the root node has a first value.
            if self.root_end(name) < getattr(self, name)[0]:
                raise ValueError(f"it begins after the root node ended, by its {name} clock")
        for name in ("dual", "primal"):
            if np.isnan(getattr(self, name)).any():
                raise ValueError(f"{name} holds NaN")
        if self.sense not in ("minimize", "maximize"):
            raise ValueError(f"the sense is {self.sense!r}, not 'minimize' or 'maximize'")

    @classmethod
    def from_arrays(
        cls,
        arrays: Mapping[str, Any],
        root_end_wall: float,
        root_end_cpu: float,
        sense: Sense,
    ) -> "BoundTrajectory":
        """Build from the native recorder's arrays, where +-1e20 stands for "no bound"."""
        return cls(
            np.asarray(arrays["wall"], np.float64),
            np.asarray(arrays["cpu"], np.float64),
            with_infinities(arrays["dual"]),
            with_infinities(arrays["primal"]),
            np.asarray(arrays["nodes"], np.int64),
            root_end_wall,
            root_end_cpu,
            sense,
        )

    def clock(self, clock: Clock = "wall") -> NDArray[np.float64]:
        """Return the times of the events, shape ``(k,)``, on that clock."""
        return self.wall if clock == "wall" else self.cpu

    def root_end(self, clock: Clock = "wall") -> float:
        """Return when the root node ended: the first branching, or else the end of the solve."""
        stamp = self.root_end_wall if clock == "wall" else self.root_end_cpu
        return float(self.clock(clock)[-1]) if math.isnan(stamp) else stamp

    def dual_at(self, times: ArrayLike, clock: Clock = "wall") -> NDArray[np.float64]:
        """Return the dual bound in force at ``times`` (seconds from the start), same shape."""
        unproven = -sign(self.sense) * math.inf
        return step_values(self.clock(clock), self.dual, times, before=unproven)


def step_values(
    times: NDArray[np.float64], values: NDArray[np.float64], at: ArrayLike, before: float
) -> NDArray[np.float64]:
    """Evaluate the step function that is ``values[i]`` from ``times[i]`` on.

    Parameters
    ----------
    times, values
        Shape ``(k,)``; ``times`` does not decrease, and of equal times the last one counts.
    at
        Where to evaluate, any shape.
    before
        The value at instants before ``times[0]``.
    """
    position = np.searchsorted(times, at, side="right")
    return np.concatenate([[before], values])[position]


def without_infinities(bounds: ArrayLike) -> NDArray[np.float64]:
    """Return ``bounds`` with infinities, and what is beyond, as SCIP's +-1e20; same shape."""
    return np.clip(np.asarray(bounds, np.float64), -SCIP_INFINITY, SCIP_INFINITY)


def with_infinities(bounds: ArrayLike) -> NDArray[np.float64]:
    """Replace SCIP's "no bound", +-1e20, by an infinity of that sign; float64, same shape."""
    exact = np.array(bounds, np.float64)
    exact[exact >= SCIP_INFINITY] = np.inf
    exact[exact <= -SCIP_INFINITY] = -np.inf
    return exact
