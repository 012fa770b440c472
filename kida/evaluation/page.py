"""Pieces of a self-contained HTML page: no scripts, no fonts, no network."""

import base64
import html
import io
from collections.abc import Iterable, Sequence
from typing import Any

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
.warning { border-left: 4px solid #D55E00; padding-left: .8rem; }
.verdict { font-size: 1.25rem; line-height: 1.4; border-left: 6px solid #0072B2;
           padding-left: .8rem; }
"""


def page(title: str, body: Sequence[str]) -> str:
    """Return a page of this title; ``body`` is HTML, a piece each."""
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{html.escape(title)}</title>\n<style>{_STYLE}</style></head>\n"
        "<body>\n" + "\n".join(body) + "\n</body></html>\n"
    )


def png_of(figure: Any) -> bytes:
    """Return a matplotlib figure as a PNG image."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=130, metadata={"Software": "kida"})
    return buffer.getvalue()


def figure_of(caption: str, png: bytes) -> str:
    """Return an image with its caption, the image inside."""
    text = html.escape(caption)
    data = base64.b64encode(png).decode("ascii")
    return (
        f'<figure><img alt="{text}" src="data:image/png;base64,{data}">'
        f"<figcaption>{text}</figcaption></figure>"
    )


def grid(header: Sequence[str], rows: Iterable[Sequence[str]], caption: str) -> str:
    """Return a table of plain texts."""

    def line(cells: Sequence[str], tag: str) -> str:
        return "<tr>" + "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in cells) + "</tr>"

    body = "\n".join(line(row, "td") for row in rows)
    return (
        f'<div class="scroll"><table><caption>{html.escape(caption)}</caption>'
        f"<thead>{line(header, 'th')}</thead>\n<tbody>{body}</tbody></table></div>"
    )
