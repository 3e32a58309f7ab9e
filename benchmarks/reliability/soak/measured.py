"""One thing done again and again on a runtime, and whether it passed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.reliability.runtimes import Runtime, run_worker
from benchmarks.reliability.soak.growth import Growth, growth

_WORKER = "benchmarks.reliability.soak.worker"
_TIMEOUT_S = 6 * 3600.0


@dataclass(frozen=True, slots=True)
class Part:
    """One thing that is done again and again.

    Attributes:
        name: the worker's name of it.
        title: for people.
        bound_bytes: growth allowed per case; None: it keeps what it makes, and growing is the
            measurement.
    """

    name: str
    title: str
    bound_bytes: float | None


PARTS = (
    # The smallest object of Python takes 16 bytes: one left behind by every 16th inference shows.
    Part("inferences", "inferences", 1.0),
    Part("decodes", "decodes, every tenth of a broken file", 16.0),
    # A hundredth of the bundled model: one load in a hundred that keeps its model shows.
    Part("loads", "loads, half of them closed", 22_000.0),
    Part("refused loads", "loads of a damaged file", 22_000.0),
    Part("forks", "forks whose child answers", 4_096.0),  # a page of memory
    Part("instances", "classifiers kept open", None),
)


@dataclass(frozen=True, slots=True)
class Measured:
    """A part on a runtime: what it came to.

    Attributes:
        runtime: its title.
        part: what was done.
        cases: how often.
        different: answers that are not the first one.
        errors: sentences.
        resident_bytes: of the process at the end, mapped files included.
        growth: of its own memory, without mapped files.
        descriptors: the least and the most at any sample.
        threads: the same.
    """

    runtime: str
    part: Part
    cases: int
    different: int
    errors: tuple[str, ...]
    resident_bytes: int
    growth: Growth
    descriptors: tuple[int, int]
    threads: tuple[int, int]

    def failures(self) -> list[str]:
        """One sentence for everything that went wrong."""
        where = f"{self.runtime}, {self.part.title}"
        found = [f"{where}: {error}" for error in self.errors[:3]]
        if self.different:
            found.append(f"{where}: {self.different} of {self.cases} answers changed")
        bound = self.part.bound_bytes
        if bound is None:
            return found
        if self.growth.exceeds(bound):
            found.append(
                f"{where}: expected at most {bound:g} bytes of growth per case, got "
                f"{self.growth.per_case_bytes:.3g} (up to {self.growth.high_bytes:.3g})"
            )
        for name, (least, most) in (
            ("file descriptors", self.descriptors),
            ("threads", self.threads),
        ):
            if least != most:
                found.append(f"{where}: expected a constant number of {name}, got {least}-{most}")
        return found


def measure(runtime: Runtime, part: Part, cases: int, pictures: Path) -> Measured:
    """Run one part.

    Raises:
        WorkerError: the process did not survive it.
    """
    options = {"part": part.name, "cases": cases, "pictures": str(pictures)}
    answer: dict[str, Any] = run_worker(runtime, _WORKER, options, timeout_s=_TIMEOUT_S)
    done, resident, own, descriptors, threads = zip(*answer["samples"], strict=True)
    return Measured(
        runtime=runtime.title,
        part=part,
        cases=answer["cases"],
        different=answer["different"],
        errors=tuple(answer["errors"]),
        resident_bytes=resident[-1],
        growth=growth(done, own),
        descriptors=(min(descriptors), max(descriptors)),
        threads=(min(threads), max(threads)),
    )
