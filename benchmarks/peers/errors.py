"""Why a peer is not in the table."""

from __future__ import annotations

from minivgg_edge.errors import MinivggEdgeError


class PeerUnavailableError(MinivggEdgeError):
    """A peer that cannot be installed, loaded or run here; the message is the reason."""
