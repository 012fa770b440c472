"""A results folder as one HTML page with its figures inside, and the same figures as PNG files.

The page needs nothing but itself: no scripts, no fonts, no network. Figures are ``plots.py``'s,
tables ``summary.py``'s; this file only lays them out.
"""

import base64
import html
import io
import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from rich.table import Table

from kida.errors import UserError, missing_extra
from kida.evaluation.results import Results
from kida.evaluation.summary import REWARD, choose_baseline, number, tables, warnings
from kida.files import atomic_path, printable

PAGE = "report.html"

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem;
       color: #111; background: #fff; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.2rem; margin-top: 2.2rem; }
table { border-collapse: collapse; margin: .6rem 0; font-variant-numeric: tabular-nums; }
th, td { padding: .2rem .7rem; text-align: right; border-bottom: 1px solid #ccc; }
th:first-child, td:first-child { text-align: left; }
caption { caption-side: bottom; text-align: left; color: #444; font-size: .85rem; }
.scroll { overflow-x: auto; } figure { margin: 1.2rem 0; } img { max-width: 100%; height: auto; }
figcaption { color: #444; font-size: .9rem; } code, pre { font-size: .85rem; }
pre { white-space: pre-wrap; background: #f4f4f4; padding: .6rem; }
.warning { border-left: 4px solid #111; padding-left: .8rem; }
"""


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
    except ImportError as error:
        raise missing_extra("a report", "matplotlib", "plot") from error
    chosen = choose_baseline(results, baseline)
    ours = {PAGE, *(f"{stem}.png" for stem in FIGURES)}
    if folder.exists() and not {path.name for path in folder.iterdir()} <= ours:
        raise UserError(f"{folder} holds something else than a report; name another folder")
    figures = []
    paths = []
    for stem, (caption, draw) in FIGURES.items():
        figure = draw(results, chosen)
        if figure is None:
            continue
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", dpi=130, metadata={"Software": "kida"})
        path = folder / f"{stem}.png"
        with atomic_path(path) as temporary:
            temporary.write_bytes(buffer.getvalue())
        paths.append(path)
        figures.append(_figure(caption, buffer.getvalue()))
    page = folder / PAGE
    with atomic_path(page) as temporary:
        temporary.write_text(printable(_page(results, chosen, figures)), encoding="utf-8")
    return [page, *paths]


def _page(results: Results, baseline: str, figures: Sequence[str]) -> str:
    protocol = results.protocol
    instances = {row.instance for row in results.rows}
    seeds = {row.seed for row in results.rows}
    lead = (
        f"{len(results.rows)} finished runs of {len(results.policies)} policies on "
        f"{len(instances)} instances (seeds used: {len(seeds)}), under {protocol.settings} "
        f"settings, {protocol.seconds:g} s each. Compared with {baseline}."
    )
    found = warnings(results)
    trouble = [f'<p class="warning">{html.escape(text)}</p>' for text in found]
    body = [
        "<h1>Branching policies compared</h1>",
        f"<p>{html.escape(lead)}</p>",
        *trouble,
        "<h2>Summary</h2>",
        *(_table(table) for table in tables(results, baseline)),
        "<h2>Figures</h2>",
        *figures,
        "<h2>Cumulated reward per instance</h2>",
        _grid(
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
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>kida: branching policies compared</title>\n<style>{_STYLE}</style></head>\n"
        "<body>\n" + "\n".join(body) + "\n</body></html>\n"
    )


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


def _figure(caption: str, png: bytes) -> str:
    text = html.escape(caption)
    data = base64.b64encode(png).decode("ascii")
    return (
        f'<figure><img alt="{text}" src="data:image/png;base64,{data}">'
        f"<figcaption>{text}</figcaption></figure>"
    )


def _table(table: Table) -> str:
    header = [str(column.header) for column in table.columns]
    cells = zip(*(column.cells for column in table.columns), strict=True)
    title = f"<h3>{html.escape(str(table.title))}</h3>"
    return title + _grid(header, ([str(cell) for cell in row] for row in cells), str(table.caption))


def _grid(header: Sequence[str], rows: Iterable[Sequence[str]], caption: str) -> str:
    def line(cells: Sequence[str], tag: str) -> str:
        return "<tr>" + "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in cells) + "</tr>"

    body = "\n".join(line(row, "td") for row in rows)
    return (
        f'<div class="scroll"><table><caption>{html.escape(caption)}</caption>'
        f"<thead>{line(header, 'th')}</thead>\n<tbody>{body}</tbody></table></div>"
    )
