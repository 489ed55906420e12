"""Numbers that say how something went, and so are no values among others: what HTTP requests came to, and zeros.

`failed=0` and `failed=3`, `exited with status 0` and `… 137` are different messages, as a 200 is other than a 503. A word
stands in for such a number while messages are masked, and `readable` puts people's own notation back.
"""

import re

_CLIENT_ERROR, _SERVER_ERROR, _ZERO = "httpclienterror", "httpservererror", "zerocount"
"""Stand-ins; the word list `state` of masks.toml has them, so that no template joins what they part."""

_HTTP = (
    r"(\bhttp/[0-9.]+[\"']? |\bhttp(?: status| code| error)?[ :=]+|\bstatus(?:[ _-]?code)?[\"']?[ :=]+[\"']?"
    r"|\b(?:answer|return|respond)(?:ed|s|ing)?(?: with| is| code| status)? |\bresponse(?: code| status)?[ :=]+"
    # HAProxy's five times, and Squid's result, end in what was answered.
    r"|\s(?:-?[0-9]+/){4}\+?-?[0-9]+ |\bTCP_[A-Z_]+/)"
)
_BAD = (
    r"\b\w*(?:fail|error|exception|unreachable|lost|loss|drop|discard|reject|abort|timeout|timed out|corrupt|crash|kill|missed"
    r"|overrun|denied|unhealthy|broken|violation|invalid|missing|conflict|warning)\w*"
)
_EXIT = (
    r"\b(?:exit(?:ed|s)?(?:[ _-]?(?:with|code|status|value))*|rc|err(?:no)?|ret(?:code|val)"
    r"|(?:return|result|status|(?:finish|complet|end|terminat|stopp|return)ed(?: with)?)(?: (?:return|exit|result))?[ _-]?(?:code|status))"
)
_NUMBER_ENDS = r"(:?\.?(?:[^\w.:-]|$))"
_ZERO_AFTER = rf"((?:{_BAD}|{_EXIT})[\"']?(?:\s?[=:]\s?|\s)[\"']?)0+{_NUMBER_ENDS}"
# "Order 0 failed" counts nothing: what counts begins a clause, or follows a word that leads up to a number.
_COUNTS = r"^|[,;:|(\[{] ?|\b(?:with|and|or|had|has|have|are|were|found|saw|got|after|of|in) "
_ZERO_BEFORE = rf"({_COUNTS})0( (?:\w+ )?{_BAD})"
_ANY = rf"(?i)(?:{_HTTP}[45][0-9][0-9]\b|{_ZERO_AFTER}|{_ZERO_BEFORE})"

_REPLACED = (
    (rf"(?i){_HTTP}4[0-9][0-9]\b", rf"\1{_CLIENT_ERROR}"),
    (rf"(?i){_HTTP}5[0-9][0-9]\b", rf"\1{_SERVER_ERROR}"),
    (rf"(?i){_ZERO_AFTER}", rf"\1{_ZERO}\2"),
    (rf"(?i){_ZERO_BEFORE}", rf"\1{_ZERO}\2"),
)

RULES = (_ANY, _REPLACED)
"""What decides the stand-ins, for a digest."""

# An assignment is surer of its number than a word beside one: `failed: 0 errors: 0`.
_ENDS_IN_ZERO = r"[\"']?{}[\"']?0+(?!\w|\.\d)"
_NONE_COUNTED = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        _BAD + _ENDS_IN_ZERO.format(r"\s?[=:]\s?"),
        rf"(?:{_COUNTS})0 (?:\w+ )?{_BAD}",
        _BAD + _ENDS_IN_ZERO.format(r"\s"),
    )
)
_EXIT_OF_ZERO = re.compile(_EXIT + _ENDS_IN_ZERO.format(r"[\s=:]{1,3}"), re.IGNORECASE)


def with_stand_ins(line: str) -> str:
    """SQL: a message's line (an SQL expression, asked for often: a column) with words in place of such numbers."""
    replaced = line
    for pattern, to in _REPLACED:
        replaced = f"regexp_replace({replaced}, '{_quoted(pattern)}', '{to}', 'g')"
    # Most lines have none: one look costs less than four replacements.
    return f"CASE WHEN regexp_matches({line}, '{_quoted(_ANY)}') THEN {replaced} ELSE {line} END"


def readable(text: str) -> str:
    """A template's text with 4xx, 5xx and 0 in place of the stand-ins."""
    return text.replace(_CLIENT_ERROR, "4xx").replace(_SERVER_ERROR, "5xx").replace(_ZERO, "0")


def without_zero_counts(text: str) -> str:
    """A template's readable text without what it counts none of: `ok=<*> failed=0` says nothing of a failure."""
    for pattern in _NONE_COUNTED:
        text = pattern.sub("", text)
    return text


def without_zeros(text: str) -> str:
    """The same, and without `exited with status 0`."""
    return _EXIT_OF_ZERO.sub("", without_zero_counts(text))


def _quoted(text: str) -> str:
    return text.replace("'", "''")
