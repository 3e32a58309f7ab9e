"""Floats for hypothesis, also where the runtime has switched subnormal numbers off.

tflite-runtime for 32-bit Arm does, for the whole thread that loads it: they are zero from then on.
"""

from __future__ import annotations

import sys
from typing import Any

from hypothesis import strategies as st


def floats(*bounds: float, **options: Any) -> st.SearchStrategy[float]:
    """`st.floats` of all numbers that exist when the first one is drawn."""

    def now() -> st.SearchStrategy[float]:
        half = sys.float_info.min / 2
        return st.floats(*bounds, allow_subnormal=None if half > 0 else False, **options)

    return st.deferred(now)
