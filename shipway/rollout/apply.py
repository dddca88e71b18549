"""Make the cluster equal to what Git says of one app's folder, as its agent does."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from pydantic import BaseModel, ConfigDict

from shipway.git.ops_folder import OpsFolder
from shipway.kubernetes.applied_sets import COMMIT, FOLDER
from shipway.kubernetes.apply import apply_set
from shipway.kubernetes.apply_object import Change
from shipway.kubernetes.client import KubeClient
from shipway.rollout.render import Manifests
from shipway.rollout.target import Target
from shipway.strategies.step import is_released


class Applied(BaseModel):
    """What applying one app's folder changed."""

    model_config = ConfigDict(frozen=True)

    folder: str
    commit: str
    changes: tuple[Change, ...]


async def apply_tip(
    fetch: Callable[[], Awaitable[OpsFolder]],
    apply: Callable[[OpsFolder], Awaitable[list[Change] | None]],
) -> Applied | None:
    """Apply a folder at the tip, again and again until the tip is what was applied.

    Args:
        fetch: Reads the folder at the tip.
        apply: Applies it; None where that is not for this agent to do.
    """
    folder = await fetch()
    changes: list[Change] = []
    while (applied := await apply(folder)) is not None:
        tip = folder
        if any(change.action != "unchanged" for change in applied):
            tip = await fetch()
        if tip.files == folder.files:
            changes += applied
            return Applied(folder=folder.path, commit=folder.commit, changes=tuple(changes))
        # Another run of the agent may have applied that commit already: what differed from the one
        # before it was no drift, and is to be put right.
        changes += [change.model_copy(update={"drift": False}) for change in applied]
        folder = tip
    return None


def is_for_reconcile(target: Target) -> bool:
    """Whether Shipway's own agent applies a folder.

    It does not before the first release: until then the image is a placeholder, and only digests
    reach the cluster.
    """
    return target.rollout.agent == "reconcile" and all(map(is_released, target.images))


async def apply_target(client: KubeClient, target: Target, manifests: Manifests) -> list[Change]:
    """Apply the manifests of a folder; drift is put back, or only told of, as rollout.yaml says."""
    return await apply_set(
        client,
        target.app,
        target.rollout.namespace,
        list(manifests.objects),
        manifests.fingerprint,
        heal=target.rollout.drift == "heal",
        notes={FOLDER: target.folder, COMMIT: target.commit},
    )
