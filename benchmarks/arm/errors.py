"""What can go wrong in the lane."""

from __future__ import annotations

from convert.errors import ConvertError


class LaneError(ConvertError):
    """Something outside the lane is missing or failed; the message says what to do."""
