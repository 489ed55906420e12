"""How one kind of record is taken apart: the SQL expressions that yield the columns of `parsed_record`.

A layout is data from the ingest stage (a header's pattern, the keys of a JSON log). Each has three methods
over a text expression: `match` (boolean SQL: does a line start such a record?), `capture` (SQL for what is
extracted once per record) and `columns` (column name → SQL over the capture). Log text never becomes SQL:
what comes from a log (JSON keys) passes through `quoted`.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Protocol

from krone_tui.store.level_codes import LEVEL_CODES, TRANSLATED
from krone_tui.store.messages import readable, with_cause
from krone_tui.store.times import Clock, first_of, quoted, time_expression

COLUMNS = ("time", "level", "component", "host", "process", "thread", "fields", "prefix", "message", "raw")
_STANDARD = {"prefix", "time", "level", "component", "host", "process", "thread", "priority"}

_LOOSE_LEVEL = (
    r"(?:^|[\s\[(<|:])(FATAL|SEVERE|CRITICAL|ERROR|WARNING|WARN|NOTICE|INFO|DEBUG|TRACE"
    r"|SCHWERWIEGEND|FEHLER|WARNUNG|ERREUR|AVERTISSEMENT|ERRORE|AVVISO|ADVERTENCIA|ОШИБКА|ПРЕДУПРЕЖДЕНИЕ|错误|警告|エラー)(?:[\s\])>|:,]|$)"
    r"|\[(fatal|critical|crit|error|err|warning|warn|notice|info|debug|trace|FTL|CRT|ERR|WRN|INF|DBG|TRC)\]"
)
_JOURNAL_KEYS = {
    "level": ("PRIORITY",),
    "component": ("SYSLOG_IDENTIFIER", "_COMM", "_SYSTEMD_UNIT"),
    "host": ("_HOSTNAME",),
    "process": ("_PID", "SYSLOG_PID"),
    "thread": ("TID", "OBJECT_PID"),
}


class Layout(Protocol):
    """What `parsed_record` needs to know of one kind of record."""

    @property
    def name(self) -> str:
        """As `source.format` shows it."""
        ...

    def match(self, text: str) -> str:
        """SQL, boolean: the line starts a record of this kind."""
        ...

    def capture(self, text: str) -> str:
        """SQL, evaluated once per record; `columns` refers to its result."""
        ...

    def columns(self, text: str, capture: str, clock: Clock) -> dict[str, str]:
        """SQL by column name; a column that is left out is NULL."""
        ...


@dataclass(frozen=True)
class TextLayout:
    """A header in front of a message, by a regular expression with named groups (RE2)."""

    name: str
    pattern: str
    times: tuple[str, ...]
    """`iso`, `epoch`, `hex`, `elapsed`, or strptime formats; without a year or a date the clock completes them."""
    level_codes: str = ""
    generic: bool = False
    """The level may also stand in the message's first line."""
    multiline: bool = False
    """Such a record mostly has more lines: those without a header after it are its own."""
    one_line: bool = False
    """Its message is one statement, however many lines it was written on."""
    below: str = ""
    """A layout: straight below the line that begins such a record its own begins none, but goes on with it."""

    @property
    def groups(self) -> list[str]:
        """Names of the capturing groups, in order; `prefix` is the header's text."""
        return re.findall(r"\(\?P<(\w+)>", self._captured())

    def _captured(self) -> str:
        return "^" + (self.pattern if "(?P<prefix>" in self.pattern else f"(?P<prefix>{self.pattern})")

    def indented(self) -> "TextLayout":
        """The same header behind blanks."""
        begin, blanks = "(?P<prefix>", "[ \\t]+"
        if self.pattern.startswith(begin):
            return replace(self, pattern=begin + blanks + self.pattern.removeprefix(begin))
        return replace(self, pattern=f"{blanks}(?:{self.pattern})")

    def match(self, text: str) -> str:
        return f"regexp_matches({text}, {quoted(self._captured())})"

    def capture(self, text: str) -> str:
        names = ", ".join(quoted(name) for name in self.groups)
        return f"regexp_extract({text}, {quoted(self._captured())}, [{names}])"

    def columns(self, text: str, capture: str, clock: Clock) -> dict[str, str]:
        values = {name: f"nullif({capture}.{name}, '')" for name in self.groups}
        values |= {
            name: f"nullif({value}, '-')" for name, value in values.items() if name not in ("prefix", "level")
        }
        message = f"substr({text}, length({capture}.prefix) + 1)"
        out = {"prefix": values["prefix"], "message": message}
        if self.one_line:
            joined = f"trim(regexp_replace({message}, '[[:space:]]+', ' ', 'g'))"
            out |= {"message": joined, "raw": f"CASE WHEN {joined} <> {message} THEN {text} END"}
        for name in ("component", "host", "process", "thread"):
            if name in values:
                out[name] = first_of(values[name], values.get(name + "2"))
        if self.times and "time" in values:
            out["time"] = time_expression(f"{capture}.time", self.times, clock)
        levels = [_level(values[name], self.level_codes) for name in ("level", "level2") if name in values]
        if "priority" in values:
            code = f"CAST(TRY_CAST({values['priority']} AS INTEGER) % 8 AS VARCHAR)"
            levels.append(_case(code, LEVEL_CODES["syslog"], "NULL"))
        if self.generic:
            levels.append(loose_level(message))
        if levels:
            out["level"] = first_of(*levels)
        extra = [n for n in self.groups if n not in _STANDARD and not n.endswith("2")]
        if extra:
            pairs = ", ".join(f"{quoted(n)}, {first_of(values[n], values.get(n + '2'))}" for n in extra)
            out["fields"] = f"nullif(CAST(json_merge_patch('{{}}', json_object({pairs})) AS VARCHAR), '{{}}')"
        return out


@dataclass(frozen=True)
class JsonLayout:
    """One JSON object a line; `roles` maps a column to the JSON paths that may hold it, best first."""

    name: str
    roles: Mapping[str, tuple[tuple[str, ...], ...]]
    level_codes: str = ""
    shown_elsewhere: tuple[str, ...] = ()
    """Top-level keys whose values are all in other columns, so that `fields` does without them."""

    def match(self, text: str) -> str:
        return f"(ltrim({text}) LIKE '{{%' AND json_valid(rtrim({text}, ', ' || chr(9))))"

    def capture(self, text: str) -> str:
        paths = ", ".join(quoted(_json_path(path)) for path in self._paths()) or "'$'"
        return f"json_extract_string(rtrim({text}, ', ' || chr(9)), [{paths}])"

    def _paths(self) -> list[tuple[str, ...]]:
        return [path for paths in self.roles.values() for path in paths]

    def columns(self, text: str, capture: str, clock: Clock) -> dict[str, str]:
        place = {path: number for number, path in enumerate(self._paths(), start=1)}
        document = f"rtrim({text}, ', ' || chr(9))"
        value = {
            role: first_of(*(f"nullif({capture}[{place[path]}], '')" for path in paths))
            for role, paths in self.roles.items()
            if paths
        }
        out: dict[str, str] = {
            role: value[role] for role in ("component", "host", "process", "thread") if role in value
        }
        if "time" in value:
            out["time"] = time_expression(value["time"], ("iso", "epoch", "%d/%b/%Y:%H:%M:%S %z"), clock)
        if "level" in value:
            out["level"] = _level(value["level"], self.level_codes)
        # RFC 7386: a null in the patch removes the key.
        patch = quoted(json.dumps(dict.fromkeys(self.shown_elsewhere)))
        out["fields"] = f"nullif(CAST(json_merge_patch({document}, {patch}) AS VARCHAR), '{{}}')"
        out["message"] = first_of(with_cause(value), readable(out["fields"], value), text)
        out["raw"] = text
        return out


@dataclass(frozen=True)
class LogfmtLayout:
    """`key=value key="quoted value"` pairs; `roles` maps a column to the keys for it, best first."""

    name: str
    roles: Mapping[str, tuple[str, ...]]
    date: str = ""
    """The key of the date, where `time` is but the time of day."""

    _PAIR = r'[A-Za-z_@][\w.@/:-]*=(?:"(?:[^"\\]|\\.)*"|[^\s"]*)'

    def match(self, text: str) -> str:
        pattern = f"^{self._PAIR}(?: +{self._PAIR})+ *$"
        return f"regexp_matches({text}, {quoted(pattern)})"

    def capture(self, text: str) -> str:
        return f"rtrim({text})"

    def columns(self, text: str, capture: str, clock: Clock) -> dict[str, str]:
        value = {role: self._value(capture, keys) for role, keys in self.roles.items() if keys}
        out: dict[str, str] = {
            role: value[role] for role in ("component", "host", "process", "thread") if role in value
        }
        if "time" in value:
            moment = value["time"]
            if self.date:
                moment = f"({self._value(capture, (self.date,))} || ' ' || {moment})"
            out["time"] = time_expression(moment, ("iso", "epoch"), clock)
        if "level" in value:
            out["level"] = _level(value["level"], "")
        used = [*(key for keys in self.roles.values() for key in keys), self.date]
        pattern = r'([A-Za-z_@][\w.@/:-]*)=("(?:[^"\\]|\\.)*"|[^\s"]*)'
        keys, values = (f"regexp_extract_all({capture}, {quoted(pattern)}, {group})" for group in (1, 2))
        known = ", ".join(map(quoted, used))
        kept = f"list_filter(list_zip({keys}, {values}), lambda p: NOT list_contains([{known}], p[1]))"
        shown = f"list_transform({kept}, lambda p: to_json(p[1]) || ':' || to_json({_unquoted('p[2]')}))"
        out["fields"] = f"nullif('{{' || array_to_string({shown}, ',') || '}}', '{{}}')"
        rest = capture
        headed = [key for role in ("time", "level") for key in self.roles.get(role, ())]
        for key in [*headed, self.date] if self.date else headed:
            rest = f"regexp_replace({rest}, {quoted(self._key_pattern(key) + ' *')}, ' ')"
        out["message"] = first_of(with_cause(value), f"nullif(trim({rest}), '')", text)
        out["raw"] = text
        return out

    @staticmethod
    def _key_pattern(key: str) -> str:
        return rf'(?:^| ){re.escape(key)}=("(?:[^"\\]|\\.)*"|[^\s"]*)'

    def _value(self, capture: str, keys: Sequence[str]) -> str:
        found = [f"regexp_extract({capture}, {quoted(self._key_pattern(key))}, 1)" for key in keys]
        return first_of(*(f"nullif({_unquoted(item)}, '')" for item in found))


@dataclass(frozen=True)
class TableLayout:
    """A value a column, which the log itself names in a `#Fields:` line; `roles` maps a column of ours to those for it."""

    name: str
    names: tuple[str, ...]
    separator: str
    """A space, a tab or a comma."""
    roles: Mapping[str, tuple[str, ...]]
    """By number, as text."""
    date: str = ""
    """The number of the date, where `time` is but the time of day."""
    request: tuple[str, ...] = ()
    """The numbers of what a request asks for, which is the message; none: all values are."""

    _VALUES: ClassVar[Mapping[str, str]] = {
        " ": r'"[^"\n]*"|[^ "\n][^ \n]*',
        "\t": r"[^\t\n]*",
        ",": r'"(?:[^"\n]|"")*"|[^,"\n]*',
    }

    def _pattern(self, before: str, after: str) -> str:
        value, last = f"{before}{self._VALUES[self.separator]}{after}", len(self.names) - 1
        return f"^{value}(?:{self.separator}{value}){{{last}}}\\s*$"

    def match(self, text: str) -> str:
        return (
            f"(NOT starts_with({text}, '#') AND regexp_matches({text}, {quoted(self._pattern('(?:', ')'))}))"
        )

    def capture(self, text: str) -> str:
        value = self._VALUES[self.separator]
        pattern = "^" + self.separator.join(f"({value})" for _ in self.names)
        names = ", ".join(quoted(f"c{number}") for number in range(len(self.names)))
        return f"regexp_extract(rtrim({text}), {quoted(pattern)}, [{names}])"

    def columns(self, text: str, capture: str, clock: Clock) -> dict[str, str]:
        def one(number: str) -> str:
            found = f"{capture}.c{number}"
            bare = f"CASE WHEN starts_with({found}, '\"') THEN replace({found}[2:-2], '\"\"', '\"') ELSE {found} END"
            return f"nullif(nullif({bare}, ''), '-')"

        value = {
            role: first_of(*(one(number) for number in numbers))
            for role, numbers in self.roles.items()
            if numbers
        }
        out: dict[str, str] = {
            role: value[role] for role in ("component", "host", "process", "thread") if role in value
        }
        if "time" in value:
            moment = f"({one(self.date)} || ' ' || {value['time']})" if self.date else value["time"]
            out["time"] = time_expression(moment, ("iso", "epoch"), clock)
        if "level" in value:
            out["level"] = _level(value["level"], "")
        used = {number for role, numbers in self.roles.items() if role != "status" for number in numbers}
        pairs = [
            f"{quoted(name)}, {one(str(number))}"
            for number, name in enumerate(self.names)
            if str(number) not in used | {self.date}
        ]
        if pairs:
            merged = f"json_merge_patch('{{}}', json_object({', '.join(pairs)}))"
            out["fields"] = f"nullif(CAST({merged} AS VARCHAR), '{{}}')"
        asked = f"nullif(concat_ws(' ', {', '.join(map(one, self.request))}), '')" if self.request else None
        told = value | {"message": asked} if asked else value
        out["message"] = first_of(with_cause(told), readable(out["fields"], value) if pairs else None, text)
        out["raw"] = text
        return out


@dataclass(frozen=True)
class JournalLayout:
    """A block of `KEY=value` lines (systemd's journal export format); a new one starts with `__CURSOR=`."""

    name: str
    multiline: bool = True

    def match(self, text: str) -> str:
        return f"starts_with({text}, '__CURSOR=')"

    def capture(self, text: str) -> str:
        return text

    def columns(self, text: str, capture: str, clock: Clock) -> dict[str, str]:
        def value(key: str) -> str:
            pattern = r"(?:^|\n)" + key + r"=([^\n]*)"
            return f"nullif(regexp_extract({text}, {quoted(pattern)}, 1), '')"

        out = {
            column: first_of(*(value(key) for key in keys))
            for column, keys in _JOURNAL_KEYS.items()
            if column != "level"
        }
        out["time"] = time_expression(value("__REALTIME_TIMESTAMP"), ("epoch",), clock)
        out["level"] = _level(value("PRIORITY"), "syslog")
        # A message with control characters is written as the key, a newline, eight bytes of length, the data.
        pattern = r"(?s)\nMESSAGE\n.{8}(.*?)(?:\n[A-Z_]+[=\n]|$)"
        binary = f"nullif(regexp_extract({text}, {quoted(pattern)}, 1), '')"
        out["message"] = first_of(value("MESSAGE"), binary, text)
        out["raw"] = text
        return out


@dataclass(frozen=True)
class Unwrap:
    """What stands before every line of the log inside, and is taken off first."""

    name: str
    kind: str = "text"
    """`text`: `pattern` matches the prefix; `json`: Docker's json-file; `none`: colour codes only."""
    pattern: str = ""
    colours: bool = False
    """Terminal colour codes are removed too."""
    times: tuple[str, ...] = ("iso",)
    """How its time may be written, as in `TextLayout`."""


def loose_level(text: str) -> str:
    """SQL: the level word that stands by itself in the first 200 characters of the first line, or NULL."""
    found = (
        f"regexp_extract(substr(split_part({text}, chr(10), 1), 1, 200), {quoted(_LOOSE_LEVEL)}, ['a', 'b'])"
    )
    return f"nullif(upper({found}.a || {found}.b), '')"


def in_english(level: str) -> str:
    """SQL: a level's name, which may be of another language. `level`: a column, as it is asked for often."""
    return _case(level, TRANSLATED, level)


def _level(value: str, scheme: str) -> str:
    return _case(value, LEVEL_CODES[scheme], f"upper({value})")


def _case(value: str, names: Mapping[str, str], otherwise: str) -> str:
    if not names:
        return otherwise
    whens = " ".join(f"WHEN {quoted(code)} THEN {quoted(name)}" for code, name in names.items())
    return f"CASE {value} {whens} ELSE {otherwise} END"


def _unquoted(value: str) -> str:
    inner = f"replace(replace(replace({value}[2:-2], '\\n', chr(10)), '\\\"', '\"'), '\\\\', '\\')"
    return f"CASE WHEN starts_with({value}, '\"') THEN {inner} ELSE {value} END"


def _json_path(path: Sequence[str]) -> str:
    return "$" + "".join(f'."{key}"' for key in path)
