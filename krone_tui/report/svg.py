"""The timeline as inline SVG: flagged executions over the log's time, the stretch where they crowd, and all executions below."""

from collections.abc import Iterator

from krone_tui.report.timeline import Timeline
from krone_tui.report.words import at, counted

WIDTH, HEIGHT = 960, 190
_LEFT, _RIGHT = 60, 8
_TOP, _BASE = 26, 126
"""Of the flagged executions' bars."""
_LOAD_TOP, _LOAD_BASE = 136, 160
"""Of all executions' bars, to their own scale."""
_FILL = {"flagged": "#b3261e", "load": "#aab4bf"}
"""For readers of the file that do not apply the page's style to a picture; others follow the style."""
_TEXT = 'font-family="sans-serif" font-size="12" fill="#5b6570"'


def timeline(found: Timeline) -> Iterator[str]:
    """Lines of one `svg` element; it holds times and numbers, no text of the log. There is at least one slice."""
    slices = found.slices
    most = max(flagged for _, _, flagged in slices)
    busiest = max(executions for _, executions, _ in slices)
    wide = (WIDTH - _LEFT - _RIGHT) / len(slices)
    began = f"; they crowd from {at(found.onset_time)} on" if found.onset else ""
    yield (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="Flagged executions over time: at most {most:,} '
        f'in one of {len(slices)} slices{began}">'
    )
    if found.onset is not None:
        x = _LEFT + found.onset.first * wide
        yield (
            f'<rect class="onset" fill="#fff4dc" x="{x:.1f}" y="{_TOP - 8}" width="{(found.onset.end - found.onset.first) * wide:.1f}" '
            f'height="{_LOAD_BASE - _TOP + 8}"></rect>'
        )
        anchor = "start" if x < WIDTH * 0.7 else "end"
        yield f'<text class="label" {_TEXT} x="{x:.1f}" y="12" text-anchor="{anchor}">started {at(found.onset_time)}</text>'
    for place, (start, executions, flagged) in enumerate(slices):
        x = _LEFT + place * wide
        yield f"<g><title>{at(start)}: {flagged:,} of {counted(executions, 'execution')} flagged</title>"
        # The whole column answers the pointer, also where nothing was flagged.
        yield f'<rect class="column" fill="none" pointer-events="all" x="{x:.1f}" y="{_TOP}" width="{wide:.1f}" height="{_LOAD_BASE - _TOP}"></rect>'
        yield _bar("flagged", x, wide, _BASE, _BASE - _TOP, flagged, most)
        yield _bar("load", x, wide, _LOAD_BASE, _LOAD_BASE - _LOAD_TOP, executions, busiest)
        yield "</g>"
    yield f'<line stroke="#d5dae0" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{_BASE}" y2="{_BASE}"></line>'
    for y, text in ((_TOP + 10, f"{most:,}"), (_BASE, "flagged"), (_LOAD_BASE, "all")):
        yield f'<text class="axis" {_TEXT} x="{_LEFT - 4}" y="{y}" text-anchor="end">{text}</text>'
    middle = slices[len(slices) // 2][0]
    for x, anchor, time in (
        (_LEFT, "start", slices[0][0]),
        (_LEFT + len(slices) // 2 * wide, "middle", middle),
        (WIDTH - _RIGHT, "end", found.end),
    ):
        yield f'<text class="axis" {_TEXT} x="{x:.1f}" y="{HEIGHT - 10}" text-anchor="{anchor}">{at(time)}</text>'
    yield "</svg>"


def _bar(kind: str, x: float, wide: float, base: int, height: int, value: int, most: int) -> str:
    """One bar; a value above zero is never invisible."""
    tall = max(2.0, value / most * height) if value else 0.0
    return f'<rect class="{kind}" fill="{_FILL[kind]}" x="{x + 0.5:.1f}" y="{base - tall:.1f}" width="{max(0.5, wide - 1):.1f}" height="{tall:.1f}"></rect>'
