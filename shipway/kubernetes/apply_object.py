"""Make one object of the cluster what Git says, with drift, replacement and what is left alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from kubernetes_asyncio.client import ApiException
from pydantic import BaseModel, ConfigDict

from shipway.kubernetes.annotations import CREATE_ONCE, REPLACE, Path, is_asked
from shipway.kubernetes.client import KubeClient, Object
from shipway.kubernetes.differences import Difference, differences
from shipway.kubernetes.ignored import Ignored, with_live_values
from shipway.kubernetes.membership import FIELD_MANAGER, marked
from shipway.kubernetes.objects import KubeObject
from shipway.kubernetes.replacing import immutable, is_immutable, replace


class Change(BaseModel):
    """What happened to one object; drift is put back, or left as it is where that is asked for."""

    model_config = ConfigDict(frozen=True)

    title: str
    action: Literal["created", "updated", "replaced", "unchanged", "deleted", "left"]
    drift: bool = False
    differences: tuple[Difference, ...] = ()


async def apply_object(
    client: KubeClient,
    desired: KubeObject,
    namespace: str | None,
    set_id: str | None,
    ignored: Ignored,
    *,
    has_run: bool,
    drifts: bool,
    heal: bool,
) -> tuple[Change, Object | None]:
    """What happened to an object, and the object as it is now.

    Args:
        client: The cluster.
        desired: The object as Git says it.
        namespace: Where it is; None where its kind has no namespaces.
        set_id: Value of the label that marks it as the set's; None where it is in none.
        ignored: What stays as it is once it is there.
        has_run: Whether it is a Job that may be missing, because it has run.
        drifts: Whether a difference is drift.
        heal: Whether drift is put back.

    Raises:
        ApiException: The API server does not take it.
        RefuseError: It would have to be replaced.
        RetryError: It is to be replaced, and does not go.
    """
    left = drifts and not heal
    live = await client.get(desired.api_version, desired.kind, desired.name, namespace)
    if live is not None:
        if is_asked(desired.body, CREATE_ONCE):
            return _change(desired, "unchanged"), live
        fields = ignored.fields(desired.body, live)
        body = marked(with_live_values(desired.body, live, fields), set_id)
        change, now = await _put_right(client, desired, namespace, live, body, fields, left=left)
        return change.model_copy(update={"drift": drifts and change.action != "unchanged"}), now
    if has_run:
        return _change(desired, "unchanged"), None
    if left:
        return _change(desired, "left", drift=True), None
    written = await client.apply(marked(desired.body, set_id), namespace, FIELD_MANAGER)
    return _change(desired, "created", drift=drifts), written


async def _put_right(
    client: KubeClient,
    desired: KubeObject,
    namespace: str | None,
    live: Object,
    body: Object,
    ignored: frozenset[Path],
    *,
    left: bool,
) -> tuple[Change, Object]:
    """What happened to an object that is there, and the object as it is now."""
    try:
        applied = await client.apply(body, namespace, FIELD_MANAGER, dry_run=True)
    except ApiException as error:
        if not await is_immutable(client, error, body, namespace):
            raise
        if not is_asked(desired.body, REPLACE):
            raise immutable(error, desired) from error
        found = differences(live, _laid_over(live, body), ignored)
        if left:
            return _change(desired, "left", found), live
        written = await replace(client, desired, body, live, namespace)
        return _change(desired, "replaced", found), written
    found = differences(live, applied, ignored)
    if not found:
        return _change(desired, "unchanged"), live
    if left:
        return _change(desired, "left", found), live
    written = await client.apply(body, namespace, FIELD_MANAGER)
    return _change(desired, "updated", found), written


def _change(
    desired: KubeObject,
    action: Literal["created", "updated", "replaced", "unchanged", "left"],
    found: list[Difference] | None = None,
    *,
    drift: bool = False,
) -> Change:
    differing = tuple(found or ())
    return Change(title=desired.title, action=action, drift=drift, differences=differing)


def _laid_over(live: Any, body: Any) -> Any:
    """The live object with the values of a body that the API server does not change it to."""
    if not (isinstance(live, Mapping) and isinstance(body, Mapping)):
        return body
    return {**live, **{key: _laid_over(live.get(key), value) for key, value in body.items()}}
