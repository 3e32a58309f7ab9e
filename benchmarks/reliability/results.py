"""What an attack came to: its tables, its failures, where and when; as JSON and back."""

from __future__ import annotations

import dataclasses
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from convert.report.tables import Table
from minivgg_edge.atomic import write_atomically
from minivgg_edge.measure.machine_state import ROOT
from minivgg_edge.measure.processor import board_title

STORED = Path(__file__).resolve().parent.parent / "results" / "reliability"
"""Results of full runs, from which docs/reliability.md is made."""

MEASURED = Path("out") / "reliability"
"""Where the commands write, below the current folder."""


@dataclass(frozen=True, slots=True)
class Result:
    """One command's result.

    Attributes:
        name: of the attack; also of its file.
        date: day of the run, ISO 8601.
        command: what was called.
        machine: what it ran on.
        tables: what was tried and what came of it.
        failures: one sentence for everything that went wrong; empty means passed.
    """

    name: str
    date: str
    command: str
    machine: str
    tables: tuple[Table, ...]
    failures: tuple[str, ...] = ()


def machine_title() -> str:
    """Return the name of this machine for people."""
    return board_title(ROOT, cores=os.cpu_count() or 1)


def write_result(result: Result, folder: Path = MEASURED) -> Path:
    """Write a result to ``folder/NAME.json`` and return the path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{result.name}.json"
    document = {"schema": 1, "kind": "reliability", **dataclasses.asdict(result)}
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
    if kind != (1, "reliability"):
        raise ValueError(f"{path}: expected a result of schema 1 and kind reliability, got {kind}")
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
