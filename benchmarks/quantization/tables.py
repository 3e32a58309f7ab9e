"""The tables of the page: candidates run, figures turned into rows, claims held."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from statistics import fmean

from benchmarks.quantization.subject import CALIBRATION_COUNT, FIRST, Split, Subject
from convert.int8.comparison import Comparison
from convert.int8.paired import mcnemar_p
from convert.report.tables import Table
from convert.report.text import percent, probability, significant
from convert.search.fidelity import Fidelity
from convert.search.method import EQUALIZATIONS, PLAIN, Candidate, Method
from convert.search.plan import COUNTS, PERCENTILES, SEEDS
from convert.search.report import search_table, step_text

LEAST_AGREEMENT = 0.99
LARGEST_MEAN_DROP = 0.0015
SIGNIFICANCE = 0.05
LEAST_PLANTED_LOSS = 0.02
LEAST_WON_BACK = 0.8

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Outcome:
    """Tables and, for each claim that does not hold, a sentence."""

    tables: tuple[Table, ...]
    failures: tuple[str, ...] = ()


def methods() -> list[Method]:
    """Every method alone, then together."""
    ranges = [PLAIN, *(Method("percentile", p) for p in PERCENTILES), Method("mse")]
    alone = [*(Method(equalize=what) for what in EQUALIZATIONS), Method(bias_correction=True)]
    return [
        *ranges,
        *alone,
        Method("mse", equalize="both"),
        Method("mse", bias_correction=True),
        Method(equalize="both", bias_correction=True),
        Method("mse", equalize="both", bias_correction=True),
    ]


def methods_outcome(subject: Subject, say: Say) -> Outcome:
    """Every method on all pictures; nothing is chosen by test pictures."""
    splits: list[Split] = [split for split in ("validation", "test") if split in subject.pictures]
    columns = ["method", "divergence, millinats", "cross-entropy, nats"]
    for split in splits:
        columns += [f"agreement, {split}", f"drop, {split}", f"p, {split}"]
    rows = []
    for method in methods():
        say(f"methods: {method.title}")
        candidate = Candidate(method, CALIBRATION_COUNT, None)
        found = {split: subject.fidelity(candidate, split) for split in splits}
        first = found["validation"]
        cells = [significant(1000 * first.divergence), f"{first.cross_entropy:.4f}"]
        for split in splits:
            cells += _answers(found[split])
        rows.append((method.title, *cells))
    counts = ", ".join(f"{len(subject.pictures[split]):,} {split}" for split in splits)
    note = (
        f"{counts} pictures; {CALIBRATION_COUNT} calibration pictures, the same for all. "
        "Divergence: mean Kullback-Leibler divergence from the float model's scores, on validation "
        "pictures, as is the cross-entropy with the true classes. Drop: float minus int8 accuracy, "
        "in points. p: exact McNemar test of no difference."
    )
    return Outcome((Table("Methods alone and together", tuple(columns), tuple(rows), note=note),))


def seeds_outcome(subject: Subject, found: Method, say: Say) -> Outcome:
    """The deployed files of three draws of calibration pictures, on the split that is reported."""
    split: Split = "test" if "test" in subject.pictures else "validation"
    rows, failures = [], []
    for method in dict.fromkeys((PLAIN, found)):
        comparisons = []
        for seed in SEEDS:
            say(f"seeds: {method.title}, seed {seed}")
            candidate = Candidate(method, CALIBRATION_COUNT, seed)
            comparisons.append(subject.comparison(candidate, split))
            rows.append((f"{method.title}, seed {seed}", *_comparison(comparisons[-1])))
        mean = fmean(comparison.drop for comparison in comparisons)
        rows.append((f"{method.title}, mean", "", f"{100 * mean:+.3f}", "", ""))
        failures += _broken_claims(method, comparisons, mean)
    columns = ("method", "agreement", "drop, points", "95 % interval", "p")
    note = (
        f"{len(subject.pictures[split]):,} {split} pictures, {CALIBRATION_COUNT} calibration "
        "pictures drawn by each seed, the deployed uint8 file. Held to: agreement of at least "
        f"{percent(LEAST_AGREEMENT, 1)}, a mean drop of at most {100 * LARGEST_MEAN_DROP:.2f} "
        "points, no significant difference (p of at least 0.05)."
    )
    table = Table("Three draws of calibration pictures", columns, tuple(rows), note=note)
    return Outcome((table,), tuple(failures))


def counts_outcome(subject: Subject, found: Method, say: Say) -> Outcome:
    """How many calibration pictures are enough, and how far draws are apart."""
    kept = [count for count in COUNTS if count < len(subject.train)]
    rows = []
    for method in dict.fromkeys((PLAIN, found)):
        for count in kept:
            say(f"pictures: {method.title}, {count}")
            results = [
                subject.fidelity(Candidate(method, count, seed), "validation")
                for seed in (None, *SEEDS)
            ]
            divergences = [1000 * result.divergence for result in results]
            agreements = [result.agreement for result in results]
            rows.append(
                (
                    method.title,
                    f"{count:,}",
                    *map(significant, (divergences[0], min(divergences), max(divergences))),
                    f"{percent(min(agreements))} to {percent(max(agreements))}",
                )
            )
    columns = (
        "method",
        "pictures",
        "divergence, fixed choice",
        "lowest",
        "highest",
        "agreement",
    )
    note = (
        f"On {len(subject.pictures['validation']):,} validation pictures; the fixed choice and "
        f"{len(SEEDS)} random ones each, divergence in millinats."
    )
    return Outcome((Table("Numbers of calibration pictures", columns, tuple(rows), note=note),))


def search_outcome(subject: Subject, budget_s: float, say: Say) -> tuple[Outcome, Method]:
    """The search with its time, and what its choice comes to on test pictures."""
    found, seconds = subject.search(budget_s, lambda step: say(f"search: {step_text(step)}"))
    chosen = found.chosen.candidate
    table = search_table(found, f"Search, {seconds:.0f} s of at most {budget_s:.0f} s")
    rows = []
    for candidate in dict.fromkeys((FIRST, chosen)):
        for split in subject.pictures:
            say(f"search: {candidate.title} on {split} pictures")
            comparison = subject.comparison(candidate, split)
            title = f"{candidate.title}: {split}"
            rows.append((title, f"{comparison.count:,}", *_comparison(comparison)))
    columns = ("file", "pictures", "agreement", "drop, points", "95 % interval", "p")
    deployed = Table("Plain and chosen, the deployed files", columns, tuple(rows))
    return Outcome((table, deployed), _overspent(seconds, budget_s)), chosen.method


def hard_outcome(hard: Subject, title: str, budget_s: float, say: Say) -> Outcome:
    """What plain min-max loses on a model that was made hard, and what the search wins back."""
    found, seconds = hard.search(budget_s, lambda step: say(f"hard: {step_text(step)}"))
    plain, chosen = (
        hard.comparison(candidate, "validation") for candidate in (FIRST, found.chosen.candidate)
    )
    back = (plain.drop - chosen.drop) / plain.drop if plain.drop > 0 else 0.0
    rows = (
        (FIRST.title, *_comparison(plain), "-"),
        (found.chosen.candidate.title, *_comparison(chosen), percent(back, 1)),
    )
    columns = ("file", "agreement", "drop, points", "95 % interval", "p", "won back")
    note = (
        f"{title}. {plain.count:,} validation pictures, the deployed files; the search took "
        f"{seconds:.0f} s of at most {budget_s:.0f} s."
    )
    failures = list(_overspent(seconds, budget_s))
    if plain.drop < LEAST_PLANTED_LOSS:
        failures.append(f"hard model: expected a loss of 2 points, got {100 * plain.drop:.2f}")
    if back < LEAST_WON_BACK:
        failures.append(f"hard model: expected 80 % won back, got {percent(back, 1)}")
    tables = (
        Table("The hard model", columns, rows, note=note),
        search_table(found, "The hard model's search"),
    )
    return Outcome(tables, tuple(failures))


def _answers(found: Fidelity) -> list[str]:
    right, expected = found.answers == found.true, found.reference == found.true
    p = mcnemar_p(int((expected & ~right).sum()), int((right & ~expected).sum()))
    return [percent(found.agreement), f"{100 * found.drop:+.2f}", probability(p)]


def _comparison(comparison: Comparison) -> tuple[str, ...]:
    interval = comparison.interval
    return (
        percent(comparison.agreement),
        f"{100 * comparison.drop:+.2f}",
        f"{100 * interval.low:+.2f} to {100 * interval.high:+.2f}",
        probability(comparison.p_value),
    )


def _broken_claims(
    method: Method, comparisons: Iterable[Comparison], mean_drop: float
) -> Iterable[str]:
    for seed, comparison in zip(SEEDS, comparisons, strict=True):
        if comparison.agreement < LEAST_AGREEMENT:
            yield f"{method.title}, seed {seed}: agreement {percent(comparison.agreement)}"
        # Of either sign: a gain that is no accident is a difference from the float model, too.
        if comparison.p_value < SIGNIFICANCE:
            p = probability(comparison.p_value)
            yield f"{method.title}, seed {seed}: a significant difference, p {p}"
    if mean_drop > LARGEST_MEAN_DROP:
        yield f"{method.title}: a mean drop of {100 * mean_drop:.3f} points"


def _overspent(seconds: float, budget_s: float) -> tuple[str, ...]:
    if seconds <= budget_s:
        return ()
    return (f"a search took {seconds:.0f} s, its budget was {budget_s:.0f} s",)
