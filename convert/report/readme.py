"""The README's one table, and its place between two markers."""

from __future__ import annotations

from collections.abc import Sequence

from convert.report.arm_results import Arm, ArmRun, Validation
from convert.report.candidates import PI_NUMBERS, Candidate, candidates, engine_title
from convert.report.decoding import ResultError
from convert.report.markdown import escape, rows_markdown
from convert.report.mixed_files import mixed_files
from convert.report.quantities import error_text
from convert.report.results import Results
from convert.report.sources import NOT_AN_ARM_TIME, invalid_reasons, not_measured
from convert.report.text import millions, percent, significant, size, times

BEGIN = "<!-- results:begin -->"
END = "<!-- results:end -->"


def readme_table(results: Results) -> str:
    """Return the README's table: one row per candidate, and below it where it is from.

    A result that is missing leaves "-" in its columns, and a sentence that names the command.
    """
    found = candidates(results)
    boards = _readme_boards(results)
    numbers = " / ".join(boards)
    pi = f"Pi {numbers}" if boards else "Pi 3 / 4 / 5"
    columns = [
        "model and engine",
        "accuracy",
        "file",
        f"M instructions, {pi}",
        f"modelled ms{_typical_error(results)}, {pi}",
        "x86-64 time",
        "cold start, x86-64",
        "steady RSS",
    ]
    rows = []
    for candidate in found:
        row = _readme_row(candidate, list(boards.values()))
        elsewhere = bool(candidate.runs) and candidate.runs.keys().isdisjoint(boards.values())
        # What ran on another board alone has nothing to say here but its name and size.
        if not (elsewhere and {row[1], *row[3:]} == {"-"}):
            rows.append(row)
    marks = [":--"] + ["--:"] * (len(columns) - 1)
    return "\n\n".join(
        [rows_markdown([columns, marks, *rows], escaped=marks), _readme_note(results)]
    )


def replace_section(text: str, table: str, *, where: str) -> str:
    """Return `text` with what stands between the README's two markers replaced by `table`.

    Raises:
        ResultError: the markers do not stand there once each, in their order.
    """
    return replace_between(text, (BEGIN, END), table, where=where)


def replace_between(text: str, markers: tuple[str, str], section: str, *, where: str) -> str:
    """Return `text` with what stands between two markers replaced.

    Raises:
        ResultError: the markers do not stand there once each, in their order.
    """
    begin, end = markers
    if text.count(begin) != 1 or text.count(end) != 1 or text.index(begin) > text.index(end):
        raise ResultError(f"{where}: expected {begin} and behind it {end}, once each")
    before, rest = text.split(begin)
    _, after = rest.split(end)
    return f"{before}{begin}\n{section}\n{end}{after}"


def _readme_boards(results: Results) -> dict[str, str]:
    """Return the number of each 64-bit board of the README and its key in the results."""
    if results.arm is None:
        return {}
    return {number: key for key, number in PI_NUMBERS.items() if key in results.arm.boards}


def _readme_row(candidate: Candidate, boards: Sequence[str]) -> list[str]:
    runs = [candidate.runs.get(board) for board in boards]
    accuracy = candidate.accuracy
    start, memory = candidate.cold_start, candidate.memory
    return [
        candidate.title_with_version,
        percent(accuracy.top1) if accuracy is not None else "-",
        size(candidate.size_bytes),
        _joined([millions(run.steady) if run is not None else "-" for run in runs]),
        _joined([_modelled(run) for run in runs]),
        times(candidate.ratio),
        f"{significant(start.total_ms.p50)} ms" if start is not None else "-",
        size(memory.steady_rss_bytes) if memory is not None else "-",
    ]


def _modelled(run: ArmRun | None) -> str:
    return "-" if run is None or run.modelled is None else significant(run.modelled.ms)


def _joined(cells: Sequence[str]) -> str:
    return "-" if set(cells) <= {"-"} else " / ".join(cells)


def _typical_error(results: Results) -> str:
    """Return the factor by which modelled times are typically off, for a column's title."""
    runs = results.arm.runs if results.arm else ()
    modelled = [run.modelled for run in runs if run.modelled is not None]
    return f" ({error_text(modelled)})" if modelled else ""


def _readme_note(results: Results) -> str:
    mixed = [f"**Different files**: {escape(sentence)}." for sentence in mixed_files(results)]
    sentences = [*mixed, _accuracy_sentence(results), *_arm_sentences(results.arm)]
    return " ".join([*sentences, *_host_sentences(results), *_peer_sentences(results)])


def _accuracy_sentence(results: Results) -> str:
    measured = [(c.title, c.accuracy.count) for c in candidates(results) if c.accuracy is not None]
    counts = {count for _, count in measured}
    if not counts:
        return f"Accuracy: {not_measured('answers')}."
    if len(counts) == 1:
        return f"Accuracy: top-1 on {counts.pop():,} test pictures."
    each = ", ".join(f"{count:,} ({title})" for title, count in measured)
    return f"Accuracy: top-1 on different numbers of test pictures: {each}."


def _arm_sentences(arm: Arm | None) -> list[str]:
    if arm is None:
        return [f"Instructions and modelled times: {not_measured('arm')}."]
    made = (
        "Instructions: executed by an emulated board, a cost and not a time. Modelled: from the "
        "core's scheduling model, off from published times of all engines by the factor behind ×÷ "
        "in the median "
        f"(`{_plain(arm.command)}`, {arm.date})."
    )
    made = " ".join([made, *_int8_ratios(arm.validation)])
    absent = [
        f"Pi {number}: {not_measured('arm')}."
        for board, number in PI_NUMBERS.items()
        if board not in arm.boards
    ]
    return [made, *absent, *_missing_runs(arm)]


def _int8_ratios(validation: Validation | None) -> list[str]:
    """Say which way modelled times are off for what the family is: int8 on LiteRT's XNNPACK."""
    ratios = sorted(
        row.published_ms / row.modelled_ms
        for row in (validation.rows if validation is not None else ())
        if row.precision == "int8" and "XNNPACK" in row.engine
    )
    if not ratios:
        return []
    bound = ": take what is modelled of those as a lower bound" if ratios[0] > 1.0 else ""
    return [
        f"Published times of int8 networks on LiteRT's XNNPACK ({len(ratios)}) are {ratios[0]:.2f} "
        f"to {ratios[-1]:.2f} times the modelled{bound}."
    ]


def _missing_runs(arm: Arm) -> list[str]:
    """Return one sentence per reason: the same engine is mostly missing on several boards."""
    boards: dict[tuple[str, str], list[str]] = {}
    for x in arm.missing:
        boards.setdefault((x.engine, x.reason), []).append(arm.board_title(x.board))
    return [
        escape(f"Not counted: {engine_title(engine)} on {', '.join(titles)} ({reason}).")
        for (engine, reason), titles in boards.items()
    ]


def _host_sentences(results: Results) -> list[str]:
    host = results.host
    if host is None:
        return [f"Cold start: {not_measured('bench')}."]
    command = _plain(host.command)
    made = [f"Cold start: {escape(host.board)}, {NOT_AN_ARM_TIME} (`{command}`, {host.date})."]
    if not host.machine.valid:
        made.append(f"**Invalid run**: {escape('; '.join(invalid_reasons(host)))}.")
    return made


def _peer_sentences(results: Results) -> list[str]:
    peers = results.peers
    if peers is None:
        return [f"Peers: {not_measured('peers')}."]
    made = (
        "x86-64 time and RSS: ratio of medians and a process of its own per engine, in one run, "
        f"{NOT_AN_ARM_TIME} (`{_plain(peers.command)}`, {peers.date})."
    )
    invalid = invalid_reasons(peers)
    verdict = [f"**Invalid run**: {escape('; '.join(invalid))}."] if invalid else []
    absent = [escape(f"Not measured: {x.engine} ({x.reason}).") for x in peers.missing]
    return [made, *verdict, *absent]


def _plain(command: str) -> str:
    return command.replace("`", "'")
