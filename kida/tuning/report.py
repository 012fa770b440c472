"""A tuning as one HTML page that needs nothing but itself: the verdict first, then how it came."""

import html
import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated

from msgspec import Meta

from kida.boundary import LARGE_FILE, find_json, read_json
from kida.evaluation.page import figure_of, grid, page, png_of
from kida.evaluation.records import RUNS_FOLDER, Finished, finished_runs, read_record
from kida.evaluation.results import gap_over_time
from kida.evaluation.verdict import Goal, Verdict
from kida.files import atomic_path, printable, whole_files
from kida.learning.records import EpochMetrics, records_in
from kida.tuning.contestants import PLUS, WAYS
from kida.tuning.delivery import Delivery
from kida.tuning.lever_race import RACE_FILE as LEVERS_FILE
from kida.tuning.lever_race import LeverRace
from kida.tuning.levers import LEVERS
from kida.tuning.policy_race import DEFAULT, PolicyRace
from kida.tuning.policy_race import RACE_FILE as POLICIES_FILE
from kida.tuning.standings import Standing
from kida.tuning.survey import SURVEY_FILE, Survey

PAGE = "report.html"
# Of a training that has ended, and so has had an epoch.
_Curve = Annotated[list[EpochMetrics], Meta(min_length=1)]


def write_report(folder: Path, place: Path, delivery: Delivery) -> Path:
    """Write the report of a tuning's round into the tuning's folder; return its path.

    Parameters
    ----------
    folder, place
        Of the tuning, and of its round.
    delivery
        What came of it.
    """
    survey = read_json(place / SURVEY_FILE, Survey, "a tuning's survey")
    body = [
        "<h1>What makes SCIP faster here</h1>",
        f"<p><strong>{html.escape(delivery.sentence)}</strong></p>",
        *_delivered(delivery),
        *_advice(delivery),
        *_verdict(delivery.verdict, place),
        *_survey(survey),
        *_levers(place),
        *_learning(place),
        *_policies(place),
        *_split(survey, place),
        *_origin(place, delivery.verdict),
    ]
    path = folder / PAGE
    with atomic_path(path) as temporary:
        text = page("kida: what makes SCIP faster here", body)
        temporary.write_text(printable(text), encoding="utf-8")
    return path


def _delivered(delivery: Delivery) -> Iterable[str]:
    if not delivery.levers and not delivery.network:
        return
    yield "<h2>What is in the policy</h2>"
    rows = [[name, LEVERS[name].kind, LEVERS[name].meaning] for name in delivery.levers]
    if delivery.network:
        rows.append(["network", "branching", "a network that was learned on the training files"])
    yield grid(["part", "about", "what it does"], rows, "attaching the policy sets all of it")


def _advice(delivery: Delivery) -> Iterable[str]:
    if delivery.advice:
        items = "".join(f"<li>{html.escape(text)}</li>" for text in delivery.advice)
        yield f"<h2>What to run next</h2><ul>{items}</ul>"


def _verdict(verdict: Verdict, place: Path) -> Iterable[str]:
    runs = whole_files(place / "results" / "verdict" / RUNS_FOLDER, "*.json")
    if not runs:
        return
    yield "<h2>The verdict's solves</h2>"
    seconds: dict[tuple[str, int], dict[str, str]] = {}
    for path in runs:
        record = read_record(path)
        place_of = (record.job.instance.name, record.job.seed)
        shown = "failed"
        if isinstance(record, Finished):
            shown = _MEASURED[verdict.goal](record)
        seconds.setdefault(place_of, {})[Path(record.job.policy).name] = shown
    names = sorted({name for row in seconds.values() for name in row}, key=lambda n: n != "default")
    rows = [
        [name, str(seed), *(row.get(who, "") for who in names)]
        for (name, seed), row in sorted(seconds.items())
    ]
    yield grid(
        ["file", "seed", *names],
        rows,
        f"{_CAPTIONS[verdict.goal]}; settings {verdict.settings}, at most {verdict.time_limit:g} s",
    )


def _seconds_shown(record: Finished) -> str:
    end = "" if record.result.solved else " (not solved)"
    return f"{record.result.wall_time:.2f}{end}"


_MEASURED: Mapping[Goal, Callable[[Finished], str]] = {
    "time": _seconds_shown,
    "gap": lambda record: f"{gap_over_time(record):.2f}",
    "bound": lambda record: f"{record.result.dual_bound:.9g}",
}
_CAPTIONS: Mapping[Goal, str] = {
    "time": "seconds of each solve",
    "gap": "each solve's gap over time, in seconds (1 while there is no solution)",
    "bound": "each solve's last dual bound",
}


def _survey(survey: Survey) -> Iterable[str]:
    yield "<h2>Survey: SCIP's default</h2>"
    caption = f"goal: {survey.goal}; at most {survey.time_limit:g} s per solve from here on"
    yield grid(SURVEY_COLUMNS, survey_rows(survey), caption)


SURVEY_COLUMNS = ("file", "size", "end", "seconds", "to branching", "nodes", "gap")


def survey_rows(survey: Survey) -> list[list[str]]:
    """Return a survey's files as rows; a size is variables x constraints."""
    return [
        [
            file.name,
            f"{file.variables:,} x {file.constraints:,}" if file.variables else "",
            "solved" if file.solved else "ended" if file.ended else "limit",
            f"{file.seconds:.2f}",
            f"{file.root_seconds:.2f}",
            f"{file.nodes:,}",
            "" if file.gap is None else f"{100 * file.gap:.2f} %",
        ]
        for file in survey.files
    ]


def standing_rows(standings: Sequence[Standing]) -> list[list[str]]:
    """Return a race's standings as rows: name, draws, ratio, interval, p, how it ended."""
    return [
        [
            entry.name,
            str(entry.draws),
            f"{entry.ratio:.3f}" if entry.draws else "",
            _interval(entry),
            f"{entry.p_value:.3f}" if entry.draws > 1 else "",
            entry.ended or ("better" if entry.better else "in to the end"),
        ]
        for entry in standings
    ]


def _interval(entry: Standing) -> str:
    low, high = entry.interval
    return f"{low:.2f} to {high:.2f}" if entry.draws > 1 else ""


RACE_COLUMNS = ("contestant", "draws", "ratio", "95 % interval", "p", "end")
RACE_CAPTION = (
    "ratio: of shifted seconds to SCIP's default's, geometric mean over draws, below 1 is better; "
    "p: one-sided paired t-test of being no better"
)


def _levers(place: Path) -> Iterable[str]:
    found = find_json(place / LEVERS_FILE, LeverRace, "a race of levers")
    if found is None:
        return
    yield "<h2>The levers' race</h2>"
    yield grid(RACE_COLUMNS, standing_rows(found.alone), RACE_CAPTION)
    for step in found.steps:
        caption = f"further levers, ratio to {PLUS.join(step.base)} instead; {RACE_CAPTION}"
        yield grid(RACE_COLUMNS, standing_rows(step.standings), caption)
    if found.combined:
        yield grid(RACE_COLUMNS, standing_rows(found.combined), f"combinations; {RACE_CAPTION}")
    names = dict.fromkeys(name for entry in found.alone for name in entry.levers)
    rows = [[name, LEVERS[name].kind, LEVERS[name].meaning, LEVERS[name].when] for name in names]
    yield grid(["lever", "about", "what it does", "when it is tried"], rows, "what raced")


def _policies(place: Path) -> Iterable[str]:
    found = find_json(place / POLICIES_FILE, PolicyRace, "a race of policies")
    if found is None or not found.standings:
        return
    yield "<h2>The policies' race</h2>"
    against = "" if found.against == DEFAULT else f"ratio to {found.against} instead; "
    yield grid(RACE_COLUMNS, standing_rows(found.standings), f"{against}{RACE_CAPTION}")
    ways = [[name, way.meaning] for name, way in WAYS.items()]
    yield grid(["way", "what it means"], ways, "ways of using a network")


def _learning(place: Path) -> Iterable[str]:
    curves: dict[str, list[EpochMetrics]] = {}
    for file in sorted((place / "learning").glob("gen_*/training.json")):
        what = "the metrics of a training"
        curves[file.parent.name] = read_json(file, _Curve, what, largest=LARGE_FILE)
    if not curves:
        return
    yield "<h2>Learning</h2>"
    rows = []
    for name, history in curves.items():
        best = min(history, key=lambda entry: entry.validation_loss)
        samples = [r.samples for r in records_in(place / "learning" / name / "episodes")]
        rows.append(
            [
                name.removeprefix("gen_").lstrip("0"),
                str(len(samples)),
                str(sum(samples)),
                f"{best.epoch} of {len(history)}",
                f"{best.loss:.3f}",
                f"{best.validation_loss:.3f}",
                f"{best.validation_top1:.2f}",
                f"{best.validation_score_ratio:.2f}",
            ]
        )
    figure = _curves(curves)
    if figure is not None:
        yield figure
    yield grid(
        ["generation", "episodes", "samples", "epoch", "loss", "validation", "top-1", "score"],
        rows,
        "the best epoch. top-1: share of nodes at which the network's choice is strong "
        "branching's; score: its choice's share of the best score",
    )


def _curves(curves: dict[str, list[EpochMetrics]]) -> str | None:
    """Return the learning curves as a figure; None without matplotlib."""
    try:
        from kida.evaluation.drawing import figure_with_axes
    except ImportError:
        return None
    figure, axes = figure_with_axes("epoch", "loss")
    for name, history in curves.items():
        epochs = [entry.epoch for entry in history]
        for kind, line in (("loss", ":"), ("validation_loss", "-")):
            label = f"{name}, {kind.replace('_', ' ')}"
            axes.plot(epochs, [getattr(entry, kind) for entry in history], line, label=label)
    axes.legend()
    return figure_of("Loss over the epochs", png_of(figure))


def _split(survey: Survey, place: Path) -> Iterable[str]:
    """Return where the time goes: of the survey, and of the verdict's solves, by policy."""
    parts: dict[str, dict[str, float]] = {"survey, default": survey.shares}
    parts |= {
        f"verdict, {name}": shares
        for name, shares in split_of(place / "results" / "verdict").items()
    }
    names = [name for name in next(iter(parts.values())) if name != "root"]
    rows = [
        [who, *(f"{100 * shares.get(name, 0.0):.0f} %" for name in (*names, "root"))]
        for who, shares in parts.items()
    ]
    yield "<h2>Where the time goes</h2>"
    yield grid(
        ["solves", *names, "(until branching)"],
        rows,
        "shares of the solving time by SCIP's own clocks; a network's time is in the rest. The "
        "last column counts everything before the first branching",
    )


def _origin(place: Path, verdict: Verdict) -> Iterable[str]:
    """Say on what, by what and for how long it was made, and whether the machine was at peace."""
    records = [
        *finished_runs(place / "results" / "survey"),
        *finished_runs(place / "results" / "verdict"),
    ]
    commands = dict.fromkeys(shlex.join(record.job.command) for record in records)
    versions = {", ".join(f"{k} {v}" for k, v in record.versions.items()) for record in records}
    machines = {f"{r.machine.processor}, {r.machine.cores} cores" for r in records}
    lines = [*commands, "", *sorted(versions), *sorted(machines)]
    lines.append(f"{verdict.seconds_used:.0f} s in all")
    disturbed = sum(bool(record.disturbed) for record in records)
    lines.append(f"{disturbed} of these {len(records)} solves were disturbed by other work")
    yield "<h2>How it was measured</h2>"
    yield f"<pre>{html.escape(chr(10).join(lines))}</pre>"


def split_of(results: Path) -> dict[str, dict[str, float]]:
    """Return policy to the shares of the time in each part of SCIP, over a folder's solves."""
    totals: dict[str, float] = {}
    parts: dict[str, dict[str, float]] = {}
    for record in finished_runs(results):
        who = Path(record.job.policy).name
        result = record.result
        totals[who] = totals.get(who, 0.0) + result.wall_time
        root = min(result.trajectory.bounds().root_end(), result.wall_time)
        for part, seconds in {**result.time_split, "root": root}.items():
            parts.setdefault(who, {})[part] = parts.get(who, {}).get(part, 0.0) + seconds
    return {
        who: {part: seconds / max(totals[who], 1e-9) for part, seconds in found.items()}
        for who, found in parts.items()
    }
