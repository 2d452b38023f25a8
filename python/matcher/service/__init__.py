"""The gRPC server: bytes in, bytes out, around `matcher.app`. Start at `server.py`."""

from matcher.service.server import MatcherServer

__all__ = ["MatcherServer"]
