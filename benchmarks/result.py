"""What a command measured: its tables, its failures, where and when; as JSON and back."""

from __future__ import annotations

import dataclasses
import datetime
import hashlib
import json
import os
import shlex
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from convert.command import EXIT_DONE, EXIT_GATE_FAILED
from convert.report.tables import Table
from minivgg_edge.atomic import write_atomically
from minivgg_edge.measure.machine_state import ROOT
from minivgg_edge.measure.processor import board_title

SCHEMA = 1
KIND = "tables"


@dataclass(frozen=True, slots=True)
class Result:
    """One command's result.

    Attributes:
        name: of what was measured; also of its file.
        date: day of the run, ISO 8601.
        command: what was called.
        machine: what it ran on.
        tables: what was tried and what came of it.
        failures: one sentence for everything that went wrong; empty means passed.
        models: SHA-256 of each model file that was measured, by the model's name; empty where
            nothing depends on one, and in results from before it was stored.
    """

    name: str
    date: str
    command: str
    machine: str
    tables: tuple[Table, ...]
    failures: tuple[str, ...] = ()
    models: Mapping[str, str] = field(default_factory=dict)


def result_of(
    name: str,
    command: Sequence[str],
    tables: Iterable[Table],
    failures: Iterable[str] = (),
    *,
    models: Mapping[str, str] | None = None,
) -> Result:
    """Return the result of a command that ran on this machine today.

    Args:
        name: of what was measured.
        command: the words behind `python -m`, the module first.
        tables: what was tried and what came of it.
        failures: one sentence for everything that went wrong.
        models: see `Result`.
    """
    return Result(
        name,
        datetime.date.today().isoformat(),
        shlex.join(["python", "-m", *command]),
        machine_title(),
        tuple(tables),
        tuple(failures),
        dict(models or {}),
    )


def float_model_digest(path: Path) -> dict[str, str]:
    """Return the SHA-256 of a float model's file by the name of its folder, as `Result.models`."""
    return {path.resolve().parent.name: hashlib.sha256(path.read_bytes()).hexdigest()}


def conclude(result: Result, folder: Path, *, shown: int | None = None) -> int:
    """Write a result to a folder, say where and what failed, and return the exit code.

    Args:
        result: of the command.
        folder: made where it is missing.
        shown: print no more failures than this; all are written.
    """
    print(f"Wrote {write_result(result, folder)}")
    for failure in result.failures[:shown]:
        print(f"FAILED: {failure}", file=sys.stderr)
    return EXIT_GATE_FAILED if result.failures else EXIT_DONE


def machine_title() -> str:
    """Return the name of this machine for people."""
    return board_title(ROOT, cores=os.cpu_count() or 1)


def write_result(result: Result, folder: Path) -> Path:
    """Write a result to ``folder/NAME.json`` and return the path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{result.name}.json"
    document = {"schema": SCHEMA, "kind": KIND, **dataclasses.asdict(result)}
    for table in document["tables"]:
        table["text_columns"] = sorted(table["text_columns"])
    text = json.dumps(document, indent=1, ensure_ascii=False) + "\n"
    write_atomically(path, text.encode("utf-8"))
    return path


def read_result(path: Path) -> Result:
    """Read what `write_result` wrote.

    Raises:
        ValueError: the file is of another kind or schema.
    """
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    kind = (document.pop("schema", None), document.pop("kind", None))
    if kind != (SCHEMA, KIND):
        raise ValueError(f"{path}: expected a result of schema {SCHEMA}, {KIND}, got {kind}")
    document["tables"] = tuple(_table(table) for table in document["tables"])
    document["failures"] = tuple(document["failures"])
    return Result(**document)


def _table(document: dict[str, Any]) -> Table:
    return Table(
        caption=document["caption"],
        columns=tuple(document["columns"]),
        rows=tuple(tuple(row) for row in document["rows"]),
        text_columns=frozenset(document["text_columns"]),
        note=document["note"],
    )
