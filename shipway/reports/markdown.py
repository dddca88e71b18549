"""Markdown that others' words cannot break."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence


def escape(text: str) -> str:
    """Text that somebody else wrote, as Markdown shows it rather than as what it may do."""
    return re.sub(r"([\\`*_{}\[\]()#+!|<>-])", r"\\\1", text)


def fenced(text: str, language: str = "text") -> str:
    """Text in a frame that nothing in it can end: others' words are part of it."""
    fence = "`" * (1 + max([2, *map(len, re.findall("`+", text))]))
    return f"{fence}{language}\n{text}\n{fence}"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])


def linked(text: str, run: str) -> str:
    """Text with a run behind it where that has an address."""
    return f"[{text}]({run})" if run.startswith("http") else text


def run_link(revision: str, run: str) -> str:
    """A revision in short, with the run that released it behind it."""
    return linked(revision[:7], run)


def data_uri(svg: str) -> str:
    """The picture as an address that holds it."""
    return f"data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode('ascii')}"


def without_pictures(markdown: str) -> str:
    """A page for a forge, whose pages show no picture that is held in its own address."""
    return re.sub(r"!\[[^\]]*\]\(data:[^)]*\)\n*", "", markdown)
