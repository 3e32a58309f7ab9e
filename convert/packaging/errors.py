"""What packaging and adopting refuse."""

from __future__ import annotations

from convert.errors import ConvertError


class PackagingError(ConvertError):
    """A name, a version or another field that no wheel can carry."""


class AdoptionError(ConvertError):
    """A foreign model that cannot be given a manifest: damaged, of another kind, or unclear."""
