"""One static HTML page: no network, no script, opens from disk."""

from __future__ import annotations

from convert.report.arm_tables import agreement_table, counts_table, missing_runs_table
from convert.report.bars import PHASES, cold_start_bars, op_bars
from convert.report.bench_tables import (
    boards_table,
    latency_table,
    memory_table,
    state_table,
    sustained_table,
)
from convert.report.candidates import SERIES_TITLES
from convert.report.card import card
from convert.report.confusion import confusion_tables
from convert.report.environment import report_environment
from convert.report.headline import tiles
from convert.report.histograms import latency_charts
from convert.report.mixed_files import mixed_files
from convert.report.results import Results
from convert.report.scatter import scatters
from convert.report.sources import NOT_AN_ARM_TIME, invalid_reasons, not_measured, sources
from convert.report.tables import accuracy_table, answers_table, missing_table
from convert.report.validation_table import summary, validation_table


def page(results: Results) -> str:
    """Return the report as an HTML document; every text from a result file is escaped."""
    return report_environment().get_template("page.html.j2").render(_context(results))


def _context(results: Results) -> dict[str, object]:
    arm, answers, benches = results.arm, results.answers, results.benches
    validation = results.validation
    return {
        "tiles": tiles(results),
        "card": card(results),
        "sources": sources(results),
        "mixed_files": mixed_files(results),
        "not_an_arm_time": NOT_AN_ARM_TIME,
        "missing": {
            "bench": not_measured("bench"),
            "peers": not_measured("peers"),
            "answers": not_measured("answers"),
            "arm": not_measured("arm"),
        },
        "accuracy": accuracy_table(results),
        "scatters": scatters(results),
        "series_titles": SERIES_TITLES,
        "boards": boards_table(results),
        "benches": [
            {
                "board": bench.board,
                "is_arm": bench.machine.is_arm,
                "invalid": invalid_reasons(bench),
                "charts": latency_charts(bench, results),
                "latency": latency_table(bench),
                "memory": memory_table(bench),
                "state": state_table(bench),
                "sustained": [
                    table
                    for entry in bench.entries
                    if (table := sustained_table(bench, entry)) is not None
                ],
            }
            for bench in benches
        ],
        "phases": PHASES,
        "starts": cold_start_bars(results),
        "ops": op_bars(arm) if arm else (),
        "counts": counts_table(arm) if arm else None,
        "agreement": agreement_table(arm) if arm else None,
        "validation": validation_table(validation) if validation else None,
        "validation_summary": summary(validation) if validation else "",
        "runs_missing": missing_runs_table(arm) if arm else None,
        "answers": answers,
        "confusion": confusion_tables(answers) if answers else (),
        "per_class": answers_table(results),
        "peers_missing": missing_table(results),
        "has_peers": results.peers is not None,
        "invalid_peers": invalid_reasons(results.peers) if results.peers else (),
    }
