"""What became of runs, as the real Prefect server tells it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from prefect import flow, get_client
from prefect.client.schemas.objects import State
from prefect.states import Cancelled, Completed, Crashed, Failed, Running

from flows.runtime.interrupted_runs import was_interrupted
from flows.runtime.run_link import address_of

NOBODYS = "01234567-89ab-cdef-0123-456789abcdef"


@flow
async def nothing() -> None:
    """A flow for its runs alone."""


@pytest.mark.parametrize(
    ("state", "cut_off"),
    [
        (Running(), True),
        (Crashed(), True),
        (Cancelled(), True),
        (Completed(), False),
        (Failed(), False),
    ],
    ids=lambda one: one.name if isinstance(one, State) else "",
)
async def test_a_run_that_neither_completed_nor_failed_was_interrupted(
    sandbox: dict[str, str], state: State[Any], cut_off: bool
) -> None:
    async with get_client() as client:
        run = await client.create_flow_run(nothing, state=state)
    address = address_of(str(run.id))
    assert address.startswith("http")
    assert await asyncio.to_thread(was_interrupted, address) == cut_off
    async with get_client() as client:
        await client.delete_flow_run(run.id)
    assert await asyncio.to_thread(was_interrupted, address) is None


@pytest.mark.parametrize("address", ["", "by hand", f"{NOBODYS}/more"])
def test_what_names_no_run_was_not_cut_off(sandbox: dict[str, str], address: str) -> None:
    assert was_interrupted(address) is False
