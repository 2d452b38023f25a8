"""Where two decisions differ first, as a person would say it."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import Any


def first_difference(recorded: object, again: object, path: str = "") -> str | None:
    """Path and values of the first field that differs, in the order of the fields; None when all are equal."""
    if recorded == again:
        return None
    if type(recorded) is type(again) and is_dataclass(recorded):
        return _first(
            (getattr(recorded, field.name), getattr(again, field.name), f"{path}.{field.name}" if path else field.name)
            for field in fields(recorded)
        )
    if isinstance(recorded, tuple) and isinstance(again, tuple):
        if len(recorded) != len(again):
            return f"{path}: {len(recorded)} recorded, {len(again)} now"
        return _first((a, b, f"{path}[{k}]") for k, (a, b) in enumerate(zip(recorded, again, strict=True)))
    if isinstance(recorded, dict) and isinstance(again, dict):
        keys = sorted(recorded.keys() | again.keys())
        return _first((recorded.get(key), again.get(key), f"{path}[{key!r}]") for key in keys)
    return f"{path}: {recorded!r} recorded, {again!r} now"


def _first(pairs: Any) -> str | None:
    return next((found for a, b, path in pairs if (found := first_difference(a, b, path)) is not None), None)
