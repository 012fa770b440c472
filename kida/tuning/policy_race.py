"""The policies' race: levers alone, and the networks in every way, on files not learned from."""

from collections.abc import Callable, Sequence
from pathlib import Path

from msgspec import Struct

from kida.boundary import find_json, write_json
from kida.evaluation.outcome import Text
from kida.learning.plan import Draw
from kida.network.inheritance import uniform_average
from kida.network.policy import Policy
from kida.network.steering import AnyPolicy, load_policy
from kida.tuning.clock import Clock
from kida.tuning.contestants import (
    WAYS,
    extensions,
    of_levers,
    of_network,
    of_steering,
    simplest,
)
from kida.tuning.learning import Learned
from kida.tuning.lever_choice import beside_network
from kida.tuning.lever_race import LeverRace
from kida.tuning.levers import LEVERS, PSEUDOCOSTS, START
from kida.tuning.measuring import Arena
from kida.tuning.memory import remembered
from kida.tuning.race import least_solves, race, race_again
from kida.tuning.standings import LEAST_DRAWS, Contestant, Standing, ranked, standing
from kida.tuning.survey import Survey, cost_within

RACE_FILE = "policies.json"
DEFAULT = "default"
#: The name of what the round before has delivered.
FORMER = "former"
# What is this much better than the default, and not by chance alone, is worth a verdict.
_PROMISING, _LEVEL = 0.97, 0.3
_WANTED = 10
# Single levers that have not won their race, and have a second chance here.
_HOPEFUL = 2


class PolicyRace(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How policies did, best first, and who goes on to the verdict; None: nobody.

    Ratios are to those of ``against``: SCIP's default or, where there was no time for more, the
    levers that have been better than that before.
    """

    standings: tuple[Standing, ...]
    winner: Standing | None = None
    against: Text = DEFAULT


def contestants(
    folder: Path, raced: LeverRace, learned: Learned, former: AnyPolicy | None
) -> list[Contestant]:
    """Return who races, most promising first.

    Parameters
    ----------
    folder
        Where policies are kept, and what is remembered.
    raced
        The levers' race: those that have won, and those that may be better, but for chance.
    learned
        The networks, the first generation's first, and what steers SCIP's own branching.
    former
        What a tuning before this one delivered.
    """
    found, levers, networks = [], raced.levers, learned.networks
    # Without time for a race, the first one is it: levers have won one before.
    if levers:
        found.append(of_levers(folder, levers))
    if networks:
        found.append(of_network(folder, networks[-1], levers, "network"))
    memory = remembered(folder)
    knowing = extensions(levers, [PSEUDOCOSTS])[0]
    if memory.pseudocosts:
        found.append(of_levers(folder, knowing))
    if memory.start:
        found.append(of_levers(folder, (*levers, START)))
        if memory.pseudocosts:
            found.append(of_levers(folder, (*knowing, START)))
        if networks:
            found.append(of_network(folder, networks[-1], (*levers, START), "network"))
    if networks:
        found += [of_network(folder, networks[-1], levers, way) for way in WAYS if way != "network"]
    if learned.steering is not None:
        found.append(of_steering(folder, learned.steering, levers))
    if networks:
        if beside_network(levers):
            found.append(of_network(folder, networks[-1], (), "network"))
        for number, network in enumerate(networks[:-1], 1):
            note = f" of generation {number} of {len(networks)}"
            found.append(of_network(folder, network, levers, "network", note))
    if len(networks) > 1:
        merged = Policy(uniform_average([x.weights for x in networks]), networks[-1].card)
        note = f" averaged over {len(networks)} generations"
        found.append(of_network(folder, merged, levers, "network", note))
    hopeful = [x for x in raced.alone if not x.ended and x.draws and x.ratio < _PROMISING]
    found += [of_levers(folder, x.levers) for x in hopeful[:_HOPEFUL] if x.levers != tuple(levers)]
    if former is not None:
        home = (folder / "former").absolute()
        former.save(home)
        found.append(Contestant(FORMER, str(home), levers_of(former)))
    return found


def levers_of(policy: AnyPolicy) -> tuple[str, ...]:
    """Return the known levers in a policy, by its card, which may say anything."""
    named = policy.card.recipe.get("levers")
    if not isinstance(named, list | tuple):
        return ()
    return tuple(name for name in named if isinstance(name, str) and name in LEVERS)


def best_unlearned(raced: PolicyRace) -> Contestant | None:
    """Return the best that has raced without anything learned by a network; None if none is."""
    others = [x for x in raced.standings if x.draws and not load_policy(x.policy).has_network]
    best = min(others, key=lambda entry: entry.ratio, default=None)
    if best is None or not best.levers or best.ratio >= 1:
        return None
    return Contestant(best.name, best.policy, best.levers)


def kept_race(folder: Path) -> PolicyRace | None:
    """Return the race that was run here; None if none has come to its end."""
    return find_json(folder / RACE_FILE, PolicyRace, "a race of policies")


def race_policies(
    entered: Sequence[Contestant],
    survey: Survey,
    draws: Sequence[Draw],
    arena: Arena,
    clock: Clock,
    folder: Path,
    say: Callable[[str], None] = lambda text: None,
) -> PolicyRace:
    """Race policies; what came of it is kept.

    Parameters
    ----------
    entered
        See :func:`contestants`; without any, there is no race.
    survey, draws, arena, clock, folder, say
        See :func:`kida.tuning.lever_race.race_levers`.
    """
    cost = cost_within(survey, arena.protocol.seconds) / arena.workers.count
    standings: list[Standing] = []
    if entered:

        def affordable(solves: int) -> bool:
            return bool(
                clock.decide(
                    "policies",
                    f"{solves} solves",
                    lambda: cost * solves <= clock.left_for("policies"),
                )
            )

        if _is_duel(entered, affordable):
            return _kept(folder, _duel(entered, survey, draws, arena, affordable, say))
        say(f"racing against SCIP's default: {', '.join(entry.name for entry in entered)}")
        standings = race(entered, draws, arena, survey.goal, affordable, wanted=_WANTED)
        standings = race_again(standings, draws, arena, survey.goal, affordable, say)
    promising = [entry for entry in standings if _is_promising(entry)]
    # Of the others nobody is sure, and the verdict has its time for nobody else.
    winner = simplest(promising) or next(
        (x for x in ranked(standings) if not x.ended and x.draws >= 2 and x.ratio < 1), None
    )
    unraced = standings and not any(entry.draws for entry in standings)
    if unraced and cost * 2 * LEAST_DRAWS <= clock.left_for("verdict"):
        # The verdict will tell.
        winner = next(entry for entry in standings if entry.name == entered[0].name)
    return _kept(folder, PolicyRace(standings=tuple(standings), winner=winner))


def _kept(folder: Path, result: PolicyRace) -> PolicyRace:
    write_json(folder / RACE_FILE, result)
    return result


def _is_promising(entry: Standing) -> bool:
    return (
        not entry.ended
        and entry.draws > 0
        and entry.ratio < _PROMISING
        # Of a single draw there is no p-value; the verdict will tell.
        and (entry.p_value < _LEVEL or entry.draws < 2)
    )


def _is_duel(entered: Sequence[Contestant], affordable: Callable[[int], bool]) -> bool:
    """Return whether there is time for one contestant, and levers and a network are there."""
    if len(entered) < 2 or not entered[0].levers:
        return False
    networks = [load_policy(entry.policy).has_network for entry in entered[:2]]
    few = networks == [False, True] and not affordable(least_solves(2))
    return few and affordable(least_solves(1))


def _duel(
    entered: Sequence[Contestant],
    survey: Survey,
    draws: Sequence[Draw],
    arena: Arena,
    affordable: Callable[[int], bool],
    say: Callable[[str], None],
) -> PolicyRace:
    """Race the network against the levers: these have been better than the default before."""
    levers, network, *others = entered
    say(f"there is time for {network.name} against {levers.name} alone")
    (found,) = race([network], draws, arena, survey.goal, affordable, against=levers.policy)
    return PolicyRace(
        standings=(found, *(standing(entry, [], "no time") for entry in others)),
        winner=found if _is_promising(found) else standing(levers, []),
        against=levers.name,
    )
