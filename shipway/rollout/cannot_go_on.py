"""The error for a rollout that something in the cluster keeps from going on."""

from __future__ import annotations

from shipway import commands
from shipway.errors import HaltError
from shipway.kubernetes.objects import KubeObject
from shipway.rollout.target import Target


def cannot_go_on(
    target: Target, kube_object: KubeObject, *, expected: str, got: str, untouched: str
) -> HaltError:
    """The version is not at fault, so that neither a hold nor the way back is the answer."""
    return HaltError(
        f"The rollout of {target.app} to {target.environment} cannot go on.",
        where=target.address_of(kube_object),
        expected=expected,
        got=got,
        untouched=f"{untouched}; the image is not on hold",
        remedy="mend what stands in the way, then start the release again: it goes on from here; "
        f"or {commands.rollback(target.app_environment)}",
    )
