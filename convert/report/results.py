"""Result files to one value: what was measured, by which command, when and where."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from convert.report.answers_results import Answers
from convert.report.arm_results import Arm, Validation
from convert.report.bench_results import Bench, Entry, Peers
from convert.report.decoding import ResultError, decode, read_object, refuse

SCHEMA = 1

Document = Bench | Peers | Answers | Arm | Validation
_KINDS: dict[str, type[Bench] | type[Peers] | type[Answers] | type[Arm] | type[Validation]] = {
    "bench": Bench,
    "peers": Peers,
    "answers": Answers,
    "arm": Arm,
    "validation": Validation,
}
_D = TypeVar("_D", Bench, Peers, Answers, Arm, Validation)


@dataclass(frozen=True, slots=True)
class Results:
    """All that a report is made of; None and () are what was not measured.

    Attributes:
        benches: one run per machine, in the order in which they were named.
        peers: our models beside other engines and models.
        answers: confusion matrices and the pictures that flipped.
        arm: instruction counts and modelled times of emulated boards.
        validation: modelled against published times, from a file of its own or else from `arm`.
    """

    benches: tuple[Bench, ...]
    peers: Peers | None
    answers: Answers | None
    arm: Arm | None
    validation: Validation | None

    @property
    def host(self) -> Bench | None:
        """The first machine that is no ARM board: the one that ratios on x86-64 come from."""
        return next((bench for bench in self.benches if not bench.machine.is_arm), None)

    @property
    def reference(self) -> Entry | None:
        """The entry that all ratios are to, or None where nothing was timed."""
        entries = [entry for bench in self.benches for entry in bench.entries]
        if self.peers is not None:
            entries += self.peers.entries
        return next((entry for entry in entries if entry.is_reference), None)


def read_document(path: Path) -> Document:
    """Read one result file of any kind.

    Raises:
        ResultError: the schema version or the kind is unknown, a field is missing, of another
            type, or contradicts another one.
        OSError: the file cannot be read.
    """
    value = read_object(path)
    if "schema" not in value and "kind" not in value and "median_factor" in value:
        # The object "validation" of the kind "arm", as the command that makes it writes it.
        value |= {"schema": SCHEMA, "kind": "validation"}
    for key in ("schema", "kind"):
        if key not in value:
            raise ResultError(f"{path}: {key}: expected a field of this name, got none")
    if value["schema"] != SCHEMA or isinstance(value["schema"], bool):
        refuse(str(path), "schema", str(SCHEMA), value["schema"])
    kind = value["kind"]
    if not isinstance(kind, str) or kind not in _KINDS:
        refuse(str(path), "kind", f"one of {', '.join(_KINDS)}", kind)
    document: Document = decode(_KINDS[kind], value, where=str(path))
    document.check(str(path))
    return document


def read_results(paths: Iterable[Path]) -> Results:
    """Read result files and put them together.

    Raises:
        ResultError: a file is refused, or two files are of a kind of which there can be one.
        OSError: a file cannot be read.
    """
    return merge([(path, read_document(path)) for path in paths])


def merge(documents: Iterable[tuple[Path, Document]]) -> Results:
    """Put documents together; each comes with the file that it was read from.

    Raises:
        ResultError: two documents are of a kind of which there can be one.
    """
    found = list(documents)
    arm = _only(Arm, "arm", found)
    return Results(
        tuple(document for _, document in found if isinstance(document, Bench)),
        _only(Peers, "peers", found),
        _only(Answers, "answers", found),
        arm,
        _only(Validation, "validation", found) or (arm.validation if arm is not None else None),
    )


def _only(kind: type[_D], name: str, documents: list[tuple[Path, Document]]) -> _D | None:
    of_kind = [(path, document) for path, document in documents if isinstance(document, kind)]
    if len(of_kind) > 1:
        paths = " and ".join(str(path) for path, _ in of_kind)
        raise ResultError(f"{paths}: expected one file of kind {name}, got {len(of_kind)}")
    return of_kind[0][1] if of_kind else None
