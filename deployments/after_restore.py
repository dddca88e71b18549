"""What a restored database believes of runs that are over, set right.

`python -m deployments.after_restore`, once the Prefect server answers again and before a worker
starts. A backup that was made in the middle of a run has it go on, and nobody tells of its end once
more. Such runs crash here, and all slots are free again: Redis alone knew who held them. Runs that
are due or suspended have no process, and wait on.
"""

from __future__ import annotations

import asyncio

from prefect import get_client
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.actions import GlobalConcurrencyLimitUpdate
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.states import Crashed

from flows.runtime.busy_apps import PAGE, each_run

WITH_A_PROCESS = [StateType.PENDING, StateType.RUNNING, StateType.CANCELLING, StateType.PAUSED]
# Of the type PAUSED, and without a process.
SUSPENDED = "Suspended"
LOST = (
    "This run went on when the backup of the database was made, and its process is no more: what "
    "became of it is lost. Start it again: it goes on from what Git says."
)


async def end_lost_runs(client: PrefectClient) -> list[FlowRun]:
    """Have all runs crash that need a process, and return them."""
    types = FlowRunFilterStateType(any_=WITH_A_PROCESS)
    wanted = FlowRunFilter(state=FlowRunFilterState(type=types))
    lost = [run async for run in each_run(client, wanted) if run.state_name != SUSPENDED]
    for run in lost:
        await client.set_flow_run_state(run.id, Crashed(message=LOST), force=True)
    return lost


async def give_back_slots(client: PrefectClient) -> dict[str, int]:
    """Free all slots of concurrency limits; return how many, by the limit's name."""
    taken = dict[str, int]()
    offset = 0
    while limits := await client.read_global_concurrency_limits(limit=PAGE, offset=offset):
        taken |= {limit.name: limit.active_slots for limit in limits if limit.active_slots}
        offset += PAGE
    for name in taken:
        await client.update_global_concurrency_limit(
            name, GlobalConcurrencyLimitUpdate(active_slots=0)
        )
    return taken


async def main() -> None:
    """Set right what nobody else would."""
    async with get_client() as client:
        for run in await end_lost_runs(client):
            print(f"run {run.name} ({run.id}) is over: crashed")
        for name, slots in (await give_back_slots(client)).items():
            print(f"limit {name}: {slots} slots are free again")


if __name__ == "__main__":
    asyncio.run(main())
