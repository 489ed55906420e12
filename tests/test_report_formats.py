"""The reports as documents: JSON, CSV, Markdown and HTML hold the same findings, and text of a log is only ever text."""

import csv
import json
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt
from simple_logs import JOB_STEPS, UNSEEN_ERROR, investigated, jobs, render, write

from krone_tui.report import Format
from krone_tui.report import write as report
from krone_tui.report.markdown import prose
from krone_tui.report.safe import MOST_MARKS, printable
from krone_tui.report.spreadsheet import csv_line
from krone_tui.store import Store, views

HOSTILE = (
    "\x1b[2J\x1b[31mwiped\x1b[0m \x1b]0;title\x07 \x1b]8;;http://evil.example\x1b\\link \u009b31m",
    "\u202egnitsalb\u202c \u2066isolated\u2069 zero\u200bwidth \ufeffmark \u2028line\u2029paragraph \U000e0041tag",
    "</code></td></table><script>alert(1)</script><img src=x onerror=alert(2)><style>*{display:none}</style>",
    "\"><svg onload=alert(3)> &lt;b&gt; <!-- <a href='javascript:alert(4)'>x</a> ]]> </title>",
    "**bold** _em_ [a](http://evil.example) ![i](http://evil.example/p.png) `tick` ```fence ~~gone~~ <b>raw</b>",
    "# head | cell | @everyone #123 www.evil.example https://evil.example :tada: $x$",
    "=cmd|'/C calc'!A0 ;=1+1 +SUM(A1) @SUM(A1) -2+3",
    "Z" + "\u0301" * 40 + "algo \u3164\u115f blank",
)
STEERING = ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")


def name(index: int) -> str:
    return f"blk_{300_000 + 7 * index}"


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Jobs of which some log what would steer whatever shows it, in messages, in components and in a file's name."""
    odd: dict[int, tuple[str, ...]] = {
        20 + 15 * at: (*JOB_STEPS[:3], f"ERROR jobs.Disk: {text} failed {{id}}", *JOB_STEPS[5:])
        for at, text in enumerate(each.replace("{", "(").replace("}", ")") for each in HOSTILE)
    }
    odd[5] = (*JOB_STEPS[:2], "ERROR jobs.<b>\x1b[7m: =HYPERLINK failure of {id}", *JOB_STEPS[3:])
    path = tmp_path_factory.mktemp("log") / "=evil`<b>\x1b[31m\u202e.log"
    path.write_bytes("".join(f"{line}\n" for line in render(jobs(160, 1, odd, name=name))).encode())
    with investigated([path]) as opened:
        yield opened


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    odd = {
        20: (*JOB_STEPS[:3], UNSEEN_ERROR),
        40: JOB_STEPS[:4],
        60: (*JOB_STEPS[:4], *[JOB_STEPS[4]] * 12, *JOB_STEPS[5:]),
        80: (*JOB_STEPS[:2], JOB_STEPS[5], *JOB_STEPS[2:5], JOB_STEPS[6]),
    }
    log = write(tmp_path_factory.mktemp("log") / "work.log", render(jobs(200, 1, odd, name=name)))
    with investigated([log]) as opened:
        yield opened


def written(store: Store, format_: Format, *, everything: bool = False, with_lines: bool = False) -> str:
    return "".join(
        f"{line}\n" for line in report(store, format_, everything=everything, with_lines=with_lines)
    )


def steering(text: str) -> set[str]:
    return {one for one in text if one != "\n" and unicodedata.category(one) in STEERING}


@pytest.mark.parametrize("format_", list(Format))
def test_no_format_lets_a_character_through_that_steers(hostile: Store, format_: Format) -> None:
    assert views.summary(hostile).failure_modes >= len(HOSTILE) - 2
    for everything in (False, True):
        text = written(hostile, format_, everything=everything)
        assert steering(text) == set()
        assert "wiped" in text
        assert "\\u001b" in text if format_ in (Format.JSON, Format.JSONL) else "\\x1b" in text
        if format_ not in (Format.JSON, Format.JSONL):
            assert not re.search("[\u0300-\u036f]{5}", text)
        text.encode("utf-8")


def test_combining_marks_do_not_pile_up_and_fillers_are_spelled_out() -> None:
    assert printable("e\u0301") == "e\u0301"
    assert printable("e" + "\u0301" * 6) == "e" + "\u0301" * MOST_MARKS + "\\u0301" * 2
    assert printable("a\u3164b\u034fc") == "a\\u3164b\\u034fc"


# ---- JSON


def test_the_json_document_holds_what_the_other_formats_hold(store: Store) -> None:
    document = json.loads(written(store, Format.JSON, everything=True, with_lines=True))
    assert list(document) == [
        "krone_tui",
        "summary",
        "timeline",
        "failure_modes",
        "unflagged_failures",
        "executions",
    ]
    found = views.summary(store)
    for field in ("lines", "records", "executions", "flagged", "failure_modes", "grouped_by", "baseline"):
        assert document["summary"][field] == getattr(found, field)
    slices = document["timeline"]["slices"]
    assert sum(one["executions"] for one in slices) == found.executions
    assert sum(one["flagged"] for one in slices) == found.flagged
    assert [one["failure_mode"] for one in document["failure_modes"]] == list(
        range(1, found.failure_modes + 1)
    )
    rows = written(store, Format.JSONL, everything=True, with_lines=True).splitlines()
    assert document["executions"] == [json.loads(row) for row in rows]


def test_every_failure_mode_has_evidence_records_and_the_nearest_normal_aligned(store: Store) -> None:
    path = Path(json.loads(written(store, Format.JSON))["executions"][0]["source"])
    lines = path.read_text(encoding="utf-8").splitlines()
    marks: Counter[str] = Counter()
    for mode in json.loads(written(store, Format.JSON))["failure_modes"]:
        assert mode["evidence"]
        assert any(record["deviating"] for record in mode["records"])
        own = mode["example"]["execution"]
        for record in mode["records"]:
            assert record["text"] == lines[record["first_line"] - 1]
            assert own in record["text"]
        normal = mode["nearest_normal"]
        assert normal["executions"] > 1
        for row in normal["rows"]:
            marks[row["mark"]] += 1
            for side, of in (("here", own), ("normal", normal["execution"])):
                if row[side] is not None:
                    assert of in lines[row[side]["first_line"] - 1]
            one_sided = {"extra": (True, False), "missing": (False, True)}
            if row["mark"] != "moved":
                sides = (row["here"] is not None, row["normal"] is not None)
                assert sides == one_sided.get(row["mark"], (True, True))
    assert {"same", "extra", "missing", "inside"} <= set(marks)


def test_a_document_of_a_log_without_findings_and_without_times_is_whole(tmp_path: Path) -> None:
    log = write(tmp_path / "calm.log", render(jobs(30, 1, name=name), None))
    with investigated([log]) as calm:
        document = json.loads(written(calm, Format.JSON))
        assert document["failure_modes"] == document["executions"] == document["timeline"]["slices"] == []
        assert document["timeline"]["onset"] is None
        assert "each of 30 executions" in written(calm, Format.HTML)
        assert "<svg" not in written(calm, Format.HTML)
        assert written(calm, Format.MARKDOWN).startswith("# 0 of 30 executions flagged\n")
        assert len(written(calm, Format.CSV).splitlines()) == 1


# ---- CSV


def csv_rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(text.splitlines()))


def test_csv_has_a_row_for_each_execution_as_json_lines_have(store: Store) -> None:
    rows = csv_rows(written(store, Format.CSV, everything=True, with_lines=True))
    others = [
        json.loads(line)
        for line in written(store, Format.JSONL, everything=True, with_lines=True).splitlines()
    ]
    assert len(rows) == len(others) == views.summary(store).executions
    for row, other in zip(rows, others, strict=True):
        assert row["execution"] == other["execution"]
        assert (row["flagged"] == "yes") is other["flagged"]
        assert [int(number) for number in row["line_numbers"].split()] == other["line_numbers"]
        assert float(row["score"]) == other["score"]
        for sentence in other["finding"]["evidence"] if other["finding"] else ():
            assert printable(sentence["text"]) in row["evidence"]


def test_no_cell_of_a_hostile_log_is_a_formula(hostile: Store) -> None:
    text = written(hostile, Format.CSV, everything=True)
    rows = list(csv.reader(text.splitlines()))
    assert len({len(row) for row in rows}) == 1
    assert any("cmd|" in cell for row in rows for cell in row)
    for row in rows:
        for cell in row:
            assert cell.lstrip()[:1] not in tuple("=+-@＝＋－＠")
            assert not re.search(r";\s*[=+\-@]", cell)
    assert all(row[2].startswith("/") for row in rows[1:])


def test_a_formula_gets_an_apostrophe_and_a_number_none() -> None:
    assert csv_line(["=1+1", "+x", " -5 a", "@SUM", "＝1", "a;=b", "a-b", "", None, -5, 0.25]) == (
        "'=1+1,'+x, '-5 a,'@SUM,'＝1,a;'=b,a-b,,,-5,0.25"
    )
    assert csv_line(['say "a, b"', "two\nlines"]) == '"say ""a, b""",two ⏎ lines'


# ---- Markdown


def tokens(text: str) -> list[Any]:
    found = []
    for token in MarkdownIt("gfm-like").parse(text):
        found += [token, *(token.children or [])]
    return found


INERT = {
    "text", "softbreak", "code_inline", "fence", "inline", "paragraph_open", "paragraph_close", "heading_open",
    "heading_close", "bullet_list_open", "bullet_list_close", "list_item_open", "list_item_close",
}  # fmt: skip


def test_nothing_of_a_hostile_log_is_markdown(hostile: Store) -> None:
    found = tokens(written(hostile, Format.MARKDOWN, everything=True))
    assert {token.type for token in found} <= INERT
    modes = views.summary(hostile).failure_modes
    headings = [token.tag for token in found if token.type == "heading_open"]
    assert headings == ["h1", *["h2"] * (min(modes, 20) + 1)]
    shown = "".join(token.content for token in found if token.type in ("code_inline", "fence"))
    plain = "".join(token.content for token in found if token.type == "text")
    for dangerous in ("<script>", "@everyone", "#123", "www.evil.example", "**bold**", "=cmd"):
        assert dangerous in shown
        assert dangerous not in plain
    assert not re.search(r"[<>@#`*_|\\]|://|www\.", plain)


def test_code_blocks_end_where_they_are_meant_to(hostile: Store) -> None:
    text = written(hostile, Format.MARKDOWN)
    fences = [token for token in tokens(text) if token.type == "fence"]
    assert {token.info for token in fences} == {"text", "diff"}
    assert text.count("```") == 2 * len(fences)


@pytest.mark.parametrize(
    ("sentence", "shown"),
    [
        ("“a <*>” occurs (lines 3, 4).", "`a <*>` occurs (lines 3, 4)."),
        ("“a”, “b” and 1 more; not here: “c” ×2.", "`a`, `b` and 1 more; not here: `c` ×2."),
        ("“a `b”c” _d_ @e", "`a \\x60b` `c”` `_d_` `@e`"),
        ("www.evil.example http://x 10.0.0.7", "`www.evil.example` `http://x` 10.0.0.7"),
    ],
)
def test_sentences_keep_their_plain_words_and_fence_the_rest(sentence: str, shown: str) -> None:
    assert prose(sentence) == shown


def test_markdown_tells_every_failure_mode_with_its_evidence_and_the_normal_one(store: Store) -> None:
    text = written(store, Format.MARKDOWN)
    assert text.startswith("# ")
    for mode in views.failure_modes(store):
        assert f"## {mode.failure_mode_id}. `{mode.title}`" in text
    assert "```diff\n" in text
    assert re.search(r"^\+ extra +line \d+ +.*checksum mismatch", text, re.MULTILINE)
    assert re.search(r"^> +\d+ .*checksum mismatch", text, re.MULTILINE)


# ---- HTML


class Page(HTMLParser):
    """Every element with its attributes, and the text of the page."""

    VOID = ("meta", "br")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.styles: list[str] = []
        self.other: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == [], "every element is closed"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag, "elements are nested"

    def handle_data(self, data: str) -> None:
        (self.styles if self._open[-1:] == ["style"] else self.text).append(data)

    def handle_comment(self, data: str) -> None:
        self.other.append(data)

    unknown_decl = handle_pi = handle_comment


ALLOWED = {
    "html": {"lang"}, "head": set(), "meta": {"charset", "http-equiv", "content", "name"}, "title": set(),
    "style": set(), "body": set(), "main": set(), "h1": set(), "h2": set(), "p": {"class"}, "dl": {"class"},
    "div": set(), "dt": set(), "dd": set(), "code": set(), "small": set(), "br": set(), "ul": {"class"}, "li": set(),
    "a": {"href"}, "section": {"id"}, "figure": {"class"}, "footer": set(), "table": {"class"}, "caption": set(),
    "thead": set(), "tbody": set(), "tr": {"class"}, "th": set(), "td": {"class", "colspan"},
    "svg": {"viewbox", "role", "aria-label"}, "g": set(),
    "rect": {"class", "x", "y", "width", "height", "fill", "pointer-events"},
    "text": {"class", "x", "y", "text-anchor", "font-family", "font-size", "fill"},
    "line": {"x1", "x2", "y1", "y2", "stroke"},
}  # fmt: skip


def test_html_of_a_hostile_log_has_our_elements_and_attributes_alone(hostile: Store) -> None:
    page = Page(written(hostile, Format.HTML, everything=True))
    for tag, attributes in page.elements:
        assert tag in ALLOWED
        assert set(attributes) <= ALLOWED[tag], (tag, attributes)
        for value in attributes.values():
            assert value is not None
            assert "evil" not in value and "alert" not in value and "://" not in value
        assert re.fullmatch(r"#mode-\d+", attributes.get("href") or "#mode-1")
    assert page.other == []
    assert Counter(tag for tag, _ in page.elements)["style"] == 1
    text = "".join(page.text)
    for markup in ("<script>alert(1)</script>", "onerror=alert(2)", "<svg onload=alert(3)>", "&lt;b&gt;"):
        assert markup in text


def test_html_refers_to_nothing_outside_itself(store: Store) -> None:
    text = written(store, Format.HTML)
    page = Page(text)
    assert len(page.styles) == 1
    assert not re.search(r"url\(|@import|expression|javascript", page.styles[0])
    assert not re.search(
        r"\b(?:src|srcset|data|action|xlink:href|style)=",
        re.sub(r"<style>.*</style>", "", text, flags=re.DOTALL),
    )
    policy = next(attributes["content"] for tag, attributes in page.elements if "http-equiv" in attributes)
    assert policy is not None and policy.startswith("default-src 'none'")
    assert "prefers-color-scheme: dark" in page.styles[0] and "@media print" in page.styles[0]


def test_html_tells_the_summary_the_timeline_and_every_failure_mode(store: Store) -> None:
    page = Page(written(store, Format.HTML))
    text = " ".join("".join(page.text).split())
    found = views.summary(store)
    assert f"{found.flagged:,} of {found.executions:,} executions flagged" in text
    bars = [
        attributes for tag, attributes in page.elements if tag == "rect" and attributes["class"] == "flagged"
    ]
    assert sum(float(bar["height"] or 0) > 0 for bar in bars) == len(
        [1 for _, _, flagged in views.histogram(store, len(bars)) if flagged]
    )
    for mode in views.failure_modes(store):
        assert ("section", {"id": f"mode-{mode.failure_mode_id}"}) in page.elements
    for words in ("+ extra", "- missing", "= same", "Beside the nearest normal execution", "►"):
        assert words in text
    assert Counter(attributes.get("class") for tag, attributes in page.elements if tag == "tr")[
        "deviates"
    ] >= len(views.failure_modes(store))


def test_a_failure_that_begins_in_the_middle_has_its_onset_in_the_picture(tmp_path: Path) -> None:
    odd = dict.fromkeys(range(300, 340), (*JOB_STEPS[:3], UNSEEN_ERROR))
    log = write(tmp_path / "onset.log", render(jobs(500, 1, odd, name=name)))
    with investigated([log]) as opened:
        page = Page(written(opened, Format.HTML))
        assert any(attributes.get("class") == "onset" for _, attributes in page.elements)
        began = json.loads(written(opened, Format.JSON))["timeline"]["onset"]
        assert began is not None
        assert f"started {began.replace('T', ' ')[:19]}" in "".join(page.text)
        assert f"from {began.replace('T', ' ')[:19]} on" in written(opened, Format.MARKDOWN)
