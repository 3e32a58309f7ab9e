"""Where the results of the attacks are."""

from __future__ import annotations

from pathlib import Path

STORED = Path(__file__).resolve().parent.parent / "results" / "reliability"
"""Results of full runs, from which docs/reliability.md is made."""

MEASURED = Path("out") / "reliability"
"""Where the commands write, below the current folder."""
