"""What a record says, as SQL expressions: in one line, with the cause a structured log keeps apart, in words."""

from collections.abc import Mapping

_CAUSE_LENGTH = 300
"""Characters of an error's text that count as what a record says."""

# Of a message of several lines the first, and where that says nothing by itself (no word outside brackets) or announces
# what follows (a colon), the next one that is not blank.
_WHITE = "' ' || chr(9) || chr(13)"
HEADLINE = f"""
CASE WHEN NOT contains(message, chr(10)) THEN message
     WHEN regexp_matches(split_part(message, chr(10), 1), '^(?:\\[[^\\]]*\\]|\\W)*$|:\\s*$')
     THEN trim(rtrim(split_part(message, chr(10), 1), {_WHITE}) || ' '
          || rtrim(regexp_extract(message, '^[^\\n]*\\n\\s*([^\\n]+)', 1), {_WHITE}))
     ELSE split_part(message, chr(10), 1) END
"""
"""SQL: what a message says in a line."""


def with_cause(value: Mapping[str, str]) -> str | None:
    """SQL: a structured record's message with what else says how it went: an HTTP status of an error, an error's text."""
    message = value.get("message")
    if message is None:
        return None
    said = message + _status(value)
    if "error" in value:
        known = f"contains({message}, {_cause(value)})"
        said += (
            f" || CASE WHEN {_is_cause(value)} AND NOT {known} THEN ' error=' || {_cause(value)} ELSE '' END"
        )
    return f"CASE WHEN contains({message}, chr(10)) THEN {message} ELSE {said} END"


def readable(document: str, value: Mapping[str, str]) -> str:
    """SQL: a JSON object without a message as words: `{"a":{"b":"c"},"d":1}` is `a b=c d=1`.

    An error's text comes first, an HTTP status of an error last; values that only tell one record from another (hashes, UUIDs) are left out.
    """
    opened = rf"""regexp_replace({document}, '":\{{+"?', ' ', 'g')"""
    parted = f"""replace(replace({opened}, '":', '='), ',"', ' ')"""
    bare = f"""translate({parted}, '{{}}"', '')"""
    told = (
        rf"""trim(regexp_replace({bare}, '(?:^| )[^ =]+=(?:[a-z0-9-]+:)?[0-9a-fA-F-]{{20,}}\b', '', 'g'))"""
    )
    if "error" in value:
        told = f"CASE WHEN {_is_cause(value)} THEN 'error=' || {_cause(value)} || ' ' ELSE '' END || {told}"
    told = f"nullif({told}, '')"
    return told + _status(value, told) if "status" in value else told


def _status(value: Mapping[str, str], said: str = "''") -> str:
    """SQL to append an HTTP status of an error, unless it is said."""
    if "status" not in value:
        return ""
    status = f"' status=' || {value['status']}"
    failed = (
        f"regexp_full_match({value['status']}, '[45][0-9][0-9]') AND NOT contains(' ' || {said}, {status})"
    )
    return f" || CASE WHEN {failed} THEN {status} ELSE '' END"


def _cause(value: Mapping[str, str]) -> str:
    line = f"split_part({value['error']}, chr(10), 1)"
    # What only announces its errors is told with them.
    whole = rf"regexp_replace({value['error']}, '\s+', ' ', 'g')"
    return f"left(CASE WHEN ends_with({line}, ':') THEN {whole} ELSE {line} END, {_CAUSE_LENGTH})"


def _is_cause(value: Mapping[str, str]) -> str:
    """What is no error's text: a number, true, none."""
    return (
        f"regexp_matches({_cause(value)}, '[A-Za-z]{{3}}') "
        f"AND lower({_cause(value)}) NOT IN ('null', 'none', 'nil', 'false', 'true')"
    )
