"""The score: how high the dual bound stood, integrated over the time limit.

The definition is that of the dual task of the ML4CO competition (NeurIPS 2021). With ``s`` = 1 for
minimisation and -1 for maximisation, the root node ended at time 0 and ``T`` the time limit:

    cumulated reward = integral from 0 to T of  max(s dual(t), s initial_dual) - s offset  dt

The bound at the end of the solve is held until ``T`` if the solve ends earlier. Everything is
computed from the events of the recorded trajectory, exactly, never from samples. Higher rewards
are better; the integrals are lower when better.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kida.sense import sign
from kida.trajectory import BoundTrajectory, Clock, step_values


@dataclass(frozen=True)
class ScoringRule:
    """What a trajectory is measured against.

    Attributes
    ----------
    time_limit
        ``T``, in seconds from the end of the root node.
    initial_dual_bound, initial_primal_bound
        The instance's bounds known beforehand, ``None`` where there are none: the recorded bounds
        count as at least this good. A solve that proves that nothing better than the initial
        primal bound exists has that bound as its final dual bound.
    objective_offset
        Subtracted from every bound.
    """

    time_limit: float
    initial_dual_bound: float | None = None
    initial_primal_bound: float | None = None
    objective_offset: float = 0.0

    def __post_init__(self) -> None:
        if not 0 < self.time_limit < math.inf:
            raise ValueError(f"the time limit is {self.time_limit}, not positive and finite")


def cumulated_reward(
    trajectory: BoundTrajectory, rule: ScoringRule, clock: Clock = "wall"
) -> float:
    """Return the competition's cumulated reward: higher is better.

    A solve that never branched holds its final bound over the whole limit. (The competition's own
    script gives 0 there, which none of its instances ever showed.) The result is infinite if no
    finite bound can be told at some time within the limit: from below while nothing is proved,
    whatever comes of it later, and from above if the problem is proved to be infeasible.
    """
    dual = _floored_dual(trajectory, rule)
    mirror = sign(trajectory.sense)
    return _integrate(trajectory, dual - mirror * rule.objective_offset, rule.time_limit, clock)


def dual_integral(
    trajectory: BoundTrajectory, rule: ScoringRule, best_known: float, clock: Clock = "wall"
) -> float:
    """Return the area between the best known objective value and the dual bound; lower is better.

    It is ``T`` times the (offset, signed) best known value, less the cumulated reward. Of an
    infeasible problem, whose best known value is infinite, there is no area once that is proved.
    """
    value = sign(trajectory.sense) * (best_known - rule.objective_offset)
    if math.isfinite(value):
        return rule.time_limit * value - cumulated_reward(trajectory, rule, clock)
    gap = _difference(np.float64(value), _floored_dual(trajectory, rule))
    return _integrate(trajectory, gap, rule.time_limit, clock)


def primal_dual_integral(
    trajectory: BoundTrajectory, rule: ScoringRule, clock: Clock = "wall"
) -> float:
    """Return the area between primal and dual bound from the end of the root node; lower is better.

    Infinite while neither a solution nor an initial primal bound is known, and nothing from the
    time on at which the problem is proved to be infeasible.
    """
    primal, dual = _floored_primal(trajectory, rule), _floored_dual(trajectory, rule)
    # The primal bound can be a rounding error below the dual one when they meet.
    gap = np.maximum(_difference(primal, dual), 0.0)
    return _integrate(trajectory, gap, rule.time_limit, clock)


def starting_bound(
    trajectory: BoundTrajectory,
    initial_dual_bound: float | None,
    initial_primal_bound: float | None,
) -> float:
    """Return the dual bound at the end of the root node, mirrored to minimisation as rewards are.

    Of a solve that never branched it is the final one. Infinite if there is none. The initial
    bounds are those of :class:`ScoringRule`.
    """
    rule = ScoringRule(1.0, initial_dual_bound, initial_primal_bound)
    dual = _floored_dual(trajectory, rule)
    in_force = np.searchsorted(trajectory.wall, trajectory.root_end(), side="right") - 1
    return float(dual[max(int(in_force), 0)])


def seconds_behind(
    trajectories: Sequence[BoundTrajectory], rule: ScoringRule, from_root_end: bool
) -> list[float]:
    """Return for how long each of several solves of an instance stood below the best dual bound.

    The area below the best bound that any of them has at the limit, as a share of the span from
    the worst of their bounds at the end of the root node: a solve that stays at that bound has the
    whole limit, one that rises halfway at once and no further has half of it. Unlike
    :func:`dual_integral` it needs no best known value, and is in seconds for objectives of any
    scale. Lower is better, and every number depends on all solves.

    Parameters
    ----------
    trajectories
        The solves.
    rule
        The limit, and the bounds known beforehand.
    from_root_end
        Whether the limit counts from the end of the root node, or else from the solve's start.

    Returns
    -------
    list of float
        Between 0 and the limit; the limit for all if no bound has risen.
    """
    duals = [_floored_dual(trajectory, rule) for trajectory in trajectories]
    starts = [trajectory.root_end() if from_root_end else 0.0 for trajectory in trajectories]
    known = [
        step_values(path.wall, dual, [path.root_end(), start + rule.time_limit], -math.inf)
        for path, dual, start in zip(trajectories, duals, starts, strict=True)
    ]
    finite = [bound for bound in np.concatenate(known).tolist() if math.isfinite(bound)]
    low, high = min(finite, default=0.0), max(finite, default=0.0)
    # Bounds that agree to nine digits are the same bound.
    if math.isclose(low, high, rel_tol=1e-9, abs_tol=1e-12):
        return [rule.time_limit] * len(duals)
    return [
        _seconds(path, (high - np.clip(dual, low, high)) / (high - low), start, rule.time_limit)
        for path, dual, start in zip(trajectories, duals, starts, strict=True)
    ]


def gap_seconds(trajectory: BoundTrajectory, rule: ScoringRule, from_root_end: bool) -> float:
    """Return the primal-dual integral of the relative gap, in seconds; lower is better.

    The gap is ``|primal - dual| / max(|primal|, |dual|)``, and 1 while there is no solution or no
    bound, or where they differ in sign (Berthold 2013, "Measuring the impact of primal
    heuristics"). Unlike :func:`primal_dual_integral` it is finite before there is a solution, and
    its scale is not the objective's.

    Parameters
    ----------
    trajectory
        The solve.
    rule
        The limit, and the bounds known beforehand.
    from_root_end
        Whether the limit counts from the end of the root node, or else from the solve's start.

    Returns
    -------
    float
        Between 0 and the limit.
    """
    primal, dual = _floored_primal(trajectory, rule), _floored_dual(trajectory, rule)
    larger = np.maximum(np.abs(primal), np.abs(dual))
    gap = np.ones(dual.shape)
    # Both infinite ones and both zero are one bound; a rounding error can have them crossed.
    gap[primal <= dual] = 0.0
    apart = (primal > dual) & np.isfinite(larger) & (np.sign(primal) == np.sign(dual))
    gap[apart] = (primal[apart] - dual[apart]) / larger[apart]
    start = trajectory.root_end() if from_root_end else 0.0
    return _seconds(trajectory, gap, start, rule.time_limit)


def _floored_primal(trajectory: BoundTrajectory, rule: ScoringRule) -> NDArray[np.float64]:
    """Return the primal bounds, mirrored to minimisation and never worse than the initial one."""
    mirror = sign(trajectory.sense)
    primal = mirror * trajectory.primal
    if rule.initial_primal_bound is not None:
        primal = np.minimum(primal, mirror * rule.initial_primal_bound)
    return primal


def _floored_dual(trajectory: BoundTrajectory, rule: ScoringRule) -> NDArray[np.float64]:
    """Return the dual bounds, mirrored to minimisation and never worse than the initial one."""
    mirror = sign(trajectory.sense)
    dual = mirror * trajectory.dual
    if rule.initial_dual_bound is not None:
        dual = np.maximum(dual, mirror * rule.initial_dual_bound)
    if rule.initial_primal_bound is not None:
        # SCIP reports an infinite bound when it has proven that nothing beats the objective limit.
        dual = np.where(dual == np.inf, mirror * rule.initial_primal_bound, dual)
    return dual


def _difference(
    upper: NDArray[np.float64] | np.float64, lower: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return what lies between two bounds: nothing where they are one, and be it infinity."""
    apart = upper != lower
    return np.subtract(upper, lower, out=np.zeros(lower.shape), where=apart)


def _integrate(
    trajectory: BoundTrajectory, values: NDArray[np.float64], duration: float, clock: Clock
) -> float:
    """Integrate a step function from the end of the root node over ``duration`` seconds."""
    return _area(trajectory.clock(clock), values, trajectory.root_end(clock), duration)


def _seconds(
    trajectory: BoundTrajectory, shares: NDArray[np.float64], start: float, duration: float
) -> float:
    """Integrate shares, which are 1 before the first event, over ``duration`` seconds."""
    times = np.concatenate([[0.0], trajectory.wall])
    return _area(times, np.concatenate([[1.0], shares]), start, duration)


def _area(
    times: NDArray[np.float64], values: NDArray[np.float64], start: float, duration: float
) -> float:
    """Integrate the step function that is ``values[i]`` from ``times[i]`` on."""
    # Each value holds from its event to the next; both ends are clipped to the window, so that
    # the value in force at its start counts from there, and the last one is held to its end.
    edges = np.clip(np.append(times, start + duration), start, start + duration)
    widths = np.diff(edges)
    held = widths > 0
    parts = widths[held] * values[held]
    # Of both infinities there is no sum; what was not bounded at some time is not.
    if (parts == -np.inf).any():
        return -math.inf
    return math.fsum(parts.tolist())
