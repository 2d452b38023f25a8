"""Attributes of metrics that are recorded often; see `matcher.app.instruments`, which finds them fast."""

from __future__ import annotations


class Labels(dict[str, str]):
    """Attributes made once and kept by who records with them: equal only to themselves, so that they are found fast."""

    __slots__ = ()
    __hash__ = object.__hash__  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        return self is other

    def __ne__(self, other: object) -> bool:
        return self is not other
