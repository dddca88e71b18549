"""When an app's folder left the ops repository."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise

from shipway.config.rollout import FILE
from shipway.git.folder_history import Version
from shipway.git.history import History
from shipway.git.record import record_in
from shipway.history.change import Change
from shipway.rollout.releases import UNKNOWN
from shipway.rollout.removed import said_of


def removals_since(history: History, since: datetime) -> Iterator[Change]:
    """Each commit since then that removed the app's folder, newest first."""
    for version, before in pairwise(history.versions):
        if version.commit.at < since:
            return
        if not version.files and FILE in before.files:
            yield _removal(history, version, before)


def _removal(history: History, version: Version, before: Version) -> Change:
    whose, ran = history.app_environment, record_in(before.files)
    said = said_of(whose, [version])
    return Change(
        app=whose.app,
        commit=version.commit.commit,
        at=version.commit.at,
        kind="removal",
        what="decommissioned" if said else "removed by hand",
        image=ran.get("Image", ""),
        revision=ran.get("Revision", UNKNOWN),
        by=said.get("By", version.commit.by),
        reason=said.get("Reason", ""),
        run=said.get("Run", ""),
    )
