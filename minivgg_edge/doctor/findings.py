"""What a check has to say."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Status(str, Enum):
    """How bad it is."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Finding:
    """One sentence and what to do.

    Attributes:
        topic: One word that says what it is about.
        status: A problem keeps models from running, a warning does not.
        sentence: For people.
        command: To be copied and pasted; None if nothing is to be done, or nothing can be.
    """

    topic: str
    status: Status
    sentence: str
    command: str | None = None


def ok(topic: str, sentence: str) -> Finding:
    """Return a finding that asks for nothing."""
    return Finding(topic, Status.OK, sentence)


def warning(topic: str, sentence: str, command: str | None) -> Finding:
    """Return a finding that keeps no model from running."""
    return Finding(topic, Status.WARNING, sentence, command)


def problem(topic: str, sentence: str, command: str | None) -> Finding:
    """Return a finding that keeps models from running."""
    return Finding(topic, Status.PROBLEM, sentence, command)
