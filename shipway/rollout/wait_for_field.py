"""Whether the cluster's object says what a step set."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import cast

from shipway.kubernetes.annotations import path_of
from shipway.kubernetes.client import KubeClient
from shipway.kubernetes.objects import KubeObject
from shipway.rollout.agent import POLL_SECONDS, AgentFailure, Trouble, not_applied
from shipway.rollout.target import Target
from shipway.rollout.wait_for_gateway import wait_for_gateway
from shipway.strategies.app_folder import REPLICAS
from shipway.strategies.step import Edit


async def wait_for_field(
    client: KubeClient,
    target: Target,
    edit: Edit,
    agent_failure: AgentFailure,
    warn: Callable[[str], None],
) -> None:
    """Wait until the cluster's object says what a step set, and a gateway has taken it up.

    Args:
        client: The cluster.
        target: The environment.
        edit: What the step set.
        agent_failure: Why the agent will not apply the commit, if it will not.
        warn: Told what a gateway says against it, and once that is over.

    Raises:
        FailError: The agent does not apply it.
        HaltError: A gateway does not take it up.
    """
    desired = object_of(target, edit)
    deadline = time.monotonic() + target.rollout.progress_deadline_seconds
    while (difference := await field_difference(client, target, edit)) is not None:
        failure = await agent_failure()
        if failure is not None or time.monotonic() > deadline:
            raise not_applied(target, desired, failure or Trouble(difference))
        await asyncio.sleep(POLL_SECONDS)
    await wait_for_gateway(client, target, desired, warn)


async def field_difference(client: KubeClient, target: Target, edit: Edit) -> str | None:
    """Why the cluster's object does not say yet what a step set; None where it does."""
    desired = object_of(target, edit)
    namespace = target.namespace_of(desired)
    live = await client.get(desired.api_version, desired.kind, desired.name, namespace)
    value = value_in(live, edit.field.name)
    if live is not None and _says(target, edit, value):
        return None
    return f"{edit.field.name} is {value}, not {edit.value}"


def _says(target: Target, edit: Edit, value: object) -> bool:
    """Whether a live value is what a step set; of pods that are up, an autoscaler sets the number.

    None at all is for Git alone.
    """
    scaled = {workload.title for workload in target.autoscaled}
    if edit.field.name == REPLICAS and edit.field.title in scaled and edit.value and value:
        return True
    return value == edit.value


def value_in(body: object, pointer: str) -> object:
    """What a JSON Pointer leads to; None where it leads nowhere."""
    for key in path_of(pointer):
        if isinstance(body, list) and key.isdecimal():
            body = dict(enumerate(cast("list[object]", body))).get(int(key))
        else:
            body = cast("dict[str, object]", body).get(key) if isinstance(body, dict) else None
    return body


def object_of(target: Target, edit: Edit) -> KubeObject:
    """The object whose field an edit sets."""
    return next(candidate for candidate in target.objects if candidate.title == edit.field.title)
