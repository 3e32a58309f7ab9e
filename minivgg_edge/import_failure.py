"""Why an import failed, as a part of a sentence; for error paths, never imported for a start."""

from __future__ import annotations

_LENGTH = 300  # characters of somebody else's message
# numpy wraps the loader's words in a page of advice and ends with them.
_QUOTATION = "Original error was:"


def import_reason(error: BaseException) -> str:
    """Return why an import failed: one line, at most 300 characters, nothing a terminal obeys.

    Args:
        error: What the import raised.
    """
    words = " ".join(str(error).rpartition(_QUOTATION)[2].split()) or type(error).__name__
    if len(words) > _LENGTH:
        words = words[: _LENGTH - 3] + "..."
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in words)
