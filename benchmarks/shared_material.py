"""Where peers' models and data lie: beside the project, or where `$MINIVGG_SHARED` says."""

from __future__ import annotations

import os
from pathlib import Path


def shared_folder() -> Path:
    """Return `$MINIVGG_SHARED`, else `../shared`; it need not exist."""
    return Path(os.environ.get("MINIVGG_SHARED", "../shared"))
