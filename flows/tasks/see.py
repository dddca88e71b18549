"""Deploy, seen: the cluster's object says what a step set."""

from __future__ import annotations

import asyncio
import time
from typing import cast
from uuid import UUID

from blocks.kube.client import KubeClient
from blocks.kube.route import not_accepted
from flows.strategies import Edit
from flows.tasks.agent import failure_of, not_applied
from flows.tasks.target import Target

POLL_SECONDS = 0.5


async def see(client: KubeClient, target: Target, edit: Edit, asked: UUID | None) -> None:
    """Wait until the cluster's object says what a step set, and a gateway has taken it up.

    Raises:
        Fail: The agent does not apply it, or no gateway takes it up.
    """
    (wanted,) = (one for one in target.objects if one.title == edit.place.title)
    namespace = target.namespace_of(wanted)
    deadline = time.monotonic() + target.rollout.progress_deadline
    while True:
        found = await client.get(wanted.api_version, wanted.kind, wanted.name, namespace)
        said = value_in(found, edit.place.name)
        words = f"{edit.place.name} is {said}, not {edit.value}"
        if found is not None and said == edit.value:
            if (not_yet := not_accepted(found)) is None:
                return
            words = not_yet
        if (failure := await failure_of(asked)) is not None:
            raise not_applied(target, wanted, failure)
        if time.monotonic() > deadline:
            raise not_applied(target, wanted, words)
        await asyncio.sleep(POLL_SECONDS)


def value_in(body: object, pointer: str) -> object:
    """What a JSON Pointer leads to; None where it leads nowhere."""
    for step in pointer[1:].split("/"):
        key = step.replace("~1", "/").replace("~0", "~")
        if isinstance(body, list) and key.isdecimal():
            body = dict(enumerate(cast("list[object]", body))).get(int(key))
        else:
            body = cast("dict[str, object]", body).get(key) if isinstance(body, dict) else None
    return body
