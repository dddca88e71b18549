"""What the ops repository has in use: every image, revision and run that it names."""

from __future__ import annotations

import re
from datetime import datetime

from pydantic import BaseModel, ConfigDict

from shipway.config.holds import HOLDS_FILE
from shipway.git.history import History
from shipway.git.ops_repository import OpsRepository
from shipway.rollout.releases import what_ran
from shipway.strategies.step import is_released

# Digests, revisions and the ids of runs, whatever they stand in: what is not understood counts.
_IDS = re.compile(
    rb"(?<![0-9a-f])(?:[0-9a-f]{64}|[0-9a-f]{40}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"
    rb"(?![0-9a-f])"
)


class InGit(BaseModel):
    """What the ops repository names.

    Attributes:
        ids: Hexadecimal parts of digests; revisions; ids of runs.
    """

    model_config = ConfigDict(frozen=True)

    ids: frozenset[str]

    def names(self, *ids: str) -> bool:
        """Whether it names one of these: digests, revisions or ids of runs."""
        return any(each.removeprefix("sha256:") in self.ids for each in ids)


def ids_in(text: bytes) -> set[str]:
    """Every digest, revision and id of a run that stands in a text."""
    return {found.decode() for found in _IDS.findall(text.lower())}


def read_in_git(ops: OpsRepository, rollbacks: int, since: datetime) -> InGit:
    """What any file of the ops repository names now, and what environments can go back to.

    Args:
        ops: The ops repository.
        rollbacks: How many of the last images that served in an environment count.
        since: Folders that somebody changed since then count, also if they are gone.

    Raises:
        RefuseError: The branch or the repository is not there, access is denied, or its history is
            not all there.
        RetryError: The server cannot be reached.
    """

    def look(history: History) -> set[str]:
        return ids_that_served(history, rollbacks)

    ids = set[str]().union(*map(ids_in, ops.every_file()))
    ids = ids.union(*ops.consult_each(lambda _, history: look(history())))
    for environment in {each.environment for each in ops.apps()}:
        ids = ids.union(*ops.look_back(environment, None, since, look))
    return InGit(ids=frozenset(ids))


def ids_that_served(history: History, rollbacks: int) -> set[str]:
    """What a folder named while its last images served; those that were on hold do not count.

    Args:
        history: The folder's history.
        rollbacks: How many images.
    """
    ids, served = set[str](), set[str]()
    held = _newest_holds(history)
    for ran in what_ran(history):
        if is_released(ran.serving) and ran.serving.encode() not in held:
            served.add(ran.serving)
        if len(served) > rollbacks:
            break
        ids = ids.union(*map(ids_in, ran.version.files.values()))
    return ids


def _newest_holds(history: History) -> bytes:
    newest = history.versions.at(0)
    return newest.files.get(HOLDS_FILE, b"") if newest else b""
