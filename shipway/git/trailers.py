"""Commit messages with trailers, and the history that they add up to."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime

from pydantic import BaseModel, ConfigDict

from shipway.git.mirror import Mirror
from shipway.text import one_line

_FIELD, _RECORD = "\x1f", "\x1e"


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
    fields = ("%H", "%cI", "%an", "%(trailers:only,unfold)")
    log = mirror.run(
        "log",
        "--all-match",
        "--extended-regexp",
        f"--format={'%x1f'.join(fields)}%x1e",
        *lines,
        commit,
    )
    for record in log.decode("utf-8", "replace").split(_RECORD)[:-1]:
        oid, at, by, text = record.lstrip("\n").split(_FIELD)
        said = dict(line.split(": ", 1) for line in text.splitlines() if ": " in line)
        if trailers.items() <= said.items():
            yield OpsCommit(
                commit=oid, at=datetime.fromisoformat(at), by=one_line(by), trailers=said
            )
