"""What a scan tells training to leave out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from convert.errors import DataError

SCAN_FORMAT = "minivgg-edge-scan"
SCAN_VERSION = 1


def read_skip_list(path: Path) -> dict[str, str]:
    """Read which pictures a scan wants skipped.

    Returns:
        The SHA-256 of the file as it was, by the picture's name.

    Raises:
        DataError: the file cannot be read or is no scan of this version.
    """
    try:
        document: dict[str, Any] = json.loads(path.read_bytes())
        if (document["format"], document["version"]) != (SCAN_FORMAT, SCAN_VERSION):
            raise ValueError(f"{document['format']!r} of version {document['version']!r}")
        return {str(name): str(entry["sha256"]) for name, entry in document["skip"].items()}
    except OSError as error:
        raise DataError(f"{path}: expected a scan, got: {error.strerror or error}") from error
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"{path}: expected a scan ({SCAN_FORMAT!r} of version {SCAN_VERSION}), "
            f"got {type(error).__name__}: {error}; scan the folder again"
        ) from error
