"""Log text made harmless for a prompt: it can neither end its fence nor speak a model's control tokens."""

import re

FENCE = "data"
_INVISIBLE = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]"
    r"|[\ue000-\uf8ff\U000e0000-\U000e007f]"
)
_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")
# Of the known chat formats: <|im_start|>, <｜User｜>, <s>, <start_of_turn>, <think>, [INST], <<SYS>>.
_CONTROL_TOKEN = re.compile(
    r"<\s*[|｜][^<>\n]{0,60}[|｜]\s*>"
    r"|<\s*/?\s*(?:s|bos|eos|pad|unk|think|tool_call|(?:start|end)_of_\w+)\s*>"
    r"|<</?SYS>>|\[/?(?:INST|SYSTEM_PROMPT|TOOL_CALLS|AVAILABLE_TOOLS)\]",
    re.IGNORECASE,
)
_FENCE_MARK = re.compile(rf"<(?=\s*/?\s*{FENCE}\b)", re.IGNORECASE)


def neutral(text: str) -> str:
    """Log text on one line: no control or invisible characters, no control tokens of chat formats, no fence
    marks.

    Angle and square brackets of such tokens become ‹ › ⁅ ⁆ and bars ¦, so that a reader still sees what was
    there.
    """
    line = _ANSI.sub("", text).replace("\t", " ").replace("\n", " ⏎ ")
    # Removing invisible characters first: one of them could sit inside a token to hide it.
    line = _INVISIBLE.sub("", line)
    line = _CONTROL_TOKEN.sub(lambda match: match.group().translate(_LOOK_ALIKES), line)
    return re.sub(r" {2,}", " ", _FENCE_MARK.sub("‹", line)).strip()


_LOOK_ALIKES = str.maketrans("<>[]|｜", "‹›⁅⁆¦¦")


def clipped(text: str, limit: int) -> str:
    """Log text made `neutral`, of at most about `limit` characters: head and tail kept, and how much is
    between them.
    """
    if len(text) <= 64 * limit:
        whole = neutral(text)
        if len(whole) <= limit:
            return whole
        left_out = len(whole) - limit
    else:
        # A line of megabytes: only its ends are worth the work.
        whole = f"{neutral(text[: 32 * limit])} {neutral(text[-32 * limit :])}"
        left_out = len(text) - limit
    tail = limit // 4
    return f"{whole[: limit - tail]} …({left_out:,} characters left out)… {whole[len(whole) - tail :]}"
