"""The card: what int8 costs and saves against the float model, one line per figure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from convert.report.arm_results import ArmRun
from convert.report.bench_results import Bench, Entry
from convert.report.candidates import (
    PI_NUMBERS,
    Candidate,
    Kind,
    candidates,
    entry_key,
    invoke,
    latency,
    own_candidate,
)
from convert.report.quantities import error_text, interval_text
from convert.report.results import Results
from convert.report.sources import NOT_AN_ARM_TIME, not_measured, source_number
from convert.report.text import millions, milliseconds, size, times


@dataclass(frozen=True, slots=True)
class CardRow:
    """One figure of both models.

    Attributes:
        name: what it is, with its unit where the cells have none.
        int8: the int8 model's figure.
        float32: the float model's figure.
        comparison: int8 against float32.
        source: number of the source; None where nothing was measured.
        missing: what to run where nothing was measured; else empty.
        is_time: it is a time that a clock measured: a machine that did not keep still spoils it.
    """

    name: str
    int8: str
    float32: str
    comparison: str
    source: int | None
    missing: str = ""
    is_time: bool = False


@dataclass(frozen=True, slots=True)
class _Pair:
    """Both models, of which either may be unmeasured."""

    results: Results
    int8: Candidate | None
    float32: Candidate | None

    def row(
        self,
        name: str,
        kind: Kind,
        value: Callable[[Candidate], float | None],
        show: Callable[[float], str],
    ) -> CardRow:
        """Return the row of one number; `value` gives it, `show` writes it."""
        numbers = [value(side) if side is not None else None for side in (self.int8, self.float32)]
        if numbers == [None, None]:
            return CardRow(name, "-", "-", "-", None, not_measured(kind))
        int8, float32 = numbers
        ratio = int8 / float32 if int8 is not None and float32 else None
        left, right = ("-" if number is None else show(number) for number in numbers)
        return CardRow(name, left, right, times(ratio), source_number(self.results, kind))


def card(results: Results) -> tuple[CardRow, ...]:
    """Return all lines of the card; a line that nothing was measured for says what to run."""
    found = candidates(results)
    pair = _Pair(results, own_candidate(found, "int8"), own_candidate(found, "float32"))
    return (_accuracy_row(pair), _size_row(pair), *_arm_rows(pair), *_host_rows(pair))


def _accuracy_row(pair: _Pair) -> CardRow:
    sides = [side.accuracy if side is not None else None for side in (pair.int8, pair.float32)]
    int8, float32 = sides
    basis = int8 or float32
    if basis is None:
        return CardRow("Top-1 accuracy", "-", "-", "-", None, not_measured("answers"))
    name = f"Top-1 accuracy, {basis.dataset} {basis.split}, {basis.count:,} pictures, 95 % interval"
    drop = "-"
    if int8 is not None and float32 is not None and int8.count == float32.count:
        drop = f"{100 * (int8.top1 - float32.top1):+.2f} points"
    measured = pair.int8 if int8 is not None else pair.float32
    kind = measured.accuracy_kind if measured is not None else None
    return CardRow(
        name,
        interval_text(int8),
        interval_text(float32),
        drop,
        source_number(pair.results, kind) if kind is not None else None,
    )


def _size_row(pair: _Pair) -> CardRow:
    kind: Kind = "bench"
    if not pair.results.benches:
        kind = "peers" if pair.results.peers is not None else "arm"
    return pair.row("Model file", kind, lambda side: side.size_bytes, lambda n: size(int(n)))


def _arm_rows(pair: _Pair) -> list[CardRow]:
    arm, text = pair.results.arm, not_measured("arm")
    if arm is None:
        names = ("Instructions a picture, Pi 3, 4, 5", "Modelled time, Pi 3, 4, 5")
        return [CardRow(name, "-", "-", "-", None, text) for name in names]
    rows = []
    for board, profile in arm.boards.items():
        of_board = _BoardRows(pair, board, profile.title)
        rows += [of_board.instructions(), of_board.modelled()]
    for board, profile in arm.boards.items():
        of_board = _BoardRows(pair, board, profile.title)
        rows += [of_board.cold_start(), of_board.classify()]
    absent = [
        CardRow(f"Instructions and modelled time, Raspberry Pi {number}", "-", "-", "-", None, text)
        for board, number in PI_NUMBERS.items()
        if board not in arm.boards
    ]
    return [*(row for row in rows if row is not None), *absent]


@dataclass(frozen=True, slots=True)
class _BoardRows:
    pair: _Pair
    board: str
    title: str

    def _row(
        self, name: str, value: Callable[[ArmRun], float | None], show: Callable[[float], str]
    ) -> CardRow | None:
        """Return a row, or None where this board has no such figure (32-bit boards lack some)."""

        def of_side(side: Candidate) -> float | None:
            run = side.runs.get(self.board)
            return None if run is None else value(run)

        row = self.pair.row(f"{name}, {self.title}", "arm", of_side, show)
        return None if row.missing else row

    def instructions(self) -> CardRow | None:
        return self._row(
            "Instructions a picture", lambda run: run.steady, lambda n: f"{millions(n)} M"
        )

    def modelled(self) -> CardRow | None:
        known = [
            run.modelled
            for side in (self.pair.int8, self.pair.float32)
            if side is not None and (run := side.runs.get(self.board)) and run.modelled
        ]
        if not known and self.board in PI_NUMBERS:
            name = f"Modelled time, {self.title}"
            return CardRow(name, "-", "-", "-", None, not_measured("arm"))
        error = f" ({error_text(known)})"
        return self._row(
            "Modelled time",
            lambda run: run.modelled.ms if run.modelled else None,
            lambda n: milliseconds(n) + error,
        )

    def cold_start(self) -> CardRow | None:
        return self._row(
            "Cold start to the first answer",
            lambda run: run.cold_start,
            lambda n: f"{millions(n)} M instructions",
        )

    def classify(self) -> CardRow | None:
        row = self._row(
            "classify over a bare inference, instructions",
            lambda run: run.classify / run.steady if run.classify is not None else None,
            lambda n: f"{n:.3f}×",
        )
        return None if row is None else replace(row, comparison="-")  # a ratio of ratios


def _host_rows(pair: _Pair) -> list[CardRow]:
    benches = pair.results.benches
    if not any(not bench.machine.is_arm for bench in benches):
        names = ("Inference, classify and cold start", "Resident memory")
        missing = [CardRow(name, "-", "-", "-", None, not_measured("bench")) for name in names]
        return missing + [row for bench in benches for row in _bench_rows(pair, bench)]
    return [row for bench in benches for row in _bench_rows(pair, bench)]


def _bench_rows(pair: _Pair, bench: Bench) -> list[CardRow]:
    entries = {entry_key(entry): entry for entry in bench.entries}
    number = pair.results.benches.index(bench) + 1
    where = bench.board if bench.machine.is_arm else f"{bench.board}, {NOT_AN_ARM_TIME}"

    def row(
        name: str,
        value: Callable[[Entry], float | None],
        show: Callable[[float], str] = milliseconds,
    ) -> CardRow:
        def of_side(side: Candidate) -> float | None:
            return value(entries[side.key]) if side.key in entries else None

        made = pair.row(name, "bench", of_side, show)
        return replace(made, source=number, is_time=show is milliseconds)

    rows = (
        row(f"Inference, median, {where}", lambda e: _median(e, "invoke")),
        row(f"classify, median, {where}", lambda e: _median(e, "classify-array")),
        row(f"Cold start, median, {where}", _cold_start),
        row(
            f"Peak resident memory, {bench.board}",
            lambda e: e.memory.peak_rss_bytes if e.memory else None,
            lambda n: size(int(n)),
        ),
        row(
            f"Steady resident memory, {bench.board}",
            lambda e: e.memory.steady_rss_bytes if e.memory else None,
            lambda n: size(int(n)),
        ),
    )
    return [made for made in rows if not made.missing]


def _cold_start(entry: Entry) -> float | None:
    return entry.cold_start.total_ms.p50 if entry.cold_start is not None else None


def _median(entry: Entry, case: str) -> float | None:
    found = invoke(entry) if case == "invoke" else latency(entry, case, 1, 1)
    return found.p50_ms if found is not None else None
