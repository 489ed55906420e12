"""Values of a query's result as text and as JSON, a column at a time."""

import json
import math
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any


def as_text(column: Any, digits: int | None = None) -> list[str]:
    """An Arrow column as people write its values; NULL is empty. Fractions have all digits, or at most `digits`."""
    return [
        _text(round(value, digits) if digits is not None and isinstance(value, float) else value)
        for value in _values(column)
    ]


def as_json(column: Any) -> list[Any]:
    """An Arrow column as values that JSON has; what is no number (NaN, infinity) is null."""
    return [_json(value) for value in _values(column)]


def _values(column: Any) -> list[Any]:
    try:
        return list(column.to_pylist())
    except (ValueError, OverflowError):
        # Times that Python does not know, such as the year 20000.
        return list(column.cast("string").to_pylist())


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, bytes | list | dict) or _is_pair(value):
        shown = _json(value)
        return shown if isinstance(shown, str) else json.dumps(shown, ensure_ascii=False)
    if isinstance(value, tuple):
        return _interval(value)
    return str(value)


def _json(value: Any) -> Any:
    shown = value
    if isinstance(value, float):
        shown = value if math.isfinite(value) else None
    elif isinstance(value, Decimal):
        shown = int(value) if value == value.to_integral_value() else float(value)
    elif isinstance(value, datetime | date | time):
        shown = value.isoformat()
    elif isinstance(value, bytes):
        shown = value.decode("utf-8", "backslashreplace")
    elif isinstance(value, list) or _is_pair(value):
        shown = [_json(one) for one in value]
    elif isinstance(value, dict):
        shown = {str(name): _json(one) for name, one in value.items()}
    elif isinstance(value, tuple):
        shown = _interval(value)
    elif value is not None and not isinstance(value, bool | int | str):
        shown = str(value)
    return shown


def _is_pair(value: Any) -> bool:
    """An entry of a map."""
    return isinstance(value, tuple) and len(value) == 2


def _interval(value: tuple[int, int, int]) -> str:
    """Arrow's months, days and nanoseconds, as `2 months, 3 days, 0:00:12`."""
    months, days, nanoseconds = value
    rest = str(timedelta(days=days, microseconds=nanoseconds // 1000))
    return f"{months} months, {rest}" if months else rest
