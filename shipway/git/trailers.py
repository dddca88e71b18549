"""Commit messages with trailers, and the history that they add up to."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime

from pydantic import BaseModel, ConfigDict

from shipway.git.mirror import Mirror
from shipway.git.revision import committed_at
from shipway.text import one_line

# The one character that no commit holds.
_END = "\0"


class OpsCommit(BaseModel):
    """A commit of the ops repository that says what it did in its trailers."""

    model_config = ConfigDict(frozen=True)

    commit: str
    at: datetime
    by: str
    trailers: dict[str, str]


def with_trailers(subject: str, trailers: Mapping[str, str]) -> str:
    """A commit message: the subject, an empty line, one trailer a line."""
    lines = "\n".join(f"{key}: {one_line(value)}" for key, value in trailers.items())
    return f"{one_line(subject)}\n\n{lines}\n"


def commits_with(mirror: Mirror, commit: str, trailers: Mapping[str, str]) -> Iterator[OpsCommit]:
    """The commits up to `commit` that have all these trailers, newest first."""
    # Git finds the lines fast, but they may stand in prose: only trailers count.
    lines = [f"--grep=^{name}: {re.escape(value)}$" for name, value in trailers.items()]
    fields = ("%H", "%cI", "%ct", "%an", "%(trailers:only,unfold)")
    log = mirror.run(
        "log",
        "-z",
        "--all-match",
        "--extended-regexp",
        f"--format={'%x00'.join(fields)}",
        *lines,
        commit,
    )
    texts = iter(log.decode("utf-8", "replace").split(_END)[:-1])
    for oid, date, seconds, by, text in zip(*[texts] * len(fields), strict=True):
        pairs = (line.split(": ", 1) for line in text.split("\n") if ": " in line)
        said = {name: one_line(value) for name, value in pairs}
        if trailers.items() <= said.items():
            yield OpsCommit(
                commit=oid, at=committed_at(date, seconds), by=one_line(by), trailers=said
            )
