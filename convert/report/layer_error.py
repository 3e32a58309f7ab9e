"""The look at every operator of an int8 model as text, and as one HTML page."""

from __future__ import annotations

from convert.layer_error.advice import Advice
from convert.layer_error.analysis import Analysis, OperatorError
from convert.layer_error.effects import Answers
from convert.report.environment import report_environment
from convert.report.layer_charts import decibel_text, noise_bars, value_charts
from convert.report.tables import Table
from convert.report.text import percent, significant, table
from minivgg_edge.cli.terminal import printable


def layer_error_text(analysis: Analysis, advice: Advice, *, source: str) -> str:
    """Return the sentence, both tables, and what was not compared, as plain text.

    Args:
        analysis: of an int8 model.
        advice: about it.
        source: of the pictures, in words.
    """
    lines = [printable(advice.line), ""]
    for found in (cost_table(analysis), range_table(analysis)):
        lines += [found.caption, table(found.columns, found.rows), found.note, ""]
    lines += unmatched_lines(analysis)
    lines.append(f"{printable(source)}. {_whole(analysis)}")
    return "\n".join(lines)


def layer_error_page(analysis: Analysis, advice: Advice, *, name: str, source: str) -> str:
    """Return the same with charts as an HTML document without scripts; every name is escaped.

    Args:
        analysis: of an int8 model.
        advice: about it.
        name: of the model.
        source: of the pictures, in words.
    """
    return (
        report_environment()
        .get_template("layer_error.html.j2")
        .render(
            name=printable(name),
            source=printable(source),
            sentence=printable(advice.line),
            whole=_whole(analysis),
            bars=noise_bars(analysis),
            costs=cost_table(analysis),
            ranges=range_table(analysis),
            charts=value_charts(analysis),
            unmatched=unmatched_lines(analysis),
        )
    )


def cost_table(analysis: Analysis) -> Table:
    """Return the operators that round, those first that cost most."""
    rows = []
    for operator in analysis.ranked:
        effect = operator.effect
        if effect is None:
            continue
        rows.append(
            (
                printable(operator.layer),
                operator.kind,
                decibel_text(operator.accumulated.sqnr_db),
                f"{operator.accumulated.cosine:.5f}",
                decibel_text(effect.sqnr_db),
                _millinats(effect.alone),
                _millinats(effect.constants),
                _millinats(effect.output),
                percent(effect.alone.agreement, 1),
                _millinats(effect.without),
                percent(analysis.explained(operator), 0),
            )
        )
    columns = (
        "layer",
        "operator",
        "SQNR, dB",
        "cosine",
        "own SQNR, dB",
        "divergence alone",
        "of weights",
        "of output",
        "agreement alone",
        "without it",
        "explains",
    )
    note = (
        "SQNR and cosine: as the int8 model runs, with the error of all layers before. Own and "
        "alone: nothing else rounds. Without it: everything else rounds. Divergence: mean "
        "Kullback-Leibler divergence from the float model's scores, in millinats."
    )
    return Table("What each layer costs", columns, tuple(rows), frozenset({0, 1}), note)


def range_table(analysis: Analysis) -> Table:
    """Return how each operator's output and weights fit their codes, in the graph's order."""
    columns = (
        "layer",
        "operator",
        "scale",
        "zero point",
        "mean error, steps",
        "saturated low",
        "saturated high",
        "range used",
        "99.9 % of values",
        "narrow channels",
        "dead channels",
        "largest weight error",
        "worst channel, dB",
        "weights to zero",
    )
    note = (
        "Saturated: beyond the range by more than half a step. Range used: from the lowest to the "
        "highest code; the next column leaves out zeros and the outermost 0.1 %. Narrow: channels "
        "that use less than 16 of the 255 steps. Weights: by output channel."
    )
    rows = tuple(map(_range_row, analysis.operators))
    return Table("How the values fit their codes", columns, rows, frozenset({0, 1}), note)


def _range_row(operator: OperatorError) -> tuple[str, ...]:
    found, weights = operator.accumulated, operator.accumulated.weights
    return (
        printable(operator.layer),
        operator.kind,
        f"{found.scale:.5g}",
        str(found.zero_point),
        f"{found.mean_error / found.scale:+.3f}",
        percent(found.saturated_low),
        percent(found.saturated_high),
        percent(found.range_used, 0),
        percent(found.typical_range, 0),
        percent(found.narrow_channels, 0),
        percent(found.dead_channels, 0),
        "-" if weights is None else f"{weights.largest:.3g}",
        "-" if weights is None else decibel_text(weights.worst_channel_db),
        "-" if weights is None else percent(weights.zeroed, 1),
    )


def unmatched_lines(analysis: Analysis) -> list[str]:
    """Return a line for each operator that could not be compared."""
    return [f"Not compared: {printable(sentence)}." for sentence in analysis.unmatched]


def _whole(analysis: Analysis) -> str:
    return (
        f"The int8 model: {percent(analysis.answers.agreement, 1)} agreement with the float model, "
        f"divergence {_millinats(analysis.answers)} millinats; the float model with all of this "
        f"rounding: {_millinats(analysis.simulated)}."
    )


def _millinats(answers: Answers) -> str:
    return significant(1000.0 * answers.divergence)
