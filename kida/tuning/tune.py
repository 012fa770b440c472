"""A tuning from top to bottom: divide, survey, race levers, learn, race policies, prove, deliver.

What each step does is in the file of its name; here is what is handed from one to the next, and
said in between. Where everything lies on disk is in ``folder``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from kida.boundary import plain, read_json, replaced, write_json
from kida.errors import UserError
from kida.evaluation.records import Failed, Protocol, Record
from kida.evaluation.verdict import VERDICT_FILE
from kida.jobs.run import ONE_AT_A_TIME, Workers
from kida.learning.events import Event, Listener, log_event
from kida.learning.inventory import Inventory, summary_of_left_out
from kida.lock import locked
from kida.network.card import Card
from kida.network.policy import CARD_FILE, WEIGHTS_FILE, Policy
from kida.tuning.clock import Clock, Step
from kida.tuning.config import TuneConfig
from kida.tuning.contestants import of_levers
from kida.tuning.delivery import Delivery, deliver, nothing_to_win
from kida.tuning.events import LeversRaced, Planned, PoliciesRaced, Said, Solves, Surveyed
from kida.tuning.files import MOST_VERDICT, Division, divide
from kida.tuning.folder import DELIVERY_FILE, claim, current_round, finished
from kida.tuning.learning import Effort, effort, learn
from kida.tuning.lever_race import LeverRace, race_draws, race_levers, race_limit
from kida.tuning.levers import beside_network, combined
from kida.tuning.measuring import Arena
from kida.tuning.policy_race import PolicyRace, contestants, race_policies
from kida.tuning.proving import Proof, draws_of_verdict, prove
from kida.tuning.race import Contestant
from kida.tuning.report import write_report
from kida.tuning.survey import MOST_FILES, Survey, first_limit, planned_pairs, take_survey

_PROOF_FILE, _EFFORT_FILE = "proof.json", "effort.json"
# SCIP's seeds of each step's first walk: no step solves what another one has.
_SEEDS: Mapping[Step, int] = {"survey": 0, "levers": 100, "policies": 200, "verdict": 1000}
# With a smaller share of the time after the first branching, a network has too little to act on.
_LEAST_TREE = 0.1
# Draws that a race may use.
_MOST_DRAWS = 24
#: Pairs of runs below which a verdict hardly ever proves anything.
_FEW_PAIRS = 5


def tune(
    folder: Path,
    config: TuneConfig,
    budget: float,
    *,
    workers: Workers = ONE_AT_A_TIME,
    threads: int | None = None,
    listener: Listener = log_event,
) -> Delivery:
    """Tune SCIP for a user's problems, or go on with it, and return what is delivered.

    Parameters
    ----------
    folder
        Of the tuning; new, or to go on with.
    config
        What is asked for.
    budget
        Wall-clock seconds that all of it may take, over all starts.
    workers
        Where solves and episodes are done.
    threads
        Of torch while training; None means as many as there are workers here.
    listener
        Gets every event, those of a training run too; by default, they go to Python's ``logging``.

    Raises
    ------
    UserError
        If the folder is another tuning's or in use, there is nothing to solve, or every solve of
        the survey has failed.
    """
    with locked(folder):
        claim(folder, config)
        place, earlier = current_round(folder, config)
        found = finished(place)
        if found is not None:
            text = f"{folder} has come to its end before; to tune anew, give another --out"
            listener(Said(text=text))
            return found
        return _Tuning(folder, place, earlier, config, budget, workers, threads, listener).run()


@dataclass
class _Tuning:
    """One round under way: see :func:`tune`."""

    folder: Path
    place: Path
    earlier: Inventory | None
    config: TuneConfig
    budget: float
    workers: Workers
    threads: int | None
    listener: Listener

    def run(self) -> Delivery:
        """Do what is not done yet."""
        self.place.mkdir(parents=True, exist_ok=True)
        self.clock = Clock(self.place, self.budget)
        try:
            return self._run()
        finally:
            self.clock.note()

    def _run(self) -> Delivery:
        former = self._former()
        division = self._divide()
        survey = self._survey(division)
        if survey.ended:
            return self._deliver(
                nothing_to_win(survey, self.config, self.clock), Policy({}, Card(None))
            )
        planned = self._plan(survey, division)
        levers = self._levers(division, survey)
        networks = self._learn(division, survey, levers, planned, former)
        raced = self._policies(division, survey, levers, networks, former)
        proof = self._prove(division, survey, raced)
        found = deliver(survey, levers, raced, proof, self.config, division.caution, self.clock)
        return self._deliver(found, self._delivered(found, raced))

    def _say(self, text: str) -> None:
        self.clock.tick()
        self.listener(Said(text=text))

    def _former(self) -> Policy | None:
        """Return what the round before has delivered, if that was more than SCIP's default."""
        if self.earlier is None:
            return None
        kept = self.place / "former"
        if not (kept / CARD_FILE).exists():
            Policy.load(self.folder / "policy").save(kept)
        policy = Policy.load(kept)
        return policy if policy.has_network or policy.card.parameters else None

    def _divide(self) -> Division:
        self._say(f"reading {self.config.problems}")
        division = divide(
            self.config.problems,
            self.place,
            self.workers,
            ordered=self.config.ordered,
            earlier=self.earlier,
            seed=self.config.seed,
        )
        source = division.source
        if isinstance(source, Inventory):
            counts = [source.length(split) for split in ("train", "valid", "test")]
            self._say(
                f"files: {counts[0]} to race levers on and learn from, {counts[1]} to race "
                f"policies on, {counts[2]} for the verdict alone"
            )
            if source.left_out:
                self._say(f"left out: {summary_of_left_out(source.left_out)}")
        if division.caution:
            self._say(f"note: {division.caution}")
        return division

    def _arena(self, step: Step, limit: float) -> Arena:
        """Return where a step's solves are done."""

        def told(record: Record | None, done: int, of: int) -> None:
            self.clock.tick()
            if isinstance(record, Failed):
                self._say(f"warning: {record.job.instance.name}: {record.reason}")
            self.listener(Solves(phase=step, done=done, of=of, left=self.clock.left))

        protocol = Protocol(
            self.config.settings,
            limit,
            permute=self._permute,
            user_parameters=self.config.user_parameters,
        )
        return Arena(self.place / "results" / step, protocol, self.workers, told)

    def _survey(self, division: Division) -> Survey:
        self._permute = division.permute
        count = MOST_FILES
        if isinstance(division.source, Inventory):
            count = min(count, max(division.source.length("train"), 2))
        draws = division.draws("train", count, _SEEDS["survey"], self.config.seed)
        limit = first_limit(self.config, self.clock, self.workers.count)
        self._say(f"survey: SCIP's default on {count} files, at most {limit:.3g} s each")
        survey = take_survey(
            draws, self._arena("survey", limit), self.config, self.clock, self.place
        )
        self.listener(Surveyed(survey=survey))
        return survey

    def _plan(self, survey: Survey, division: Division) -> Effort | None:
        """Say what will be done, and until when; return how much is collected."""
        planned = self._effort(survey)
        pairs = planned_pairs(survey, self.clock, self.workers.count)
        self.listener(
            Planned(
                goal=survey.goal,
                time_limit=survey.time_limit,
                steps={
                    step: self.clock.left_for(step) for step in ("levers", "learning", "policies")
                },
                episodes=None if planned is None else planned.episodes,
                pairs=pairs,
                left=self.clock.left,
            )
        )
        if pairs < _FEW_PAIRS:
            need = self.budget * _FEW_PAIRS / max(pairs, 0.5)
            self._say(
                f"warning: the verdict will have about {pairs} pairs of runs, which prove little: "
                f"a --budget of {need / 60:.0f}m or a shorter --time-limit would give {_FEW_PAIRS}"
            )
        return planned

    def _effort(self, survey: Survey) -> Effort | None:
        """Say what branching can win; return how much is collected, None if nothing is learned."""
        after, strong = 1 - survey.shares["root"], survey.shares.get("strong branching", 0.0)
        self._say(
            f"what branching can win: {100 * after:.0f} % of the time passes after the first "
            f"branching, {100 * strong:.0f} % in strong branching"
        )
        planned, why = None, "there is too little time after the root in which a network could act"
        if after > _LEAST_TREE:
            planned = effort(survey, self.clock.share_of("learning"), self.workers.count)
            why = "the budget is too short for episodes of these files"
        if planned is None:
            self._say(f"nothing is learned: {why}; levers alone are tuned")
            self.clock.without_learning()
        return planned

    def _levers(self, division: Division, survey: Survey) -> LeverRace:
        draws = division.draws("train", _MOST_DRAWS, _SEEDS["levers"], self.config.seed)
        arena = self._arena("levers", race_limit(survey))
        found = race_levers(
            survey, race_draws(survey, draws), arena, self.clock, self.place, self._say
        )
        self.listener(LeversRaced(race=found))
        return found

    def _learn(
        self,
        division: Division,
        survey: Survey,
        levers: LeverRace,
        planned: Effort | None,
        former: Policy | None,
    ) -> list[Policy]:
        if planned is None:
            return []
        self._say(f"learning, for at most {self.clock.left_for('learning') / 60:.0f} min")
        try:
            return learn(
                self.config,
                division,
                survey,
                self._kept_effort(planned),
                combined(beside_network(levers.levers)),
                self.clock,
                self.place / "learning",
                workers=self.workers,
                threads=self.threads,
                former=former if former is not None and former.has_network else None,
                listener=self._pass_on,
            )
        except UserError as error:
            self._say(f"warning: nothing is learned: {error}")
            return []

    def _kept_effort(self, planned: Effort) -> Effort:
        """Return the effort that was planned first: a training run goes on with the same only."""
        file = self.place / _EFFORT_FILE
        try:
            return read_json(file, Effort, "a tuning's plan")
        except FileNotFoundError:
            write_json(file, planned)
            return planned

    def _pass_on(self, event: Event) -> None:
        self.clock.tick()
        self.listener(event)

    def _policies(
        self,
        division: Division,
        survey: Survey,
        levers: LeverRace,
        networks: list[Policy],
        former: Policy | None,
    ) -> PolicyRace:
        entered = contestants(self.place / "contestants", levers, networks, former)
        draws = division.draws("valid", _MOST_DRAWS, _SEEDS["policies"], self.config.seed)
        arena = self._arena("policies", race_limit(survey))
        found = race_policies(entered, survey, draws, arena, self.clock, self.place, self._say)
        self.listener(PoliciesRaced(race=found))
        return found

    def _prove(self, division: Division, survey: Survey, raced: PolicyRace) -> Proof | None:
        file = self.place / _PROOF_FILE
        if raced.winner is None:
            return None
        try:
            return read_json(file, Proof, "a tuning's proof")
        except FileNotFoundError:
            pass
        won = raced.winner
        winner = Contestant(won.name, won.policy, won.levers)
        has_network = Policy.load(won.policy).has_network
        alone = None
        if has_network and won.levers:
            alone = of_levers(self.place / "contestants", won.levers)
        cost, cores = survey.seconds_per_solve, self.workers.count
        arms = 2 if alone is None else 3
        files = min(division.source.length("test"), MOST_VERDICT)
        affordable = int(1.5 * self.clock.left_for("verdict") * cores / (arms * cost))
        count = draws_of_verdict(files, affordable)
        draws = division.draws("test", count, _SEEDS["verdict"], self.config.seed)
        self._say(f"verdict: {won.name} against SCIP's default on what nothing has seen so far")
        proof = prove(
            winner,
            has_network,
            alone,
            draws,
            self._arena("verdict", survey.time_limit),
            survey.goal,
            self.clock,
            cost,
        )
        write_json(file, proof)
        return proof

    def _delivered(self, found: Delivery, raced: PolicyRace) -> Policy:
        """Return the policy that is delivered."""
        result = {"verdict": found.verdict, "sentence": found.sentence}
        if not found.levers and not found.network:
            return Policy({}, Card(None))
        assert raced.winner is not None
        home = raced.winner.policy
        if not found.network:
            home = of_levers(self.place / "contestants", found.levers).policy
        policy = Policy.load(home)
        return Policy(policy.weights, replaced(policy.card, results=(plain(result),)))

    def _deliver(self, found: Delivery, policy: Policy) -> Delivery:
        home = self.folder / "policy"
        (home / WEIGHTS_FILE).unlink(missing_ok=True)
        policy.save(home)
        write_json(self.folder / VERDICT_FILE, found.verdict)
        write_report(self.folder, self.place, found)
        write_json(self.place / DELIVERY_FILE, found)
        return found
