"""The kinds of files that kida reads: valid ones to start from, and how each is read."""

import dataclasses
import gzip
import io
import json
import zipfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np


@dataclass(frozen=True)
class Kind:
    """A kind of file.

    Attributes
    ----------
    name
        For people, and for the seeds of changes.
    file
        Its path within a folder of its own.
    seeds
        Valid contents.
    read
        Reads it as kida does; given the path.
    beside
        Other files of that folder: path to content.
    by_scip
        Whether SCIP's own reader reads it.
    """

    name: str
    file: str
    seeds: Sequence[bytes]
    read: Callable[[Path], object]
    beside: Mapping[str, bytes] = dataclasses.field(default_factory=dict)
    by_scip: bool = False


def kinds(place: Path) -> list[Kind]:
    """Return all kinds; valid files are made in ``place``."""
    made = place / "made"
    return [
        *_problems(made),
        *_policies(made),
        *_library(made),
        *_learning(made),
        *_results(made),
        *_tuning(made),
        *_official(),
    ]


def _model():
    from pyscipopt import Model, quicksum

    draw, model = np.random.default_rng(7), Model("knapsack")
    model.hideOutput()
    x = [model.addVar(f"x{i}", "B") for i in range(20)]
    y = [model.addVar(f"y{i}", "I", lb=-3, ub=9) for i in range(3)]
    z = model.addVar("z", lb=None)
    for _ in range(5):
        row = draw.integers(20, 100, size=23).tolist()
        model.addCons(quicksum(w * v for w, v in zip(row, x + y, strict=True)) <= 600.5)
    model.addCons(z - 2 * y[0] >= -4.5)
    model.addCons(z <= 7)
    gains = draw.integers(20, 100, size=23).tolist()
    model.setObjective(quicksum(w * v for w, v in zip(gains, x + y, strict=True)) + z, "maximize")
    return model


def _problems(made: Path) -> list[Kind]:
    made.mkdir(exist_ok=True)
    model = _model()
    contents = {}
    for suffix in ("mps", "lp", "cip"):
        model.writeProblem(str(made / f"problem.{suffix}"), verbose=False)
        contents[suffix] = (made / f"problem.{suffix}").read_bytes()
    model.free()
    found = [Kind(s, f"problem.{s}", [c], _read_problem, by_scip=True) for s, c in contents.items()]
    packed = [gzip.compress(contents["mps"], mtime=0)]
    return [*found, Kind("mps.gz", "problem.mps.gz", packed, _read_problem, by_scip=True)]


def _read_problem(path: Path) -> None:
    from kida.instances.folder import read_sense
    from kida.solver.problem import read_model

    read_sense(path)
    read_model(path).free()


def _policy():
    from kida.network.architecture import Architecture, shapes
    from kida.network.card import Card
    from kida.network.policy import Policy

    shape, draw = Architecture(8), np.random.default_rng(0)
    arrays = {n: draw.normal(size=s).astype(np.float32) for n, s in shapes(shape).items()}
    card = Card(
        shape, parameters={"nodeselection/bfs/maxplungedepth": 0}, recipe={"a": [1]}, seeds=(1, 2),
        start={"x": 1.0}, pseudocosts={"x": (0.5, None)},
    )  # fmt: skip
    return Policy(arrays, card)


def _policies(made: Path) -> list[Kind]:
    import torch
    from safetensors.numpy import save

    from kida.network.checkpoint import import_checkpoint
    from kida.network.policy import Policy

    def load(path: Path) -> None:
        Policy.load(path.parent)

    _policy().save(made / "policy")
    card = (made / "policy" / "card.json").read_bytes()
    weights = (made / "policy" / "weights.safetensors").read_bytes()
    arrays = _policy().weights
    npz, pt = io.BytesIO(), io.BytesIO()
    np.savez_compressed(npz, **arrays)
    torch.save({name: torch.from_numpy(array) for name, array in arrays.items()}, pt)
    return [
        Kind("card", "card.json", [card], load, {"weights.safetensors": weights}),
        Kind("weights", "weights.safetensors", [weights], load, {"card.json": card}),
        Kind("npz", "x.npz", [npz.getvalue()], import_checkpoint),
        Kind("pt", "x.pt", [pt.getvalue()], import_checkpoint),
        Kind("safetensors", "x.safetensors", [save(arrays)], import_checkpoint),
        *_steering(made),
    ]


def _steering(made: Path) -> list[Kind]:
    from kida.network.steering import by_one_feature, load_policy

    by_one_feature("pseudocost_score", recipe={"a": [1]}).save(made / "steering")
    card = (made / "steering" / "card.json").read_bytes()
    weights = (made / "steering" / "weights.safetensors").read_bytes()

    def load(path: Path) -> None:
        load_policy(path.parent).native()

    return [
        Kind("steering card", "card.json", [card], load, {"weights.safetensors": weights}),
        Kind("steering weights", "weights.safetensors", [weights], load, {"card.json": card}),
    ]


def _library(made: Path) -> list[Kind]:
    """Policies as libkida reads them, which has readers of its own."""
    import ctypes

    from pyscipopt import Model

    from kida.errors import UserError
    from kida.libkida import library
    from kida.solver.branching import capsule

    found = ctypes.PyDLL(str(library()))
    found.kida_last_error.restype = ctypes.c_char_p
    found.kida_include.argtypes = (ctypes.c_void_p, ctypes.c_char_p)
    pointer = ctypes.pythonapi.PyCapsule_GetPointer
    pointer.restype, pointer.argtypes = ctypes.c_void_p, (ctypes.py_object, ctypes.c_char_p)

    def include(path: Path) -> None:
        model = Model()
        try:
            if not found.kida_include(pointer(capsule(model), b"scip"), str(path.parent).encode()):
                raise UserError(found.kida_last_error().decode())
        finally:
            model.free()

    kinds = []
    for name, folder in (("libkida", "policy"), ("libkida steering", "steering")):
        card = (made / folder / "card.json").read_bytes()
        weights = (made / folder / "weights.safetensors").read_bytes()
        kinds += [
            Kind(f"{name} card", "card.json", [card], include, {"weights.safetensors": weights}),
            Kind(f"{name} weights", "weights.safetensors", [weights], include, {"card.json": card}),
        ]
    return kinds


_SET = b"""# SCIP's own form
limits/time = 30
separating/maxrounds = 5
numerics/feastol = 1e-06
constraints/linear/upgrade/setppc = FALSE
branching/scorefunc = p
visual/vbcfilename = "-"
"""

_TOML = b"""family = "set_cover"
generations = 3
[collection]
episodes = 20
samples_per_episode = 10
probability_by_depth = [0.5, 0.1]
parameters = {"nodeselection/bfs/maxplungedepth" = 0}
acting = ["network"]
[training]
epochs = 2
learning_rate = 1e-3
[inheritance]
expert_depths = [-1, 2]
[search]
generations = 3
"""


def _learning(made: Path) -> list[Kind]:
    from msgspec.structs import asdict

    from kida.boundary import plain, read_json, write_json
    from kida.instances.folder import Folder
    from kida.lab.search_config import read_search
    from kida.learning.config import RunConfig
    from kida.learning.events import EpisodeEnded
    from kida.learning.forecast import Forecast
    from kida.learning.inventory import family_of_run, take_inventory
    from kida.learning.proof import Design
    from kida.learning.records import EpisodeRecord, record_of
    from kida.learning.run import Run, read_run, status
    from kida.solver.set_file import read_set_file

    write_json(made / "list.json", take_inventory(Folder(str(made / "problem.mps"))))
    Run(made / "run", RunConfig(family="set_cover"))
    episode = EpisodeRecord(
        instance="x", split="train", index=0, seed=0, acting="random", samples=1, nodes=1,
        decisions=1, expert_decisions=1, status="optimal", seconds=1.0, root_seconds=0.5,
        expert_seconds=0.1, lp_seconds=0.1, dual_bound=1.0, reward=None,
    )  # fmt: skip
    write_json(made / "episode.json", episode)
    told = EpisodeEnded(generation=1, done=1, of=2, samples_per_second=1.0, **asdict(episode))
    log = [{"time": 1.0, **plain(told)}, {"time": 2.0, "event": "finished", "policy": "x"}]
    lines = "".join(json.dumps(entry) + "\n" for entry in log).encode()
    config = (made / "run" / "config.json").read_bytes()

    design = Design(goal="gap", settings="default", time_limit=90.0, instances=(0, 3), seeds=2,
                    expected=90.0)  # fmt: skip
    write_json(made / "design.json", design)

    def configure(path: Path) -> None:
        read_search("set_cover", path)

    def read_logged(path: Path) -> None:
        run = Run(path.parent, RunConfig(family="set_cover"))
        run.seconds_worked()
        Forecast(path.parent, run.config, 1, 1).left()

    return [
        Kind("toml", "x.toml", [_TOML], configure),
        Kind("inventory", "instances.json", [(made / "list.json").read_bytes()],
             lambda path: family_of_run("set_cover", path.parent)),
        Kind("episode", "train_0_0.json", [(made / "episode.json").read_bytes()],
             lambda path: record_of(path.with_suffix(".safetensors")),
             {"train_0_0.safetensors": b""}),
        Kind("run", "config.json", [config],
             lambda path: (read_run(path.parent), status(path.parent))),
        Kind("log", "log.jsonl", [lines], read_logged, {"config.json": config}),
        Kind("metrics", "gen_01/training.json", [_METRICS], lambda path: status(path.parents[1]),
             {"config.json": config}),
        Kind("settings", "x.set", [_SET], read_set_file),
        Kind("design", "design.json", [(made / "design.json").read_bytes()],
             lambda path: read_json(path, Design, "what a verdict compares")),
        Kind("shard", "train_0_0.safetensors", [_shard(made)], _read_shard),
        _checkpoint(made),
    ]  # fmt: skip


_METRICS = json.dumps(
    [
        {"epoch": epoch, "learning_rate": 1e-3, "loss": 1.5 / epoch, "validation_loss": 2.5 / epoch,
         "validation_top1": 0.5, "validation_top5": 0.75, "validation_score_ratio": 0.875}
        for epoch in (1, 2)
    ]
).encode()  # fmt: skip


def _shard(made: Path) -> bytes:
    from kida.learning.samples import write_shard
    from kida.rule import Recording
    from kida.solver.branching import attach_collector

    model = _model()
    recording = Recording(probability_by_depth=(1.0,), samples_per_episode=3)
    brancher = attach_collector(model, None, recording, acting="random")
    for turn in (model.setHeuristics, model.setSeparating, model.setPresolve):
        turn(3)
    model.optimize()
    samples = brancher.samples()
    assert samples
    model.free()
    write_shard(made / "shard.safetensors", samples)
    return (made / "shard.safetensors").read_bytes()


def _read_shard(path: Path) -> None:
    from kida.learning.samples import Aggregate

    found = Aggregate([path], lambda text: None)
    for number in range(len(found)):
        _ = found[number]


def _checkpoint(made: Path) -> Kind:
    import torch

    from kida.learning.config import TrainingConfig
    from kida.learning.train import _Trainer
    from kida.learning.validation import Validation
    from kida.network.gnn import Network

    def trainer() -> _Trainer:
        config = TrainingConfig(embedding_size=8, device="cpu")
        return _Trainer(Network(config.architecture), config, 0, None, lambda event: None)

    def go_on(found: _Trainer) -> None:
        """Do what an epoch does, but for the samples."""
        optimizer = found._optimizer
        for parameter in optimizer.param_groups[0]["params"]:
            parameter.grad = parameter.detach().clone()
        optimizer.step()
        found.keep({"loss": 1.0}, Validation(loss=0.5, top1=0.5, top5=0.5, score_ratio=0.5))

    def read(path: Path) -> None:
        # The parent's threads are not in a child.
        torch.set_num_threads(1)
        found = trainer()
        found.restore(path)
        go_on(found)

    begun = trainer()
    begun.state.learning_rate = 1e-3
    go_on(begun)
    begun.save(made / "c.safetensors")
    return Kind("checkpoint", "c.safetensors", [(made / "c.safetensors").read_bytes()], read)


def _results(made: Path) -> list[Kind]:
    from kida.boundary import write_json
    from kida.evaluation.records import (
        Assignment,
        Finished,
        Machine,
        Protocol,
        read_protocol,
        read_record,
    )
    from kida.evaluation.results import load_results, write_tables
    from kida.evaluation.solving import outcome
    from kida.evaluation.summary import as_text, tables, warnings
    from kida.evaluation.verdict import judged, read_verdict, sentence
    from kida.instances.initial_bounds import stored_bounds
    from kida.instances.registry import instances
    from kida.sets import Entry, Manifest, _read_manifest
    from kida.settings import Limits
    from kida.solver.solve import solve

    (instance,) = instances(str(made / "problem.mps"), "all")
    records, policies = [], ("pscost", "default")
    for policy in policies:
        result = solve(instance, policy, limits=Limits(time=5.0))
        job = Assignment(instance=instance, seed=0, policy=policy, settings="competition",
                         time_limit=5.0, digest="0" * 16, keep=("integers",))  # fmt: skip
        record = Finished(
            job=job, policy_identity="scip", initial_primal_bound=None, initial_dual_bound=1e3,
            machine=Machine(processor="x", cores=2), versions={"kida": "0"}, started="2026",
            load=(0.1, None), cpu_share=1.0, disturbed=(), result=outcome(result),
            integers={"x": 1.0}, pseudocosts={"x": (0.5, None)},
        )  # fmt: skip
        write_json(made / f"{policy}.json", record)
        records.append((made / f"{policy}.json").read_bytes())
    write_json(made / "protocol.json", Protocol(time_limit=5.0))
    protocol = (made / "protocol.json").read_bytes()
    entry = Entry(sha256="0" * 64, bytes=3, family="set_cover", size="easy", split="test", index=0,
                  dual_bound=1.0, primal_bound=None)  # fmt: skip
    write_json(made / "manifest.json", Manifest(files={"x.mps.gz": entry}, versions={"kida": "0"}))

    def read_results(path: Path) -> None:
        found = load_results([path.parent.parent])
        if found.rows:
            as_text([*tables(found), *warnings(found)])
            write_tables(found, path.parent.parent)

    verdict = judged("time", *([read_record(made / f"{policy}.json")] for policy in policies),
                     policy=None, seconds_used=1.0)  # fmt: skip
    write_json(made / "verdict.json", verdict)

    def read_judged(path: Path) -> None:
        found = read_verdict(path.parent)
        assert found is not None
        sentence(found)

    return [
        Kind("verdict", "verdict.json", [(made / "verdict.json").read_bytes()], read_judged),
        Kind("record", "runs/a.json", records[:1], read_results,
             {"protocol.json": protocol, "runs/b.json": records[1]}),
        Kind("protocol", "protocol.json", [protocol], lambda path: read_protocol(path.parent)),
        Kind("bounds", "x.json", [b'{"dual_bound": 1.5, "primal_bound": null}'],
             lambda path: stored_bounds(path.with_suffix(".mps"))),
        Kind("manifest", "manifest.json", [(made / "manifest.json").read_bytes()],
             lambda path: _read_manifest(path.parent)),
    ]  # fmt: skip


def _tuning(made: Path) -> list[Kind]:
    """Return the files of a tuning: each is read as by a tuning that goes on."""
    from kida.boundary import read_json, write_json
    from kida.evaluation.plots import figure_with_axes
    from kida.evaluation.verdict import read_verdict
    from kida.tuning.clock import CLOCK_FILE, DECISIONS_FILE, Clock, Decision
    from kida.tuning.config import TuneConfig
    from kida.tuning.delivery import deliver
    from kida.tuning.folder import CONFIG_FILE, DELIVERY_FILE, claim, current_round, finished
    from kida.tuning.learning import Effort, Learned, effort
    from kida.tuning.lever_race import RACE_FILE, LeverRace, race_limit
    from kida.tuning.lever_steps import LeverStep
    from kida.tuning.memory import MEMORY_FILE, Memory
    from kida.tuning.planning import EFFORT_FILE, kept_effort, plan_event, plan_learning
    from kida.tuning.policy_race import RACE_FILE as POLICIES_FILE
    from kida.tuning.policy_race import PolicyRace, contestants
    from kida.tuning.proving import Proof
    from kida.tuning.report import write_report
    from kida.tuning.standings import Contestant, standing
    from kida.tuning.survey import SURVEY_FILE, Survey, Surveyed, cost_within

    file = Surveyed(name="a", solved=True, branched=True, seconds=4.0, root_seconds=1.0, nodes=100,
                    gap=0.0, split={"separation": 1.5, "strong branching": 0.5})  # fmt: skip
    survey = Survey(files=(file, file), goal="time", time_limit=12.0, seconds_per_solve=5.0)
    entry = standing(Contestant("orbital", "default", ("orbital",)), [-0.5, -0.25, -0.5, -0.375])
    verdict = read_verdict(made)
    assert verdict is not None
    config, clock = TuneConfig(problems="mine"), Clock(made / "nowhere", 600.0)
    step = LeverStep(base=("orbital",), standings=(entry,), found=entry)
    levers = LeverRace(alone=(entry,), steps=(step,), combined=(entry,), levers=("orbital",))
    raced = PolicyRace(standings=(entry,), winner=entry)
    proof = Proof(verdict=verdict, levers_alone=verdict)
    found = deliver(survey, levers, raced, proof, config, clock)
    planned = Effort(episodes=3, validation_episodes=1, seconds=5.0, thinning=(1.0, 0.5))
    contents = {}
    for name, content in {
        SURVEY_FILE: survey, RACE_FILE: levers, POLICIES_FILE: raced, "proof.json": proof,
        DELIVERY_FILE: found, EFFORT_FILE: planned, CLOCK_FILE: {"seconds": 5.5},
        DECISIONS_FILE: {"levers": [Decision("seconds", 99), Decision("4 solves", 1)]},
        CONFIG_FILE: config, MEMORY_FILE: Memory(start={"x": 1.0}, pseudocosts={"x": (0.5, None)}),
    }.items():  # fmt: skip
        write_json(made / "tuning.json", content)
        contents[name] = (made / "tuning.json").read_bytes()
    contents["learning/gen_01/training.json"] = _METRICS
    # What matplotlib makes for itself when it is first used is none of an input's.
    figure_with_axes("x", "y")

    def go_on(file: Path) -> None:
        """Do what a tuning does that goes on, but for the solves."""
        place = file.parents[2] if file.name == "training.json" else file.parent
        claim(place, config)
        current_round(place, config)
        clock = Clock(place, 600.0)
        survey = read_json(place / SURVEY_FILE, Survey, "a tuning's survey")
        planned = plan_learning(survey, clock, 2, lambda text: None)
        plan_event(survey, planned, clock, 2, lambda text: None)
        effort(survey, 60.0, 2)
        cost_within(survey, race_limit(survey))
        kept_effort(
            place,
            planned or Effort(episodes=1, validation_episodes=1, seconds=1.0, thinning=(1.0,)),
        )
        levers = read_json(place / RACE_FILE, LeverRace, "a race of levers")
        raced = read_json(place / POLICIES_FILE, PolicyRace, "a race of policies")
        contestants(place, levers, Learned(), None)
        clock.decide("levers", "seconds", lambda: 7)
        clock.decide("policies", "2 solves", lambda: True)
        proof = read_json(place / "proof.json", Proof, "a tuning's proof")
        deliver(survey, levers, raced, proof, config, clock)
        delivery = finished(place)
        assert delivery is not None
        # Figures take a hundred times what all the rest does.
        if zlib.crc32(file.read_bytes()) % 8 == 0:
            write_report(place, place, delivery)

    return [
        Kind(f"tuning {Path(name).stem}", name, [content], go_on,
             {other: text for other, text in contents.items() if other != name})
        for name, content in contents.items()
    ]  # fmt: skip


def _official() -> list[Kind]:
    from kida.evaluation.official import read_official
    from kida.evaluation.results import OFFICIAL_COLUMNS

    lines = [",".join(OFFICIAL_COLUMNS), "item_placement_10000,0,1.5,2.5,0,345.5",
             "item_placement_10001,0,1.5,2.5,0,35.25", ""]  # fmt: skip
    table = "\n".join(lines).encode()
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as content:
        content.writestr("KAIST/dual/1_item_placement.csv", table)
        content.writestr("EI/dual/2_load_balancing.csv", table)
    return [
        Kind("csv", "x.csv", [table], lambda path: read_official(str(path))),
        Kind("zip", "x.zip", [archive.getvalue()], lambda path: read_official(str(path))),
    ]
