"""Commit messages with trailers, however the commit was merged, and what they add up to."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Mapping
from datetime import datetime

from pydantic import BaseModel, ConfigDict

from shipway.git.mirror import Mirror
from shipway.git.revision import committed_at
from shipway.text import one_line

# The one character that no commit holds.
END = "\0"
# What forges write before the lines of a message that they merge with others.
_BULLET = r"[[:blank:]]*([*-][[:blank:]]+)?"
_LINE = re.compile(r"(?:[*-][ \t]+)?([A-Za-z][A-Za-z0-9-]*):(?:[ \t]+(.*))?")
_FENCE = re.compile(r"\s*(```|~~~|-{3,}\s*$)")
_CHERRY_PICKED = "(cherry picked from commit "


class OpsCommit(BaseModel):
    """A commit of the ops repository that says what it did in its trailers."""

    model_config = ConfigDict(frozen=True)

    commit: str
    at: datetime
    by: str
    trailers: dict[str, str]


def trailer_lines(trailers: Mapping[str, str]) -> str:
    """One trailer a line."""
    return "".join(f"{key}: {one_line(value)}\n" for key, value in trailers.items())


def with_trailers(subject: str, trailers: Mapping[str, str], body: str = "") -> str:
    """A commit message: the subject, a body that ends in an empty line, one trailer a line."""
    return f"{one_line(subject)}\n\n{body}{trailer_lines(trailers)}"


def trailers_in(message: str) -> list[dict[str, str]]:
    """Each block of trailers in a message, in their order.

    Forges put the messages of several commits into one: below bullets, indented, in a code block,
    before a paragraph of co-authors. A block is a paragraph that has nothing but trailers, below a
    bullet with the subject or without.
    """
    # Of the characters that end a line for Python, only this one does in a message.
    lines = ["" if _FENCE.match(line) else line.rstrip(" \t\r") for line in message.split("\n")]
    paragraphs = re.split(r"\n[ \t]*\n", "\n".join(lines))
    blocks = (_block(textwrap.dedent(one.strip("\n"))) for one in paragraphs)
    return [block for block in blocks if block]


def _block(paragraph: str) -> dict[str, str]:
    """The trailers of a paragraph; none where it has anything else."""
    first, _, rest = paragraph.partition("\n")
    if rest and re.match(r"[*-][ \t]", first) and not _LINE.fullmatch(first):
        return _block(textwrap.dedent(rest))
    said, key = dict[str, str](), ""
    for line in paragraph.split("\n"):
        if found := _LINE.fullmatch(line):
            key = found[1]
            said[key] = one_line(found[2] or "")
        elif key and (line.startswith((" ", "\t")) or not said[key]):
            said[key] = one_line(f"{said[key]} {line.strip()}")
        elif not line.startswith(_CHERRY_PICKED):
            return {}
    return said


def commits_with(mirror: Mirror, commit: str, trailers: Mapping[str, str]) -> Iterator[OpsCommit]:
    """The commits up to `commit` that have all these trailers, newest first.

    Of several blocks that a commit has, the last one counts: it is the newest.
    """
    # Git finds the lines fast, but they may stand in prose: only trailers count.
    lines = [
        f"--grep=^{_BULLET}{name}: {re.escape(value)}[[:space:]]*$"
        for name, value in trailers.items()
    ]
    fields = ("%H", "%cI", "%ct", "%an", "%B")
    log = mirror.run(
        "log",
        "-z",
        "--all-match",
        "--extended-regexp",
        f"--format={'%x00'.join(fields)}",
        *lines,
        commit,
    )
    texts = iter(log.decode("utf-8", "replace").split(END)[:-1])
    for oid, date, seconds, by, text in zip(*[texts] * len(fields), strict=True):
        for said in reversed(trailers_in(text)):
            if trailers.items() <= said.items():
                at = committed_at(date, seconds)
                yield OpsCommit(commit=oid, at=at, by=one_line(by), trailers=said)
                break
