"""The machine while times are taken: trainings wait, and what else moved is said beside them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from convert.training.pause import trainings_paused
from minivgg_edge.measure.machine_state import take_snapshot
from minivgg_edge.measure.verdict import judge


@dataclass(slots=True)
class Watch:
    """What was seen of the machine.

    Attributes:
        reasons: why the times mean little, one sentence each; empty as long as they are taken.
    """

    reasons: tuple[str, ...] = ()

    @property
    def note(self) -> str:
        """The same behind other sentences, with a space before it; empty for times that count."""
        return f" INVALID TIMES: {'; '.join(self.reasons)}." if self.reasons else ""


@contextmanager
def watched() -> Iterator[Watch]:
    """Keep trainings waiting inside the block, and judge the machine behind it."""
    with trainings_paused():
        watch = Watch()
        before = take_snapshot()
        yield watch
        watch.reasons = judge(before, take_snapshot()).reasons
