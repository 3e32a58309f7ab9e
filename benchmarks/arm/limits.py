"""The fewest instructions that a core's multipliers allow for a model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from benchmarks.arm.boards import Board


@dataclass(frozen=True, slots=True)
class Limit:
    """The arithmetic limit of one model on one core.

    Attributes:
        instruction: The multiply-add with the most results that the core has for the precision.
        macs_per_instruction: Multiply-adds of one such instruction.
        instructions: How many of them the model needs, with nothing else executed.
    """

    instruction: str
    macs_per_instruction: int
    instructions: int

    def to_json(self, steady: int) -> dict[str, Any]:
        """The limit as JSON values, with the ratio of a measured count to it."""
        return {
            "instruction": self.instruction,
            "macs_per_instruction": self.macs_per_instruction,
            "instructions": self.instructions,
            "ratio": steady / self.instructions,
        }


def arithmetic_limit(board: Board, precision: str, macs: int) -> Limit:
    """Return the limit for `macs` multiply-adds.

    From the Arm Architecture Reference Manual: a 128-bit SDOT does 16 multiply-adds of 8-bit
    numbers, a SMLAL (vector, 8-bit to 16-bit) 8, after which the 16-bit sums still have to be
    widened, and a 128-bit FMLA 4 of 32-bit floating-point numbers.

    Raises:
        ValueError: There is no limit for the precision here.
    """
    if precision == "float32":
        instruction, each = "FMLA", 4
    elif precision == "int8":
        instruction, each = ("SDOT", 16) if board.dot_product else ("SMLAL", 8)
    else:
        raise ValueError(f"expected int8 or float32, got {precision!r}")
    return Limit(instruction, each, -(-macs // each))
