"""The pyramid as a picture: what it should look like, and what it looks like by count and time."""

from __future__ import annotations

from collections.abc import Sequence
from xml.sax.saxutils import escape

from shipway.pyramid.results import LayerResult

WIDTH, ROW, LEFT, RIGHT, TOP = 720, 46, 110, 210, 34
SPAN = WIDTH - LEFT - RIGHT
BAR = 14
COUNT, TIME, LINE, TEXT, PAPER = "#2563eb", "#f59e0b", "#64748b", "#1e293b", "#ffffff"
TARGET = f'fill="none" stroke="{LINE}" stroke-width="1.5" stroke-dasharray="4 2"'


def shares(layers: Sequence[LayerResult]) -> list[tuple[float, float]]:
    """Each layer's share of the tests and of their time, in percent."""
    tests = sum(len(layer.tests) for layer in layers)
    seconds = sum(layer.test_seconds for layer in layers)
    return [
        (_percent(len(layer.tests), tests), _percent(layer.test_seconds, seconds))
        for layer in layers
    ]


def draw(layers: Sequence[LayerResult]) -> str:
    """SVG with the first layer at the bottom; each bar stands in the middle, as in a pyramid."""
    height = TOP + ROW * len(layers) + 8
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
        f'viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{height}" fill="{PAPER}"/>',
        *_legend(),
    ]
    percents = shares(layers)
    for row, number in enumerate(reversed(range(len(layers)))):
        parts += _row(layers[number], *percents[number], TOP + ROW * row)
    return "".join((*parts, "</svg>"))


def _row(layer: LayerResult, count: float, time: float, top: float) -> list[str]:
    middle = top + ROW / 2
    real = f"{count:.0f} % of tests, {time:.0f} % of time"
    return [
        _text(LEFT - 10, middle + 4, layer.layer, "end"),
        _bar(count, top + 7, BAR, f'fill="{COUNT}"'),
        _bar(time, top + 7 + BAR, BAR, f'fill="{TIME}"'),
        # Last, so that it is seen in front of bars that are too long.
        _bar(layer.weight, top + 4, 2 * BAR + 6, TARGET),
        _text(WIDTH - RIGHT + 14, middle - 3, f"target {layer.weight:.0f} %", "start"),
        _text(WIDTH - RIGHT + 14, middle + 12, real, "start"),
    ]


def _legend() -> list[str]:
    words = (("target", TARGET), ("by count", f'fill="{COUNT}"'), ("by time", f'fill="{TIME}"'))
    return [
        f'<rect x="{LEFT + 110 * n}" y="10" width="12" height="12" {style}/>'
        + _text(LEFT + 110 * n + 18, 20, word, "start")
        for n, (word, style) in enumerate(words)
    ]


def _bar(percent: float, top: float, height: float, style: str) -> str:
    width = max(1.0, SPAN * percent / 100)
    left = LEFT + (SPAN - width) / 2
    return f'<rect x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" height="{height}" {style}/>'


def _text(x: float, y: float, words: str, anchor: str) -> str:
    return f'<text x="{x}" y="{y}" fill="{TEXT}" text-anchor="{anchor}">{escape(words)}</text>'


def _percent(part: float, whole: float) -> float:
    return 100 * part / whole if whole else 0.0
