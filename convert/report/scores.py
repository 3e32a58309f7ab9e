"""How far scores can be trusted, as tables and sentences."""

from __future__ import annotations

from collections.abc import Sequence

from convert.int8.comparison import Comparison
from convert.report.tables import Table
from convert.report.text import percent, table
from convert.scores.finish import Scores
from convert.scores.reliability import BINS, Reliability
from convert.scores.threshold import Coverage, coverage_at

_COLUMNS = (
    "pictures",
    "model",
    "mean score",
    "right",
    "ECE",
    "adaptive ECE",
    "by chance",
    "Brier score",
)
_NOTE = (
    f"ECE: expected calibration error, mean distance of score and share of right answers over "
    f"{BINS} bins of equal width (adaptive: of equal count); by chance: what scores that are "
    "exactly right would show on so many pictures"
)


def scores_table(comparisons: Sequence[Comparison], *, precision: str = "int8") -> Table:
    """Return the calibration of both models on each set of pictures.

    Args:
        comparisons: those without scores get no row.
        precision: what was compiled to.
    """
    rows = [
        (f"{c.dataset}, {c.split}", name, *_figures(found))
        for c in comparisons
        for name, found in (("float32", c.reference_reliability), (precision, c.target_reliability))
        if found is not None
    ]
    return Table("Scores against the truth", _COLUMNS, tuple(rows), frozenset({0, 1}), _NOTE)


def threshold_table(comparisons: Sequence[Comparison], threshold: float) -> Table:
    """Return what a threshold does to the compiled model's answers on each set of pictures."""
    rows = [_coverage_row(c, accepted_at(c, threshold)) for c in comparisons if _has_scores(c)]
    columns = ("pictures", "count", "accepted", "of them right", "rejected", "of them right")
    title = f"Answers with a score of at least {threshold:g}"
    return Table(title, columns, tuple(rows))


def accepted_at(comparison: Comparison, threshold: float) -> Coverage:
    """Count which of the compiled model's answers a threshold accepts."""
    right = comparison.target == comparison.true
    return coverage_at(threshold, comparison.target_confidence, right)


def scores_text(
    comparisons: Sequence[Comparison], scores: Scores, *, precision: str = "int8"
) -> str:
    """The scores' calibration, temperature, threshold and resolution as text."""
    found = scores_table(comparisons, precision=precision)
    lines = [table_text(found), ""]
    lines += [f"{name}: {sentence}" for name, sentence in score_sentences(scores)]
    threshold = scores.threshold.value
    if threshold is not None:
        lines += ["", table_text(threshold_table(comparisons, threshold))]
    return "\n".join(lines)


def table_text(found: Table) -> str:
    """A table as text; its caption stands above its first column, its note below."""
    text = table((found.caption, *found.columns[1:]), found.rows)
    return f"{text}\n{found.note}" if found.note else text


def score_sentences(scores: Scores) -> tuple[tuple[str, str], ...]:
    """Say what was done for the scores, each with a title."""
    return (
        ("temperature", _temperature(scores)),
        ("threshold", _threshold(scores)),
        ("resolution", scores.resolution.sentence),
    )


def _temperature(scores: Scores) -> str:
    fitted = scores.finished.temperature
    if fitted is None:
        return "none fitted (--temperature fit makes scores probabilities)"
    where = "in the last layer's weights" if scores.finished.is_folded else "in the manifest"
    return (
        f"{fitted.value:.3f} ± {fitted.standard_error:.3f}, fitted on {fitted.count:,} validation "
        f"pictures, {where}; negative log-likelihood of the float model {fitted.loss_before:.4f} "
        f"before, {fitted.loss:.4f} with it"
    )


def _threshold(scores: Scores) -> str:
    found = scores.threshold
    asked = f"{100 * found.accept_accuracy:g} % right answers"
    if found.value is None:
        return f"none promises {asked} on these validation pictures"
    stored = "stored" if scores.is_stored else "not stored (--accept-accuracy stores one)"
    return f"{found.value:g} for {asked}: {found.rule}; {stored}"


def _figures(found: Reliability) -> tuple[str, ...]:
    return (
        percent(found.confidence),
        percent(found.accuracy),
        percent(found.error),
        percent(found.adaptive_error),
        percent(found.chance),
        f"{found.brier:.4f}",
    )


def _coverage_row(comparison: Comparison, found: Coverage) -> tuple[str, ...]:
    rejected = found.count - found.accepted
    right = int((comparison.target == comparison.true).sum()) - found.right
    return (
        f"{comparison.dataset}, {comparison.split}",
        f"{found.count:,}",
        percent(found.coverage),
        percent(found.accuracy),
        percent(rejected / found.count),
        percent(right / rejected) if rejected else "-",
    )


def _has_scores(comparison: Comparison) -> bool:
    return comparison.target_scores is not None
