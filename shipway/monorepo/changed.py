"""Which services are to be released: those that differ from what the environment has of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict

from shipway.errors import RefuseError
from shipway.git.ops_folder import OpsFolder
from shipway.monorepo.service import Service
from shipway.rollout.deployed import deployed_in
from shipway.rollout.releases import UNKNOWN


class Standing(BaseModel):
    """What an environment has of a service, as its folder of the ops repository says.

    Attributes:
        revision: What was released there last; `unknown` where that is not known.
        is_whole: Whether all steps of that release are committed.
        run: The run that committed the last one.
        unread: Why the folder cannot be read; empty where it can.
    """

    model_config = ConfigDict(frozen=True)

    revision: str = UNKNOWN
    is_whole: bool = False
    run: str = ""
    unread: str = ""


class Choice(BaseModel):
    """What becomes of a service.

    Attributes:
        what: `changed` and `there` are released: what is there already is asked whether it is
            healthy, and a release that was cut off goes on. The others are left alone.
        why: For people.
    """

    model_config = ConfigDict(frozen=True)

    what: Literal["changed", "there", "unchanged", "left out"]
    why: str

    @property
    def is_released(self) -> bool:
        """Whether a run of `release` is started for it."""
        return self.what in {"changed", "there"}


def standing_in(folder: OpsFolder) -> Standing:
    """What a folder says; one that cannot be read is refused later, by the release."""
    try:
        deployed = deployed_in(folder)
    except RefuseError as error:
        return Standing(unread=error.what)
    return Standing(
        revision=deployed.revision, is_whole=deployed.is_whole_release, run=deployed.run
    )


def to_compare(
    services: Iterable[Service], standing: Mapping[str, Standing], commit: str
) -> dict[str, list[str]]:
    """What has to be compared with a revision: paths, by the commit that an environment has."""
    paths = dict[str, list[str]]()
    for service in services:
        before = standing.get(service.app, Standing()).revision
        if before not in {UNKNOWN, commit}:
            paths.setdefault(before, []).extend(service.paths)
    return paths


def choose(
    service: Service,
    standing: Standing | None,
    commit: str,
    differing: Mapping[str, Collection[str]],
) -> Choice:
    """Whether a service is released.

    What is not known to be unchanged is changed.

    Args:
        service: The service, as the revision has it.
        standing: What the environment has of it; None where it has no folder for it.
        commit: The revision.
        differing: The paths that differ from it, by what environments have; without commits that
            the repository does not know.
    """
    if standing is None:
        return Choice(what="left out", why="it has no folder in this environment")
    before = standing.revision
    if standing.unread:
        return Choice(what="changed", why=standing.unread)
    if before == UNKNOWN:
        return Choice(what="changed", why="nothing was released yet, or it was changed by hand")
    if before == commit:
        return Choice(what="there", why="this revision is there")
    if before not in differing:
        return Choice(what="changed", why=f"the repository does not know {before[:7]} any more")
    if changed := [path for path in service.paths if path in differing[before]]:
        return Choice(what="changed", why=f"{', '.join(changed)} since {before[:7]}")
    if not standing.is_whole:
        return Choice(what="changed", why=f"the release of {before[:7]} is not over")
    return Choice(what="unchanged", why=f"the same as in {before[:7]}")
