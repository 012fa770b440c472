"""A results folder as one HTML page with its figures inside, and the same figures as PNG files.

The first screen is the verdict: a sentence (``headline.py``) and the figure that shows it.

The page needs nothing but itself: no scripts, no fonts, no network. Figures are ``plots.py``'s,
tables ``summary.py``'s; this file only lays them out.
"""

import html
import shlex
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from rich.table import Table

from kida.errors import UserError, missing_extra
from kida.evaluation.headline import Headline, headline
from kida.evaluation.page import figure_of, grid, page, png_of
from kida.evaluation.results import Results
from kida.evaluation.summary import REWARD, choose_baseline, number, tables, warnings
from kida.files import atomic_path, is_temporary, printable

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PAGE = "report.html"
#: Stem of the first figure's file.
VERDICT = "verdict"


def write_report(results: Results, folder: Path, baseline: str | None = None) -> list[Path]:
    """Write ``report.html`` and the figures into ``folder``; return the paths.

    An earlier report there is replaced.

    Raises
    ------
    UserError
        If matplotlib is missing, nothing finished, or the folder holds something else.
    """
    try:
        from kida.evaluation.plots import FIGURES
        from kida.evaluation.verdict_plot import draw_verdict
    except ImportError as error:
        raise missing_extra("a report", "matplotlib", "plot") from error
    chosen = choose_baseline(results, baseline)
    ours = {PAGE, f"{VERDICT}.png", *(f"{stem}.png" for stem in FIGURES)}
    try:
        if folder.exists() and not folder.is_dir():
            raise UserError(f"{folder} is a file; name a folder for the report")
        there = [*folder.iterdir()] if folder.exists() else []
    except OSError as error:
        raise UserError(
            f"cannot look into {folder}: {error.strerror}; name another folder"
        ) from error
    before = [path for path in there if not is_temporary(path)]
    if not {path.name for path in before} <= ours:
        raise UserError(f"{folder} holds something else than a report; name another folder")
    found = headline(results, chosen)
    figures: dict[str, str] = {}
    paths = []
    drawn: dict[str, tuple[str, Figure | None]] = {}
    if found is not None:
        drawn[VERDICT] = _caption(found), draw_verdict(found)
    drawn |= {stem: (caption, draw(results, chosen)) for stem, (caption, draw) in FIGURES.items()}
    for stem, (caption, figure) in drawn.items():
        if figure is None:
            continue
        image = png_of(figure)
        path = folder / f"{stem}.png"
        with atomic_path(path) as temporary:
            temporary.write_bytes(image)
        paths.append(path)
        figures[stem] = figure_of(caption, image)
    path = folder / PAGE
    with atomic_path(path) as temporary:
        temporary.write_text(printable(_page(results, chosen, found, figures)), encoding="utf-8")
    # Figures of an earlier report that this one has not.
    for old in {*before} - {path, *paths}:
        old.unlink(missing_ok=True)
    return [path, *paths]


def _caption(found: Headline) -> str:
    level = f"{100 * found.verdict.confidence:g} %"
    return (
        f"{found.policy} beside {found.baseline}: a mark per {found.marked}; line and band: the "
        f"geometric mean and its interval at {level}."
    )


def _page(
    results: Results, baseline: str, found: Headline | None, figures: Mapping[str, str]
) -> str:
    protocol = results.protocol
    instances = {row.instance for row in results.rows}
    seeds = {row.seed for row in results.rows}
    lead = (
        f"{len(results.rows)} finished runs of {len(results.policies)} policies on "
        f"{len(instances)} instances (seeds used: {len(seeds)}), under {protocol.settings} "
        f"settings, {protocol.seconds:g} s each. Compared with {baseline}."
    )
    trouble = [f'<p class="warning">{html.escape(text)}</p>' for text in warnings(results)]
    first = (
        f"Only {baseline} can be seen here: there is nothing to compare it with."
        if found is None
        else found.sentence + "."
    )
    body = [
        "<h1>Branching policies compared</h1>",
        f'<p class="verdict">{html.escape(first)}</p>',
        *(figure for stem, figure in figures.items() if stem == VERDICT),
        f"<p>{html.escape(lead)}</p>",
        *trouble,
        "<h2>Summary</h2>",
        *(_table(table) for table in tables(results, baseline)),
        "<h2>Figures</h2>",
        *(figure for stem, figure in figures.items() if stem != VERDICT),
        "<h2>Cumulated reward per instance</h2>",
        grid(
            ["instance", *results.policies],
            _rewards(results),
            f"mean over seeds; {results.direction}",
        ),
        "<h2>How it was measured</h2>",
        "<p>The reward is the dual bound, integrated from the end of the root node over the time "
        "limit, never counted below the bound known beforehand, and held if the solve ends "
        "early.</p>",
        _origin(results),
    ]
    return page("kida: branching policies compared", body)


def _rewards(results: Results) -> Iterable[list[str]]:
    for name in sorted({row.instance for row in results.rows}):
        line = [name]
        for policy in results.policies:
            values = [
                REWARD.value(row)
                for row in results.rows
                if (row.instance, row.policy) == (name, policy)
            ]
            line.append(number(results.mirror * float(np.mean(values))) if values else "")
        yield line


def _origin(results: Results) -> str:
    """Return the commands, versions and machines behind the runs."""
    records = results.records
    commands = {shlex.join(record.job.command) for record in records}
    versions = {", ".join(f"{k} {v}" for k, v in record.versions.items()) for record in records}
    machines = {f"{r.machine.processor}, {r.machine.cores} cores" for r in records}
    days = sorted(record.started for record in records)
    period = f"from {days[0]} to {days[-1]}"
    lines = [*sorted(commands), "", *sorted(versions), *sorted(machines), period]
    return f"<pre>{html.escape(chr(10).join(lines))}</pre>"


def _table(table: Table) -> str:
    header = [str(column.header) for column in table.columns]
    cells = zip(*(column.cells for column in table.columns), strict=True)
    title = f"<h3>{html.escape(str(table.title))}</h3>"
    return title + grid(header, ([str(cell) for cell in row] for row in cells), str(table.caption))
