"""A tuning from top to bottom: divide, survey, race levers, learn, race policies, prove, deliver.

What each step does is in the file of its name; here is what is handed from one to the next, and
said in between. Where everything lies on disk is in ``folder``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree

from kida.boundary import find_json, write_json
from kida.errors import UserError
from kida.evaluation.records import Failed, Finished, Kept, Protocol, Record, finished_runs
from kida.evaluation.verdict import VERDICT_FILE
from kida.jobs.run import ONE_AT_A_TIME, Workers
from kida.learning.events import Event, Listener, log_event
from kida.learning.inventory import Inventory, listed, summary_of_left_out
from kida.learning.plan import Draw
from kida.lock import locked
from kida.network.card import Card
from kida.network.policy import WEIGHTS_FILE, Policy, holds_policy
from kida.network.steering import AnyPolicy, load_policy
from kida.solver.set_file import write_set_file
from kida.tuning.clock import Clock, Step
from kida.tuning.config import TuneConfig
from kida.tuning.delivery import Delivery, deliver, nothing_to_win, policy_of
from kida.tuning.events import FilesRead, LeversRaced, PoliciesRaced, Said, Solves, Surveyed
from kida.tuning.files import (
    FEW,
    LEAST_NEW,
    MOST_VERDICT,
    NOT_NEEDED,
    Division,
    divide,
    gone_files,
)
from kida.tuning.folder import (
    DELIVERY_FILE,
    claim,
    current_round,
    files_come,
    finished,
)
from kida.tuning.learning import (
    Effort,
    Learned,
    SlowExpertError,
    effort,
    learn,
    with_few_candidates,
)
from kida.tuning.lever_choice import beside_network, combined
from kida.tuning.lever_race import (
    LeverRace,
    race_draws,
    race_levers,
    race_limit,
    seconds_to_race,
)
from kida.tuning.measuring import Arena
from kida.tuning.memory import common_pseudocosts, common_values, remember, remembered
from kida.tuning.planning import keep_effort, kept_effort, may_learn, plan_event, plan_learning
from kida.tuning.policy_race import (
    PolicyRace,
    best_unlearned,
    contestants,
    kept_race,
    race_policies,
)
from kida.tuning.proving import TELLING, Proof, draws_of_verdict, prove
from kida.tuning.report import write_report
from kida.tuning.standings import Contestant
from kida.tuning.survey import MOST_FILES, Survey, first_limit, take_survey

_PROOF_FILE = "proof.json"
# Beside a policy that needs no kida.
_SET_FILE = "scip.set"
# What of the variables is recorded of a step's solves, for later ones.
_KEPT: Mapping[Step, tuple[Kept, ...]] = {"survey": ("integers",), "levers": ("pseudocosts",)}
#: SCIP's seeds of each step's first walk: no step solves what another one has.
SEEDS: Mapping[Step, int] = {"survey": 0, "levers": 100, "policies": 200, "verdict": 1000}
#: Draws that a race may use.
MOST_DRAWS = 64


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
            if come := files_come(config, listed(place)):
                text += f". A further round begins with {LEAST_NEW} new files; there are {come}"
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
        learns = may_learn(self.clock, self._say)
        division = self._divide()
        survey = self._survey(division)
        if survey.ended:
            found = nothing_to_win(survey, self.config, self.clock, former)
            return self._deliver(found, former or Policy({}, Card(None)))
        planned = self._plan(division, survey, learns)
        levers = self._levers(division, survey)
        raced = kept_race(self.place)
        if raced is None:
            learned = self._learn(division, survey, levers, planned, former)
            if planned is not None and learned == Learned():
                levers = self._more_levers(division, survey, levers)
            raced = self._policies(division, survey, levers, learned, former)
        self.listener(PoliciesRaced(race=raced))
        proof = self._prove(division, survey, raced)
        found = deliver(
            survey,
            levers,
            raced,
            proof,
            self.config,
            self.clock,
            caution=division.caution,
            former=former,
            too_short=learns and planned is None,
        )
        return self._deliver(found, policy_of(found, raced, former))

    def _say(self, text: str) -> None:
        self.clock.tick()
        self.listener(Said(text=text))

    def _former(self) -> AnyPolicy | None:
        """Return what the round before has delivered, if that was more than SCIP's default."""
        if self.earlier is None:
            return None
        kept = self.place / "former"
        if not holds_policy(kept):
            load_policy(self.folder / "policy").save(kept)
        policy = load_policy(kept)
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
            told=lambda done, of: self._pass_on(FilesRead(done=done, of=of)),
        )
        source = division.source
        if isinstance(source, Inventory):
            counts = [source.length(split) for split in ("train", "valid", "test")]
            self._say(
                f"files: {counts[0]} to race levers on and learn from, {counts[1]} to race "
                f"policies on, {counts[2]} for the verdict alone"
            )
            known = {} if self.earlier is None else self.earlier.left_out
            out = {path: why for path, why in source.left_out.items() if path not in known}
            useless = {path: why for path, why in out.items() if why != NOT_NEEDED}
            if useless:
                self._say(f"left out: {summary_of_left_out(useless)}")
            if spared := len(out) - len(useless):
                self._say(f"the verdict has {MOST_VERDICT} files, {spared} others are not needed")
        if self.earlier is not None and (gone := gone_files(self.earlier)):
            self._say(f"of the files of the round before, {gone} are gone, and not learned from")
        if division.caution:
            self._say(f"note: {division.caution}")
        return division

    def _arena(self, division: Division, step: Step, limit: float) -> Arena:
        """Return where a step's solves are done."""
        # Batches may be of a single solve: their numbers alone would say nothing.
        earlier = last = 0

        def told(record: Record | None, done: int, of: int) -> None:
            nonlocal earlier, last
            self.clock.tick()
            if record is None:
                earlier, last = earlier + last, of
            if isinstance(record, Failed):
                self._say(f"warning: {record.job.instance.name}: {record.reason}")
            done, of = earlier + done, earlier + of
            self.listener(Solves(phase=step, done=done, of=of, left=self.clock.left))

        protocol = Protocol(
            self.config.settings,
            limit,
            permute=division.permute,
            user_parameters=self.config.user_parameters,
        )
        return Arena(
            self.place / "results" / step, protocol, self.workers, told, keep=_KEPT.get(step, ())
        )

    def _survey(self, division: Division) -> Survey:
        count = MOST_FILES
        if isinstance(division.source, Inventory):
            count = min(count, max(division.source.length("train"), 2))
        draws = division.draws("train", count, SEEDS["survey"], self.config.seed)
        # Kept, as the solves are: another start may have another budget.
        milliseconds = self.clock.decide(
            "survey",
            "milliseconds of a solve",
            lambda: round(1000 * first_limit(self.config, self.clock, self.workers.count)),
        )
        limit = milliseconds / 1000
        self._say(f"survey: SCIP's default on {count} files, at most {limit:.3g} s each")
        arena = self._arena(division, "survey", limit)
        survey = take_survey(draws, arena, self.config, self.clock, self.place, division.sizes)
        self.listener(Surveyed(survey=survey))
        wanted = self.config.time_limit
        cut = survey.solved < len(survey.files)
        if cut and wanted is not None and survey.time_limit < wanted:
            need = self.clock.budget * wanted / survey.time_limit
            self._say(
                f"note: solves end after {survey.time_limit:g} s, not {wanted:g} s: this budget "
                f"has too few of those; --budget {need / 60:.0f}m has enough"
            )
        if values := common_values(self._solved_apart(division, arena)):
            remember(self.place / "contestants", start=values)
            self._say(f"starting values: the best solutions agree on {len(values)} variables")
        return survey

    def _solved_apart(self, division: Division, arena: Arena) -> list[Finished]:
        """Return the runs done there; none if one is on a file that comes later again."""
        records = finished_runs(arena.folder)
        solved = {record.job.instance.name for record in records}
        # Of few files, all are in every split.
        later = [*division.instances("valid", FEW), *division.instances("test", FEW)]
        return [] if any(instance.name in solved for instance in later) else records

    def _plan(self, division: Division, survey: Survey, learns: bool) -> Effort | None:
        """Say what will be done, and until when; return how much is collected."""
        cores = self.workers.count
        # Half of learning's time is of no use if learning cannot do with the other half.
        if effort(survey, self.clock.share_of("learning") / 2, cores) is not None:
            self.clock.favour_levers(
                seconds_to_race(survey, self._race_draws(division, survey), cores)
            )
        planned = plan_learning(survey, self.clock, cores, self._say) if learns else None
        self.listener(plan_event(survey, planned, self.clock, cores, self._say))
        return planned

    def _race_draws(self, division: Division, survey: Survey) -> list[Draw]:
        draws = division.draws("train", MOST_DRAWS, SEEDS["levers"], self.config.seed)
        return race_draws(survey, draws)

    def _more_levers(self, division: Division, survey: Survey, levers: LeverRace) -> LeverRace:
        """Give the time that learning has left over to the levers not tried so far."""
        self.clock.without_learning()
        if not levers.untried or not self.clock.left_for("levers"):
            return levers
        self._say("nothing is learned: its time goes to further levers")
        return self._levers(division, survey, levers)

    def _levers(
        self, division: Division, survey: Survey, former: LeverRace | None = None
    ) -> LeverRace:
        draws = self._race_draws(division, survey)
        arena = self._arena(division, "levers", race_limit(survey))
        found = race_levers(survey, draws, arena, self.clock, self.place, self._say, former)
        self.listener(LeversRaced(race=found))
        home = self.place / "contestants"
        # What may have raced already stays as it is.
        if not remembered(home).pseudocosts and (
            costs := common_pseudocosts(self._solved_apart(division, arena))
        ):
            remember(home, pseudocosts=costs)
            self._say(f"pseudocosts of {len(costs)} variables are remembered")
        return found

    def _learn(
        self,
        division: Division,
        survey: Survey,
        levers: LeverRace,
        planned: Effort | None,
        former: AnyPolicy | None,
    ) -> Learned:
        if planned is None:
            return Learned()
        left = self.clock.left_for("learning")
        # The levers may have left some of their time.
        planned = kept_effort(self.place, effort(survey, left, self.workers.count) or planned)
        most = f"at most {left / 60:.0f} min; episodes of at most {planned.seconds:.0f} s"
        self._say(f"learning, for {most}")

        def learned(planned: Effort) -> Learned:
            return learn(
                self.config,
                division,
                survey,
                planned,
                combined(beside_network(levers.levers)),
                self.clock,
                self.place / "learning",
                workers=self.workers,
                threads=self.threads,
                former=former if isinstance(former, Policy) and former.has_network else None,
                listener=self._pass_on,
            )

        try:
            try:
                return learned(planned)
            except SlowExpertError as slow:
                self._say(f"{slow}")
                rmtree(self.place / "learning")
                return learned(keep_effort(self.place, with_few_candidates(planned)))
        except UserError as error:
            self._say(f"warning: nothing is learned: {error}")
            return Learned()

    def _pass_on(self, event: Event) -> None:
        self.clock.tick()
        self.listener(event)

    def _policies(
        self,
        division: Division,
        survey: Survey,
        levers: LeverRace,
        learned: Learned,
        former: AnyPolicy | None,
    ) -> PolicyRace:
        entered = contestants(self.place / "contestants", levers, learned, former)
        draws = division.draws("valid", MOST_DRAWS, SEEDS["policies"], self.config.seed)
        arena = self._arena(division, "policies", race_limit(survey))
        return race_policies(entered, survey, draws, arena, self.clock, self.place, self._say)

    def _prove(self, division: Division, survey: Survey, raced: PolicyRace) -> Proof | None:
        file = self.place / _PROOF_FILE
        if raced.winner is None:
            return None
        if (found := find_json(file, Proof, "a tuning's proof")) is not None:
            return found
        won = raced.winner
        unseen = "" if division.caution else " on what nothing has seen so far"
        self._say(f"verdict: {won.name} against SCIP's default{unseen}")
        learned = load_policy(won.policy).has_network
        solves = self.clock.left_for("verdict") * self.workers.count / survey.seconds_per_solve
        # With few pairs it is proven or it is told where it comes from, not both.
        tells = self.clock.decide("verdict", "telling", lambda: solves >= 3 * TELLING)
        alone = best_unlearned(raced) if learned and tells else None
        count = self.clock.decide(
            "verdict",
            "draws",
            lambda: draws_of_verdict(
                min(division.source.length("test"), MOST_VERDICT),
                int(1.5 * solves / (2 if alone is None else 3)),
            ),
        )
        proof = prove(
            Contestant(won.name, won.policy, won.levers),
            learned,
            alone,
            division.draws("test", count, SEEDS["verdict"], self.config.seed),
            self._arena(division, "verdict", survey.time_limit),
            survey,
            self.clock,
        )
        write_json(file, proof)
        return proof

    def _deliver(self, found: Delivery, policy: AnyPolicy) -> Delivery:
        home = self.folder / "policy"
        for name in (WEIGHTS_FILE, _SET_FILE):
            (home / name).unlink(missing_ok=True)
        policy.save(home)
        if isinstance(policy, Policy) and policy.is_parameters_only:
            write_set_file(home / _SET_FILE, policy.card.parameters)
        write_json(self.folder / VERDICT_FILE, found.verdict)
        write_report(self.folder, self.place, found)
        write_json(self.place / DELIVERY_FILE, found)
        return found
