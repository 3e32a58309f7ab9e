"""The page about one compilation: may the compiled model replace the float model, and why."""

from __future__ import annotations

from convert.int8.audit import Audit
from convert.int8.comparison import Comparison
from convert.int8.compilation import Compiled
from convert.report.environment import report_environment
from convert.report.flips import Flip
from convert.report.headline import Tile
from convert.report.mistakes import picture_thumbnail
from convert.report.quantization import class_columns, class_rows, class_sentence, end_text
from convert.report.score_charts import ScoreChart, coverage_chart, reliability_chart
from convert.report.scores import score_sentences, scores_table, threshold_table
from convert.report.tables import Table
from convert.report.text import percent, probability, size
from convert.scores.threshold import coverage_curve
from convert.search.report import calibration_sentence, recorded_table

_TITLES = {
    "pass": "The compiled model may replace the float model",
    "fail": "REFUSED: the compiled model is worse than is allowed",
    "not-enough": "There are too few pictures to be sure about the compiled model",
}


def verdict_page(compiled: Compiled, *, name: str) -> str:
    """Return the page as an HTML document without scripts; every name is escaped.

    Args:
        compiled: what `compile_model` returned.
        name: of the model.
    """
    comparisons, scores = compiled.comparisons, compiled.scores
    threshold = None if scores is None else scores.threshold.value
    calibration = compiled.calibration
    search = calibration.get("search")
    return (
        report_environment()
        .get_template("verdict.html.j2")
        .render(
            name=name,
            precision=compiled.precision,
            title=_TITLES[compiled.verdict.status],
            reason=compiled.verdict.reason,
            advice=compiled.advice,
            refused=compiled.verdict.status == "fail",
            warnings=compiled.warnings,
            tiles=_tiles(compiled),
            accuracy=_accuracy_table(compiled),
            per_class=[_class_table(c, compiled.precision) for c in comparisons],
            classes=[(c.split, class_sentence(c)) for c in comparisons],
            scores=scores_table(comparisons, precision=compiled.precision),
            sentences=() if scores is None else score_sentences(scores),
            charts=_charts(compiled),
            accepted=None if threshold is None else threshold_table(comparisons, threshold),
            calibration=calibration_sentence(calibration) if calibration else None,
            search=None if search is None else recorded_table(search),
            flips=[(flip, _picture(flip)) for flip in compiled.flips],
            flip_count=len(comparisons[0].flips),
            count=comparisons[0].count,
            audit=_audit_table(compiled.audit),
            ends=_ends_table(compiled.audit),
        )
    )


def _picture(flip: Flip) -> object:
    return picture_thumbnail(flip.image, flip.name)


def _tiles(compiled: Compiled) -> tuple[Tile, ...]:
    shown, precision = compiled.comparisons[-1], compiled.precision
    below = f"{shown.split}, {shown.count:,} pictures"
    tiles = [
        Tile(f"Accuracy, {precision}", percent(shown.target_top1), below),
        Tile("Accuracy, float32", percent(shown.reference_top1), "on the same pictures"),
        Tile("Same answer", percent(shown.agreement), "from both, right or wrong"),
    ]
    found = shown.target_reliability
    if found is not None:
        chance = f"{precision}, {shown.split}; {percent(found.chance)} would be chance"
        tiles.append(Tile("Calibration error", percent(found.error), chance))
    below = f"flatbuffer, TensorFlow Lite {compiled.audit.minimum_runtime} or newer"
    return (*tiles, Tile("Size", size(compiled.audit.size_bytes), below))


def _accuracy_table(compiled: Compiled) -> Table:
    columns = (
        "pictures",
        "count",
        "float32",
        compiled.precision,
        "drop, points",
        "95 % interval",
        "lost",
        "gained",
        "p",
        "same answer",
    )
    rows = tuple(
        (
            f"{c.dataset}, {c.split}",
            f"{c.count:,}",
            percent(c.reference_top1),
            percent(c.target_top1),
            f"{100 * c.drop:+.2f}",
            f"{100 * c.interval.low:+.2f} to {100 * c.interval.high:+.2f}",
            str(c.losses),
            str(c.gains),
            probability(c.p_value),
            percent(c.agreement),
        )
        for c in compiled.comparisons
    )
    note = (
        "Lost: only the float model is right; gained: only the compiled one. Interval: Tango's "
        "score interval for paired answers; p: exact McNemar test of no difference. The gate "
        "decides by the validation pictures; nothing was decided by the test pictures."
    )
    return Table("Accuracy", columns, rows, note=note)


def _class_table(comparison: Comparison, precision: str) -> Table:
    rows = tuple(map(tuple, class_rows(comparison)))
    columns = ("class", *class_columns(precision))
    return Table(f"Classes, {comparison.split} pictures", columns, rows)


def _charts(compiled: Compiled) -> tuple[ScoreChart, ...]:
    shown = compiled.comparisons[0]
    reference, target = shown.reference_reliability, shown.target_reliability
    if compiled.scores is None or reference is None or target is None:
        return ()
    curves = [
        (
            f"{compiled.precision}, {c.split}",
            "int8" if c is shown else "engine",
            coverage_curve(c.target_confidence, c.target == c.true),
        )
        for c in compiled.comparisons
    ]
    return (
        reliability_chart(
            f"Do scores come true? {shown.split.capitalize()} pictures",
            reference,
            target,
            precision=compiled.precision,
        ),
        coverage_chart(
            "What a threshold costs and brings", curves, chosen=compiled.scores.threshold.on
        ),
    )


def _audit_table(audit: Audit) -> Table:
    rows = tuple((op.name, str(op.version), str(op.count)) for op in audit.operators)
    note = (
        f"{audit.macs / 1e6:.2f} million multiply-adds a picture, {audit.size_bytes:,} bytes, runs "
        f"on TensorFlow Lite {audit.minimum_runtime} or newer."
    )
    return Table("Operators", ("operator", "version", "count"), rows, note=note)


def _ends_table(audit: Audit) -> Table:
    rows = (("input", end_text(audit.input)), ("output", end_text(audit.output)))
    return Table("Ends of the graph", ("", "tensor"), rows, frozenset({0, 1}))
