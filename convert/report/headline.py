"""The few figures that a reader should not have to look for."""

from __future__ import annotations

from dataclasses import dataclass

from convert.report.candidates import Candidate, candidates, own_candidate
from convert.report.quantities import modelled_text
from convert.report.results import Results
from convert.report.sources import NOT_AN_ARM_TIME, is_invalid
from convert.report.text import millions, percent, size, times


@dataclass(frozen=True, slots=True)
class Tile:
    """One figure in large type, with what it is above it and what it compares with below."""

    title: str
    value: str
    below: str


def tiles(results: Results) -> tuple[Tile, ...]:
    """Return the tiles that there are measurements for."""
    found = candidates(results)
    int8, float32 = own_candidate(found, "int8"), own_candidate(found, "float32")
    if int8 is None:
        return ()
    made = [_accuracy(int8, float32), _size(int8, float32)]
    made += [_board(results, board, int8, float32) for board in int8.runs]
    made += [_host(results, int8, float32)]
    return tuple(tile for tile in made if tile is not None)


def _accuracy(int8: Candidate, float32: Candidate | None) -> Tile | None:
    if int8.accuracy is None:
        return None
    below = f"top-1, {int8.accuracy.count:,} pictures"
    if float32 is not None and float32.accuracy is not None:
        # No break before the sign: the tile is narrow.
        below += f"; float32 {percent(float32.accuracy.top1)}".replace(" %", "\u00a0%")
    return Tile("Accuracy, int8", percent(int8.accuracy.top1), below)


def _size(int8: Candidate, float32: Candidate | None) -> Tile:
    below = "" if float32 is None else f"float32 {size(float32.size_bytes)}"
    return Tile("Model file, int8", size(int8.size_bytes), below)


def _board(results: Results, board: str, int8: Candidate, float32: Candidate | None) -> Tile | None:
    run = int8.runs[board]
    if results.arm is None:
        return None
    below = []
    if run.modelled is not None:
        below.append(f"modelled {modelled_text(run.modelled)}")
    if float32 is not None and board in float32.runs:
        share = run.steady / float32.runs[board].steady
        below.append(f"{times(share)} of float32")
    title = f"{results.arm.board_title(board)}, emulated"
    return Tile(title, f"{millions(run.steady)} M", "; ".join(["instructions a picture", *below]))


def _host(results: Results, int8: Candidate, float32: Candidate | None) -> Tile | None:
    if float32 is None or float32.ratio is None or int8.ratio is None:
        return None
    kinds = [side.ratio_kind for side in (int8, float32) if side.ratio_kind is not None]
    verdict = "; INVALID RUN" if any(is_invalid(results, kind) for kind in kinds) else ""
    return Tile(
        "x86-64, int8 over float32",
        times(int8.ratio / float32.ratio),
        f"of the time; {NOT_AN_ARM_TIME}{verdict}",
    )
