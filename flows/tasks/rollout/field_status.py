"""Deploy, seen: the cluster's object says what a step set."""

from __future__ import annotations

import asyncio
import time
from typing import cast
from uuid import UUID

from flows.tasks.agent.start_run import failure_of, not_applied
from shipway.kubernetes.client import KubeClient
from shipway.kubernetes.objects import KubeObject
from shipway.kubernetes.route import not_accepted
from shipway.rollout.target import Target
from shipway.strategies.step import Edit

POLL_SECONDS = 0.5


async def see(client: KubeClient, target: Target, edit: Edit, asked: UUID | None) -> None:
    """Wait until the cluster's object says what a step set, and a gateway has taken it up.

    Raises:
        FailError: The agent does not apply it, or no gateway takes it up.
    """
    deadline = time.monotonic() + target.rollout.progress_deadline_seconds
    while (words := await not_seen(client, target, edit)) is not None:
        failure = await failure_of(asked)
        if failure is not None or time.monotonic() > deadline:
            raise not_applied(target, _object(target, edit), failure or words)
        await asyncio.sleep(POLL_SECONDS)


async def not_seen(client: KubeClient, target: Target, edit: Edit) -> str | None:
    """Why the cluster's object does not say yet what a step set; None where it does."""
    wanted = _object(target, edit)
    namespace = target.namespace_of(wanted)
    found = await client.get(wanted.api_version, wanted.kind, wanted.name, namespace)
    said = value_in(found, edit.field.name)
    if found is None or said != edit.value:
        return f"{edit.field.name} is {said}, not {edit.value}"
    return not_accepted(found)


def _object(target: Target, edit: Edit) -> KubeObject:
    (found,) = (one for one in target.objects if one.title == edit.field.title)
    return found


def value_in(body: object, pointer: str) -> object:
    """What a JSON Pointer leads to; None where it leads nowhere."""
    for step in pointer[1:].split("/"):
        key = step.replace("~1", "/").replace("~0", "~")
        if isinstance(body, list) and key.isdecimal():
            body = dict(enumerate(cast("list[object]", body))).get(int(key))
        else:
            body = cast("dict[str, object]", body).get(key) if isinstance(body, dict) else None
    return body
