"""Runs of before, as the trailers of commits name them: whether they came to their end."""

from __future__ import annotations

import re
from uuid import UUID

from prefect import get_client
from prefect.client.schemas.objects import StateType
from prefect.exceptions import ObjectNotFound

_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")


def was_interrupted(address: str) -> bool | None:
    """Whether a run neither completed nor failed: it was killed or cancelled, or it goes on.

    Args:
        address: As `run_link.address_of` says it. What names no run was not interrupted.

    Returns:
        None where the server has no such run: its database may have been lost.
    """
    match = _ID.search(address)
    if match is None:
        return False
    with get_client(sync_client=True) as client:
        try:
            state = client.read_flow_run(UUID(match[0])).state
        except ObjectNotFound:
            return None
    return state is None or state.type not in {StateType.COMPLETED, StateType.FAILED}
