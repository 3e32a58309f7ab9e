"""Collects what the suites measure on this machine, and makes the card of it: out/bench/host.json.

`make bench` writes it, by `pytest --benchmark --benchmark-card=out/bench/host.json`.
"""

from __future__ import annotations

import dataclasses
import platform
from typing import Any

from minivgg_edge.measure.card import Card, Entry, Latency
from minivgg_edge.measure.machine_state import ROOT, Snapshot
from minivgg_edge.measure.processor import board_title, is_arm
from minivgg_edge.measure.verdict import judge


class Results:
    """Entries that grow while the suites run, by a key of the suites' choice.

    Attributes:
        before: The machine before the first benchmark; None as long as none has run.
        after: The machine after the last one.
    """

    def __init__(self) -> None:
        """Start without entries."""
        self._entries: dict[str, Entry] = {}
        self.before: Snapshot | None = None
        self.after: Snapshot | None = None

    def describe(self, key: str, entry: Entry) -> None:
        """Add an entry under a key."""
        self._entries[key] = entry

    def add_latency(self, key: str, latency: Latency) -> None:
        """Add the times of a case to an entry."""
        entry = self._entries[key]
        self._entries[key] = dataclasses.replace(entry, latency=(*entry.latency, latency))

    def complete(self, key: str, **fields: Any) -> None:
        """Set other fields of an entry."""
        self._entries[key] = dataclasses.replace(self._entries[key], **fields)

    def entry(self, key: str) -> Entry:
        """Return an entry as it is now."""
        return self._entries[key]

    @property
    def entries(self) -> tuple[Entry, ...]:
        """The entries of which something was measured, in the order in which they were added."""
        return tuple(
            entry
            for entry in self._entries.values()
            if entry.latency or entry.cold_start or entry.memory or entry.accuracy
        )

    def card(self, *, date: str, command: str) -> Card | None:
        """Return the card, or None if nothing was measured.

        Args:
            date: Day of the run, ISO 8601.
            command: What was called.
        """
        if self.before is None or self.after is None or not self.entries:
            return None
        return Card(
            date=date,
            command=command,
            board=board_title(ROOT, cores=self.before.state.cores),
            is_arm=is_arm(platform.machine()),
            before=self.before.state,
            after=self.after.state,
            verdict=judge(self.before, self.after),
            entries=self.entries,
        )
