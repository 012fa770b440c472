"""Write an HTML page and figures about the results of 'kida evaluate'.

Examples
--------
  kida report results/x
  kida report results/monday results/tuesday --baseline pscost --out report

Several folders of one protocol are put together. The page is self-contained; the figures are in
it, and beside it as PNG files.
"""

import argparse
from pathlib import Path

from kida.evaluation.report import write_report
from kida.evaluation.results import load_results

HELP = "write an HTML page about results"


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("results", nargs="+", type=Path, help="folders 'kida evaluate' wrote")
    parser.add_argument("--out", type=Path, help="folder (default: report/ in the first one)")
    parser.add_argument("--baseline", help="policy to compare with (default: 'default')")


def run(arguments: argparse.Namespace) -> int:
    """Write the report and print where it is."""
    results = load_results(arguments.results)
    folder = arguments.out or arguments.results[0] / "report"
    for path in write_report(results, folder, arguments.baseline):
        print(path)
    return 0
