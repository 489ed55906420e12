"""Which keys of a structured log (JSON lines, logfmt, tables with named columns) are its time, level, message and so on."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence

from krone_tui.ingest.formats import key_names, plain_key
from krone_tui.store.record_layouts import JsonLayout, LogfmtLayout, TableLayout

_MAX_DEPTH = 4
_PAIR = re.compile(r'([A-Za-z_@][\w.@/:-]*)=("(?:[^"\\]|\\.)*"|[^\s"]*)')
_FIELDS = re.compile(r"#(?:Fields|fields|FIELDS):?(?P<separator>[ \t])(?P<names>.*\S)")
"""W3C's extended format (IIS, Exchange, CloudFront) and Zeek's."""
_MIN_FIELDS, _MAX_FIELDS = 3, 100
_MAX_TABLES = 8
_PATHS_PER_ROLE = 4
"""Programs that share one file may each name a column differently."""
_ADDED = ("status", "error")
"""Roles whose values the message is told with, and that stay among the further fields."""
_RARE = (("error", "message"), ("error",), ("err", "message"), ("err",))
"""Where an error's text may stand although none of the lines looked at has one."""


def json_objects(lines: Sequence[str]) -> list[dict[str, object]]:
    """The lines that are JSON objects, parsed."""
    objects = []
    for line in lines:
        text = line.strip().rstrip(",")
        if text.startswith("{"):
            try:
                value = json.loads(text)
            except (ValueError, RecursionError):
                continue
            if isinstance(value, dict):
                objects.append(value)
    return objects


def is_otlp(objects: Sequence[dict[str, object]]) -> bool:
    """Whether the lines are what the OpenTelemetry collector's file exporter writes."""
    return any(isinstance(item.get("resourceLogs"), list) for item in objects)


def is_docker(objects: Sequence[dict[str, object]]) -> bool:
    """Whether the lines are Docker's json-file driver's: another program's line in `log`."""
    return bool(objects) and all(
        {"log", "time"} <= item.keys() <= {"log", "stream", "time", "attrs"} and isinstance(item["log"], str)
        for item in objects
    )


def json_layout(objects: Sequence[dict[str, object]]) -> JsonLayout:
    """The layout that reads these objects' columns from the keys they use."""
    seen: dict[tuple[str, ...], list[object]] = {}
    for item in objects:
        for path, value in _leaves(item, ()):
            seen.setdefault(path, []).append(value)
    roles = _choose({path: len(values) for path, values in seen.items()}, seen)
    paths = roles.get("level", ())
    levels = [value for path in paths for value in seen[path]]
    codes = _level_codes(levels, {plain_key(path[-1]) for path in paths})
    roles["error"] = _with_rare(roles, _RARE)
    return JsonLayout("json", roles, codes, _shown_elsewhere(objects, roles))


def logfmt_layout(lines: Sequence[str]) -> LogfmtLayout:
    """The layout that reads these lines' columns from the keys they use."""
    seen: dict[tuple[str, ...], list[object]] = {}
    for line in lines:
        for key, value in {m[1]: m[2] for m in _PAIR.finditer(line)}.items():
            seen.setdefault((key,), []).append(value)
    apart = _date_and_time(seen)
    roles = _choose({path: len(values) for path, values in seen.items()}, seen)
    roles["error"] = _with_rare(roles, [path for path in _RARE if len(path) == 1])
    keys = {role: tuple(path[0] for path in paths) for role, paths in roles.items()}
    return LogfmtLayout("logfmt", keys | {"time": ("time",)} if apart else keys, "date" if apart else "")


def table_layouts(lines: Sequence[str]) -> list[TableLayout]:
    """The layouts whose columns these lines name."""
    named = dict.fromkeys(
        found.group("separator", "names") for line in lines if (found := _FIELDS.match(line))
    )
    # CloudFront parts the names by spaces, the values by tabs.
    tables = [
        _table_layout(names, values)
        for separator, names in list(named)[:_MAX_TABLES]
        for values in ((",",) if "," in names else (separator,) if separator == "\t" else (" ", "\t"))
    ]
    return [table for table in tables if _MIN_FIELDS <= len(table.names) <= _MAX_FIELDS]


def _table_layout(text: str, separator: str) -> TableLayout:
    names = tuple(
        name.strip() for name in re.split(r"," if separator == "," else r"\s+", text) if name.strip()
    )
    numbers = {plain_key(name): str(number) for number, name in reversed([*enumerate(names)])}
    apart = {"date", "time"} <= numbers.keys()
    paths: dict[tuple[str, ...], int] = {(name,): 1 for name in numbers}
    chosen = _choose(paths, {})
    roles = {role: tuple(numbers[path[0]] for path in found) for role, found in chosen.items()}
    if apart:
        roles["time"] = (numbers["time"],)
    asked = [
        next((numbers[name] for name in wanted if name in numbers), "")
        for wanted in key_names().request.values()
    ]
    date = numbers["date"] if apart else ""
    return TableLayout("w3c", names, separator, roles, date, tuple(asked) if all(asked) else ())


def _date_and_time(seen: Mapping[tuple[str, ...], Sequence[object]]) -> bool:
    """Whether the keys `date` and `time` hold the two halves of a time, as firewalls write them."""
    date, time = seen.get(("date",), ()), seen.get(("time",), ())
    return (
        bool(date and time)
        and all(re.fullmatch(r'"?\d{4}-\d\d-\d\d"?', str(value)) for value in date)
        and all(re.fullmatch(r'"?\d{1,2}:\d\d:\d\d(?:\.\d+)?"?', str(value)) for value in time)
    )


def _shown_elsewhere(
    objects: Sequence[dict[str, object]], roles: Mapping[str, tuple[tuple[str, ...], ...]]
) -> tuple[str, ...]:
    """The top-level keys that hold nothing but values chosen for a column, in every object."""
    paths_of = [{path for path, _ in _leaves(item, ())} for item in objects]
    shown: set[tuple[str, ...]] = set()
    hidden: set[tuple[str, ...]] = set()
    for present in paths_of:
        used = {
            next(path for path in paths if path in present)
            for role, paths in roles.items()
            if role not in _ADDED and present & {*paths}
        }
        shown |= used
        hidden |= present - used
    return tuple(sorted({path[0] for path in shown} - {path[0] for path in hidden}))


def _leaves(value: dict[str, object], path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], object]]:
    for key, inner in value.items():
        # A key that cannot be written in a JSON path is left in `fields`.
        if not key or '"' in key or "\\" in key or not key.isprintable():
            continue
        if isinstance(inner, dict) and len(path) < _MAX_DEPTH:
            yield from _leaves(inner, (*path, key))
        elif inner is not None:
            yield (*path, key), inner


def _choose(
    counts: dict[tuple[str, ...], int], values: dict[tuple[str, ...], list[object]]
) -> dict[str, tuple[tuple[str, ...], ...]]:
    names = key_names()
    taken: set[tuple[str, ...]] = set()
    roles = {}
    for role, wanted in names.roles.items():
        ranked = []
        for path in counts:
            full = ".".join(plain_key(key) for key in path)
            inside = (
                ".".join(plain_key(key) for key in path[1:]) if plain_key(path[0]) in names.containers else ""
            )
            for depth, name in enumerate((full, inside)):
                if name in wanted and path not in taken and _usable(role, values.get(path, ())):
                    ranked.append((depth, wanted.index(name), path))
                    break
        chosen = tuple(path for _, _, path in sorted(ranked)[:_PATHS_PER_ROLE])
        taken.update(chosen)
        roles[role] = chosen
    return roles


def _with_rare(
    roles: Mapping[str, tuple[tuple[str, ...], ...]], rare: Sequence[tuple[str, ...]]
) -> tuple[tuple[str, ...], ...]:
    taken = {path for role, paths in roles.items() if role != "error" for path in paths}
    return tuple(dict.fromkeys([*roles["error"], *(path for path in rare if path not in taken)]))


def _usable(role: str, values: Sequence[object]) -> bool:
    if role == "time":
        return (
            any(re.search(r"\d{4}-\d\d-\d\d|\d{10}|\d\d/\w{3}/\d{4}", str(value)) for value in values)
            or not values
        )
    if role in ("component", "host", "process", "thread", "level"):
        return not any(isinstance(value, list | dict | bool) for value in values)
    return not any(isinstance(value, dict) for value in values)


def _level_codes(levels: Sequence[object], keys: set[str]) -> str:
    numbers = {int(str(level)) for level in levels if re.fullmatch(r"\d{1,2}", str(level))}
    if not numbers:
        return ""
    if max(numbers) >= 10:
        return "tens"
    # Up to 4 it may as well be counted from debug upwards: a number says less than a wrong name.
    return "syslog" if max(numbers) > 4 or keys & {"priority", "severity"} else ""
