"""A rollout as a picture: the new version's share of the requests, and what gates measured."""

from __future__ import annotations

from collections.abc import Sequence
from xml.sax.saxutils import escape

from pydantic import BaseModel, ConfigDict

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 720, 240, 56, 96, 34, 34
SPAN, RISE = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
SHARE, TEXT, LINE, PAPER = "#2563eb", "#1e293b", "#cbd5e1", "#ffffff"
GATES = ("#dc2626", "#f59e0b", "#7c3aed", "#0d9488")


class Moment(BaseModel):
    """A share that is reached, or a number that a gate measured.

    Args:
        at: Seconds since the rollout began.
        share: Percent of the requests, from then on.
        gate: Name of the gate that measured.
        value: What it measured.
    """

    model_config = ConfigDict(frozen=True)

    at: float
    share: float | None = None
    gate: str | None = None
    value: float = 0


def draw(moments: Sequence[Moment], seconds: float) -> str:
    """SVG with the share as an area, and a line for each gate, scaled to its own highest value."""
    seconds = max(seconds, 1)
    gates = list(dict.fromkeys(moment.gate for moment in moments if moment.gate is not None))
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" '
        f'viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="{PAPER}"/>',
        *_axes(seconds),
        _shares([moment for moment in moments if moment.share is not None], seconds),
        _text(LEFT, 20, "share of the requests", "start", SHARE),
    ]
    for number, gate in enumerate(gates):
        color = GATES[number % len(GATES)]
        measured = [moment for moment in moments if moment.gate == gate]
        highest = max(moment.value for moment in measured)
        parts.append(_line(measured, seconds, max(highest, 1e-9), color))
        words = f"{gate}, highest {highest:.3g}"
        parts.append(_text(LEFT + 170 + 190 * number, 20, words, "start", color))
    return "".join((*parts, "</svg>"))


def _axes(seconds: float) -> list[str]:
    """The lines at 0, 50 and 100 percent, and the labels of both axes."""
    parts: list[str] = []
    for percent in (0, 50, 100):
        y = _y(percent / 100)
        parts.append(f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="{LINE}"/>')
        parts.append(_text(LEFT - 8, y + 4, f"{percent} %", "end", TEXT))
    ends = ((0.0, "start", "0 s"), (seconds, "end", f"{seconds:.0f} s"))
    return parts + [
        _text(_x(at, seconds), HEIGHT - 12, words, anchor, TEXT) for at, anchor, words in ends
    ]


def _shares(moments: Sequence[Moment], seconds: float) -> str:
    """The new version's share, as an area of steps."""
    path, share = f"M{LEFT} {_y(0):.1f}", 0.0
    for moment in moments:
        share = moment.share or 0.0
        path += f"H{_x(moment.at, seconds):.1f}V{_y(share / 100):.1f}"
    path += f"H{_x(seconds, seconds):.1f}V{_y(0):.1f}Z"
    return f'<path d="{path}" fill="{SHARE}" fill-opacity="0.2" stroke="{SHARE}"/>'


def _line(moments: Sequence[Moment], seconds: float, top: float, color: str) -> str:
    """A gate's measurements, scaled to the highest."""
    points = " ".join(
        f"{_x(moment.at, seconds):.1f},{_y(max(moment.value, 0) / top):.1f}" for moment in moments
    )
    return f'<polyline points="{points}" fill="none" stroke="{color}" stroke-width="1.5"/>'


def _x(at: float, seconds: float) -> float:
    return LEFT + SPAN * min(at / seconds, 1)


def _y(part: float) -> float:
    return TOP + RISE * (1 - part)


def _text(x: float, y: float, words: str, anchor: str, color: str) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" fill="{color}" text-anchor="{anchor}">'
        f"{escape(words)}</text>"
    )
